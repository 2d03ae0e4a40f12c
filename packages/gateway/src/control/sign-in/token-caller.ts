import { createHash } from 'node:crypto';
import type { IssuerData } from '../../identity/issuer-data.ts';
import { mapClaims } from '../../identity/map-claims.ts';
import type { VerifiedToken } from '../../identity/verify-token.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { Reference } from '../../kernel/directory.ts';
import type { TokenStep } from '../../kernel/token-terms.ts';
import { newRequestId, type OrganizationId } from '../../kernel/id.ts';
import type { PrincipalData } from '../../snapshot/snapshot.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import type { ControlDependencies } from '../context.ts';
import { principalOfEntry } from './principal-of-entry.ts';
import { settleIdentity } from './settle-identity.ts';

export type TokenCaller =
  /** `untilMs`: when the token ends; the principal is to be asked for anew before. */
  | { readonly ok: true; readonly principal: PrincipalData; readonly untilMs: number }
  | { readonly ok: false; readonly step: TokenStep; readonly reason: string; readonly fix: string };

/**
 * The caller behind a verified token: the user, service account or agent of the issuer's organization that its claims lead to. What it may do is what
 * the issuer's entry allows and, of users and service accounts, their roles as well; claims give what the mapping names and nothing else. Faults: `unavailable`.
 */
export async function callerOfToken(
  dependencies: ControlDependencies,
  { issuer, claims, expiresAtMs }: VerifiedToken,
  text: string,
  peer: string,
): Promise<TokenCaller> {
  const mapped = mapClaims(issuer, claims);
  if (mapped.kind === 'nobody') return { ok: false, step: 'mapping', reason: mapped.trouble, fix: mapped.fix };
  let reference: Reference;
  if (mapped.kind === 'entry') reference = mapped.entry;
  else {
    const settled = await settleIdentity({ ...dependencies, requestId: newRequestId(), peer }, mapped.identity, mapped.rules);
    if (!settled.ok) return { ok: false, step: settled.step === 'group' ? 'mapping' : 'directory', reason: settled.reason, fix: settled.fix };
    reference = { kind: 'user', id: settled.user.entry.id };
  }
  const { organizationId } = issuer;
  const entry = await dependencies.registry.directory.find(organizationId, reference);
  if (entry === null)
    return {
      ok: false,
      step: 'directory',
      reason: `the organization has no ${reference.kind.replace('_', ' ')} ${reference.id}`,
      fix: 'Make it, or correct the entry of callers.',
    };
  const keyId = reference.kind === 'user' ? await pseudonymOf(dependencies.registry, organizationId, reference.id) : reference.id;
  return { ok: true, principal: await principalOf(dependencies, issuer, entry, keyId, text, expiresAtMs), untilMs: expiresAtMs };
}

function principalOf(
  dependencies: ControlDependencies,
  { name, organizationId, servers, actions }: IssuerData,
  entry: EntryRecord,
  keyId: string,
  text: string,
  expiresAtMs: number,
): Promise<PrincipalData> {
  return principalOfEntry(dependencies, organizationId, entry, {
    credential: 'jwt',
    credentialId: `jwt_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`,
    issuer: name,
    keyId,
    keyPrefix: `jwt:${name}`,
    servers,
    actions,
    expiresAtMs: Math.min(expiresAtMs, dependencies.expiryClock.nowMs() + bounds.tokenVerdictMs),
  });
}

/** Records find a person by it without naming them; it ends with them. */
export async function pseudonymOf(registry: ControlDependencies['registry'], organizationId: OrganizationId, userId: string): Promise<string> {
  const known = await registry.people.find(organizationId, userId);
  return (known ?? (await registry.transaction(({ people }) => people.take(organizationId, userId)))).pseudonym;
}

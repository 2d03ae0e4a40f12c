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
import { within } from '../permissions.ts';
import { permissionsOf } from '../roles/built-in-roles.ts';
import { settleIdentity } from './settle-identity.ts';

export type TokenCaller =
  | { readonly ok: true; readonly principal: PrincipalData }
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
  return { ok: true, principal: await principalOf(dependencies, issuer, entry, text, expiresAtMs) };
}

async function principalOf(
  { registry, mcpActions, config, expiryClock }: ControlDependencies,
  issuer: IssuerData,
  entry: EntryRecord,
  text: string,
  expiresAtMs: number,
): Promise<PrincipalData> {
  const { organizationId } = issuer;
  const { kind, id } = entry;
  const ancestors = await registry.directory.lineage(organizationId, [{ kind, id }]);
  const isOwner = kind === 'user' || kind === 'service_account';
  const granted = ancestors.filter((one) => one.kind === 'role').flatMap((role) => permissionsOf(role, mcpActions));
  // The rule for every key is the rule for every caller.
  const limit = config.rateLimits.find(({ keyPrefix }) => keyPrefix === null);
  return {
    kind: kind === 'user' || kind === 'agent' ? kind : 'service_account',
    credential: 'jwt',
    credentialId: `jwt_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`,
    issuer: issuer.name,
    keyId: kind === 'user' ? await pseudonymOf(registry, organizationId, id) : id,
    keyPrefix: `jwt:${issuer.name}`,
    organizationId,
    userId: kind === 'user' ? id : '',
    teamId: linkOf(entry, kind === 'user' ? 'team_ids' : 'team_id'),
    projectId: linkOf(entry, 'project_id'),
    agent: kind === 'agent' ? id : '',
    serviceAccountId: kind === 'service_account' ? id : '',
    lineage: ancestors.filter((one) => one.kind !== 'role').map((one) => ({ kind: one.kind, id: one.id })),
    owner: isOwner ? { kind, id } : null,
    environment: config.keys.environment,
    servers: issuer.servers,
    actions: isOwner ? within(issuer.actions, granted, mcpActions) : issuer.actions,
    expiresAtMs: Math.min(expiresAtMs, expiryClock.nowMs() + bounds.tokenVerdictMs),
    deprecatedUntilMs: null,
    rateLimit: limit === undefined ? null : { limit: limit.limit, windowMs: limit.windowMs, burst: limit.burst },
  };
}

/** Records find a person by it without naming them; it ends with them. */
async function pseudonymOf(registry: ControlDependencies['registry'], organizationId: OrganizationId, userId: string): Promise<string> {
  const known = await registry.people.find(organizationId, userId);
  return (known ?? (await registry.transaction(({ people }) => people.take(organizationId, userId)))).pseudonym;
}

/** The first that it is tied to by a member; empty: none. */
function linkOf({ links }: EntryRecord, member: string): string {
  return links[member]?.[0]?.id ?? '';
}

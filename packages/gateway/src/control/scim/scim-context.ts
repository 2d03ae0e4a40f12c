/**
 * SCIM 2.0 (RFC 7643, 7644): an identity provider of the configuration sends users and groups of its organization. Promises: a provider sees and changes what it
 * has sent, and nothing else; a user who was there before becomes its own only by an address of a domain that it speaks for; whoever is switched off or deleted is out
 * on every node within seconds; what its groups give and take is what its mapping says.
 */
import type { CredentialVerdict } from '../../authenticate/authenticate.ts';
import type { ProvisionRules } from '../../identity/verified-identity.ts';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { OrganizationId } from '../../kernel/id.ts';
import { switchedOff } from '../access/switched-off.ts';
import { createActor } from '../actor.ts';
import type { ControlContext, ControlDependencies } from '../context.ts';
import { recogniseKey, verifyKey } from '../keys/verify-key.ts';
import { covers, type Permission } from '../permissions.ts';
import { countFailed } from '../sign-in/sign-in-attempts.ts';

/** What a verb of SCIM gets first: the provider acts. */
export interface ScimContext extends ControlContext {
  readonly provider: string;
  readonly rules: ProvisionRules;
}

/** What the key of a provider holds, and nothing else. */
export const scimPermission: Permission = 'scim.provision';

/**
 * The provider behind the token of a request. `mayRemember`: nothing is changed by it. Faults: `unauthorized`, `forbidden` for a key that is of no provider,
 * `rate_limit_exceeded`, `unavailable`.
 */
export async function openScim(
  dependencies: ControlDependencies,
  token: string | null,
  { requestId, peer, mayRemember }: { readonly requestId: string; readonly peer: string; readonly mayRemember: boolean },
): Promise<ScimContext> {
  const verdict: CredentialVerdict =
    token === null ? { ok: false, reason: 'unknown' } : await (mayRemember ? recogniseKey : verifyKey)(dependencies, token, peer);
  if (verdict.ok === 'busy' || verdict.ok === 'away') throw new Fault('unavailable', { reason: 'too many keys are being verified' });
  if (!verdict.ok) {
    await countFailed(dependencies, peer);
    throw new Fault('unauthorized');
  }
  const { principal } = verdict;
  const organizationId = principal.organizationId as OrganizationId;
  if (switchedOff(dependencies.access.switches(organizationId), principal, dependencies.clock.nowMs()) !== null) throw new Fault('unauthorized');
  const connection = covers(principal.actions ?? [], scimPermission) ? await dependencies.registry.scim.connectionOfKey(organizationId, principal.keyId) : null;
  if (connection === null) throw new Fault('forbidden', { reason: 'it is not the token of an identity provider: gateway scim enable' });
  const { provider } = connection;
  const rules = provisioningRules(dependencies, organizationId, provider);
  if (rules === null) throw new Fault('forbidden', { reason: `the identity provider ${provider} is not configured any more` });
  await countRequest(dependencies, organizationId, provider);
  const actor = createActor('provider', provider, { actions: [], servers: [] }, organizationId);
  return { ...dependencies, organizationId, actor, requestId, peer, provider, rules };
}

/** What the configuration makes of the people of a provider, or of an issuer of tokens, of that name; null: there is none. */
export function provisioningRules(
  { providers, config }: Pick<ControlDependencies, 'providers' | 'config'>,
  organizationId: OrganizationId,
  name: string,
): ProvisionRules | null {
  const provider = providers.list().find((one) => one.name === name && one.organizationId === organizationId);
  if (provider !== undefined) return provider.rules;
  return config.identity.issuers.find((one) => one.name === name && one.organizationId === organizationId)?.mapping.people ?? null;
}

async function countRequest({ state, clock }: ControlDependencies, organizationId: OrganizationId, provider: string): Promise<void> {
  const nowMs = clock.nowMs();
  const rate = { limit: bounds.scimRequestsPerMinute, windowMs: 60_000, burst: 0 };
  const { granted, resetAtMs } = await state.takeTokens(`scim:${organizationId}:${provider}`, rate, 1, nowMs);
  if (granted > 0) return;
  throw new Fault('rate_limit_exceeded', { retryAfter: Math.max(1, Math.ceil((resetAtMs - nowMs) / 1_000)) });
}

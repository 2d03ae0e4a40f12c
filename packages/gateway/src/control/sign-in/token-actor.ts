import type { CredentialVerdict } from '../../authenticate/authenticate.ts';
import { Fault } from '../../kernel/fault.ts';
import { issuerTokenActor } from '../actor.ts';
import { switchedOff } from '../access/switched-off.ts';
import type { Actor, ControlDependencies, TokenPlace } from '../context.ts';
import { isTokenForm } from '../../identity/read-token.ts';
import { verifyIssuerToken } from './verify-credential.ts';

/** Whether a text is to be looked at as a token of an issuer, for the control API takes some. */
export function mayBeIssuerToken({ config }: Pick<ControlDependencies, 'config'>, text: string): boolean {
  return config.identity.issuers.some(({ controlApi }) => controlApi) && isTokenForm(text);
}

/**
 * Who acts in the control API by a token of an issuer: one whose callers may (`control_api`), within their roles and what `actions` of the issuer names. It is
 * verified each time. Faults: `unauthorized`, whose reason the audit has; `unavailable`.
 */
export async function actorOfIssuerToken(dependencies: ControlDependencies, text: string, peer: string): Promise<Actor> {
  const verdict = await verifyIssuerToken(dependencies, text, peer, ({ controlApi }) => controlApi);
  if (verdict.ok !== true) throw faultOf(verdict);
  const { principal, untilMs } = verdict;
  const actor = issuerTokenActor(principal, untilMs);
  if (switchedOff(dependencies.access.switches(actor.organizationId), principal, dependencies.clock.nowMs()) !== null) throw new Fault('unauthorized');
  return actor;
}

/** Whether whoever acts by a token still could, e.g. under a stream; the token is not read again. Faults: `unavailable`. */
export async function tokenHolds(
  { config, registry, access, clock, expiryClock }: Pick<ControlDependencies, 'config' | 'registry' | 'access' | 'clock' | 'expiryClock'>,
  { organizationId }: Pick<Actor, 'organizationId'>,
  { issuer, entry, untilMs }: TokenPlace,
): Promise<boolean> {
  const taken = config.identity.issuers.some((one) => one.name === issuer && one.organizationId === organizationId && one.controlApi);
  if (!taken || untilMs <= expiryClock.nowMs() || (await registry.directory.find(organizationId, entry)) === null) return false;
  const lineage = await registry.directory.lineage(organizationId, [entry]);
  return switchedOff(access.switches(organizationId), { keyId: '', lineage }, clock.nowMs()) === null;
}

function faultOf(verdict: Exclude<CredentialVerdict, { ok: true }>): Fault {
  if (verdict.ok === 'busy') return new Fault('unavailable', { reason: 'too many tokens are being verified' });
  if (verdict.ok === 'away') return new Fault('unavailable', { reason: 'the issuer of the token does not answer' });
  return new Fault('unauthorized');
}

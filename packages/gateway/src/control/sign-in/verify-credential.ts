import type { CredentialRefusal, CredentialVerdict, ShownCredential } from '../../authenticate/authenticate.ts';
import type { IssuerData } from '../../identity/issuer-data.ts';
import { isTokenForm } from '../../identity/read-token.ts';
import type { TokenRefusal } from '../../identity/verify-token.ts';
import { organizationIdOf } from '../../kernel/id.ts';
import type { ControlDependencies } from '../context.ts';
import { verifyKey } from '../keys/verify-key.ts';
import { slowGuesses } from '../keys/wrong-keys.ts';
import { looksLikeOwnToken, verifyAccessToken } from '../oauth/verify-access-token.ts';
import { callerOfToken, type TokenCaller } from './token-caller.ts';
import { verifyClientCertificate } from './verify-client-certificate.ts';

/**
 * Who is behind what a caller of the rail sent: a client certificate, a key of the gateway, a token that it has given a client, or a token of an issuer where there are any. A token that is not taken ends as an
 * event of the audit that names the test it failed; its sender hears nothing of that. Faults: `unavailable` where the registry does not answer.
 */
export async function verifyCredential(
  dependencies: ControlDependencies,
  { secret, peer, kind }: { readonly secret: string; readonly peer: string; readonly kind: ShownCredential },
): Promise<CredentialVerdict> {
  if (kind === 'certificate') return verifyClientCertificate(dependencies, secret, peer);
  if (looksLikeOwnToken(dependencies, secret)) return verifyAccessToken(dependencies, secret, peer);
  if (dependencies.config.identity.issuers.length === 0 || !isTokenForm(secret))
    return slowGuesses(dependencies, await verifyKey(dependencies, secret, peer), secret, peer);
  const verdict = await verifyIssuerToken(dependencies, secret, peer, () => true);
  return verdict.ok === true ? { ok: true, principal: verdict.principal } : verdict;
}

/** Who is behind a token of an issuer, of one that `takes` names: nobody is made a user by a token of another. Faults: `unavailable`. */
export async function verifyIssuerToken(
  dependencies: ControlDependencies,
  secret: string,
  peer: string,
  takes: (issuer: IssuerData) => boolean,
): Promise<IssuerTokenVerdict> {
  const verdict = await dependencies.issuers.verify(secret);
  if (verdict.ok === 'busy') return verdict;
  if (verdict.ok === 'away') return { ok: 'away' };
  if (!verdict.ok) return refuse(dependencies, verdict.refusal, peer);
  const { issuer } = verdict.token;
  if (!takes(issuer)) return refuse(dependencies, { ...untaken, issuer }, peer);
  const caller = await callerOfToken(dependencies, verdict.token, secret, peer);
  if (!caller.ok) return refuse(dependencies, { ...caller, issuer }, peer);
  const { principal, untilMs } = caller;
  dependencies.audit.noteSignIn({
    outcome: 'succeeded',
    reason: '',
    kind: 'token',
    subject: principal.keyId,
    organizationId: organizationIdOf(principal.organizationId),
    peer,
  });
  return { ok: true, principal, untilMs };
}

export type IssuerTokenVerdict = Exclude<CredentialVerdict, { ok: true }> | Extract<TokenCaller, { ok: true }>;

const untaken = { step: 'issuer', reason: 'its tokens are not taken by the control API', fix: 'Write control_api: true at the issuer.' } as const;

function refuse({ audit, issuers, log }: ControlDependencies, { step, reason, issuer }: TokenRefusal, peer: string): CredentialRefusal {
  issuers.noteRefused(step);
  audit.noteSignIn({ outcome: 'failed', reason: step, kind: 'token', subject: issuer?.name ?? '', organizationId: issuer?.organizationId ?? null, peer });
  log.debug('identity.token_refused', { step, reason, issuer: issuer?.name ?? '' });
  return issuer === null ? { ok: false, reason: 'unknown' } : { ok: false, reason: 'refused', organizationId: issuer.organizationId };
}

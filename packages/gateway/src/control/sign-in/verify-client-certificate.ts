import type { CredentialVerdict } from '../../authenticate/authenticate.ts';
import type { CertificateRefusal, VerifiedCertificate } from '../../identity/verify-certificate.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { CertificateStep } from '../../kernel/certificate-terms.ts';
import { organizationIdOf } from '../../kernel/id.ts';
import type { PrincipalData } from '../../snapshot/snapshot.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import type { ControlDependencies } from '../context.ts';
import { principalOfEntry } from './principal-of-entry.ts';
import { pseudonymOf } from './token-caller.ts';

/**
 * Who is behind a client certificate; `text` as workers send it. One that is not taken ends as an event of the audit that names the test it failed, and in the log with its
 * reason; who has shown it hears nothing of that. Faults: `unavailable` where the registry does not answer.
 */
export async function verifyClientCertificate(dependencies: ControlDependencies, text: string, peer: string): Promise<CredentialVerdict> {
  const verdict = await dependencies.certificates.verify(text);
  if (!verdict.ok) return refuse(dependencies, verdict.refusal, peer);
  const caller = await callerOfCertificate(dependencies, verdict.verified);
  if (!caller.ok) {
    const { authority, certificate } = verdict.verified;
    return refuse(dependencies, { ...caller, authority, certificate }, peer);
  }
  const { principal } = caller;
  dependencies.audit.noteSignIn({
    outcome: 'succeeded',
    reason: '',
    kind: 'certificate',
    subject: principal.keyId,
    organizationId: organizationIdOf(principal.organizationId),
    peer,
  });
  return { ok: true, principal };
}

interface NobodyThere {
  readonly ok: false;
  readonly step: 'directory';
  readonly reason: string;
  readonly fix: string;
}

export type CertificateCaller = { readonly ok: true; readonly principal: PrincipalData } | NobodyThere;

/** The user, service account or agent that it is of. Faults: `unavailable`. */
export async function callerOfCertificate(dependencies: ControlDependencies, verified: VerifiedCertificate): Promise<CertificateCaller> {
  const { authority, rule, certificate, until } = verified;
  const found = await entryOfCertificate(dependencies, verified);
  if (!found.ok) return found;
  // One certificate of two organizations is two callers.
  const credentialId = `crt_${certificate.fingerprint.slice(0, 32)}`;
  const { name, organizationId, servers, actions } = authority;
  const principal = await principalOfEntry(dependencies, organizationId, found.entry, {
    credential: 'mtls',
    credentialId,
    issuer: name,
    keyId: rule.kind === 'user' ? await pseudonymOf(dependencies.registry, organizationId, rule.id) : rule.id,
    keyPrefix: `mtls:${name}`,
    servers,
    actions,
    expiresAtMs: Math.min(until, dependencies.expiryClock.nowMs() + bounds.tokenVerdictMs),
  });
  return { ok: true, principal };
}

/** Them as the directory has them. Faults: `unavailable`. */
export async function entryOfCertificate(
  { registry }: Pick<ControlDependencies, 'registry'>,
  { authority, rule }: Pick<VerifiedCertificate, 'authority' | 'rule'>,
): Promise<{ readonly ok: true; readonly entry: EntryRecord } | NobodyThere> {
  const entry = await registry.directory.find(authority.organizationId, { kind: rule.kind, id: rule.id });
  if (entry !== null) return { ok: true, entry };
  const reason = `the organization has no ${rule.kind.replace('_', ' ')} ${rule.id}`;
  return { ok: false, step: 'directory', reason, fix: 'Make it, or correct the entry of callers.' };
}

function refuse(
  { audit, log, certificates }: ControlDependencies,
  { step, reason, fix, authority, certificate }: Omit<CertificateRefusal, 'step'> & { readonly step: CertificateStep },
  peer: string,
): CredentialVerdict {
  const organizationId = authority?.organizationId ?? null;
  audit.noteSignIn({ outcome: 'failed', reason: step, kind: 'certificate', subject: authority?.name ?? '', organizationId, peer });
  log[certificates.takesLine() ? 'info' : 'debug']('identity.certificate_refused', {
    step,
    reason,
    fix,
    authority: authority?.name ?? '',
    ...(certificate === null ? {} : { fingerprint: `sha256:${certificate.fingerprint}`, serial: certificate.serial }),
    peer,
  });
  return organizationId === null ? { ok: false, reason: 'unknown' } : { ok: false, reason: 'refused', organizationId };
}

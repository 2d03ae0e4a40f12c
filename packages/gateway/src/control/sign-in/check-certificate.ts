import type { AuthorityReport, CertificateVerdict } from '../../identity/verify-certificate.ts';
import { certificateSteps, type CertificateStep } from '../../kernel/certificate-terms.ts';
import type { ControlContext } from '../context.ts';
import { entryOfCertificate } from './verify-client-certificate.ts';

type Verified = Extract<CertificateVerdict, { ok: true }>['verified'];

/** What becomes of a client certificate, test by test. */
export interface CertificateCheck {
  readonly outcome: 'taken' | 'refused';
  readonly steps: readonly { readonly step: CertificateStep; readonly outcome: 'pass' | 'fail' | 'not_reached' }[];
  /** The test that it fails, why, and how to mend it; null where it is taken. */
  readonly failed: { readonly step: CertificateStep; readonly reason: string; readonly fix: string } | null;
  /** Name of the authority in the configuration. */
  readonly authority: string | null;
  /** Whom the entry of `callers` that fits names. */
  readonly rule: Verified['rule'] | null;
  /** Null: it could not be read. */
  readonly certificate: Verified['certificate'] | null;
  /** When the first thing ends that it is good by; null where it is refused. */
  readonly until: number | null;
}

/** The authorities of the organization, in the order of the configuration. */
export function listAuthorities({ certificates, organizationId }: ControlContext): Promise<readonly AuthorityReport[]> {
  return certificates.describe(organizationId);
}

/**
 * Tries a certificate as a caller's would be, for whoever sets an authority up: nobody is let in by it, and nothing is told of the authorities of other
 * organizations. `text`: in PEM, or one in base64. Faults: `unavailable`.
 */
export async function checkCertificate(context: ControlContext, text: string): Promise<CertificateCheck> {
  const verdict = await context.certificates.test(text, context.organizationId);
  if (!verdict.ok) {
    const { step, reason, fix, authority, certificate } = verdict.refusal;
    return { ...refused({ step, reason, fix }), authority: authority?.name ?? null, rule: null, certificate };
  }
  const { authority, rule, certificate, until } = verdict.verified;
  const known = { authority: authority.name, rule, certificate };
  const found = await entryOfCertificate(context, verdict.verified);
  if (!found.ok) return { ...refused({ step: found.step, reason: found.reason, fix: found.fix }), ...known };
  return { outcome: 'taken', steps: certificateSteps.map((step) => ({ step, outcome: 'pass' })), failed: null, ...known, until };
}

function refused(failed: NonNullable<CertificateCheck['failed']>): Pick<CertificateCheck, 'outcome' | 'steps' | 'failed' | 'until'> {
  const at = certificateSteps.indexOf(failed.step);
  const steps = certificateSteps.map((step, index) => ({
    step,
    outcome: index < at ? ('pass' as const) : index === at ? ('fail' as const) : ('not_reached' as const),
  }));
  return { outcome: 'refused', steps, failed, until: null };
}

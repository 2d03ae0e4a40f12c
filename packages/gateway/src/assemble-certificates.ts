/** The authorities of client certificates of a node: what verifies certificates is loaded with the first one. Part of `assemble.ts`. */
import { isDeepStrictEqual } from 'node:util';
import type { CertificateDesk } from './control/sign-in/certificate-desk.ts';
import type { HealthProbe } from './control/health/read-health.ts';
import type { AuthorityData } from './identity/authority-data.ts';
import type { CertificateVerifier } from './identity/verify-certificate.ts';
import type { Clock } from './kernel/clock.ts';
import type { OrganizationId } from './kernel/id.ts';

export interface AssembledCertificates extends CertificateDesk {
  /** Others are configured. Returns the organizations whose callers have to be verified anew. */
  configure(authorities: readonly AuthorityData[]): readonly OrganizationId[];
  /** Says what of them is over, or will be before long; none where there are none. */
  probes(): readonly HealthProbe[];
}

/** Of the log, about certificates that are refused. */
const linesBurst = 20;
const linesPerSecond = 2;

export function assembleCertificates(first: readonly AuthorityData[], clock: Clock): AssembledCertificates {
  let authorities = first;
  let verifier: CertificateVerifier | null = null;
  let loading: Promise<CertificateVerifier> | null = null;

  async function load(): Promise<CertificateVerifier> {
    const { createCertificateVerifier } = await import('./identity/verify-certificate.ts');
    verifier = createCertificateVerifier(clock);
    verifier.configure(authorities);
    return verifier;
  }

  let lines = linesBurst;
  let refilledMs = clock.monotonicMs();
  const check: HealthProbe['check'] = async () => {
    const ends = (verifier ?? (await (loading ??= load()))).ends();
    if (ends.length === 0) return { state: 'ok', reason: null };
    return { state: ends.some(({ isOver }) => isOver) ? 'down' : 'degraded', reason: ends.map(({ reason }) => reason).join('; ') };
  };

  return {
    probes: () => (authorities.length === 0 ? [] : [{ name: 'client_certificates', required: false, check }]),
    takesLine() {
      const nowMs = clock.monotonicMs();
      lines = Math.min(linesBurst, lines + ((nowMs - refilledMs) * linesPerSecond) / 1000);
      refilledMs = nowMs;
      return lines >= 1 && lines-- >= 1;
    },
    get authorities() {
      return authorities;
    },
    verify: async (text) => (verifier ?? (await (loading ??= load()))).verify(text),
    configure(next) {
      // Of all, for what one entry says can make a certificate of another one's nobody's.
      const organizations = isDeepStrictEqual(authorities, next) ? [] : [...authorities, ...next].map(({ organizationId }) => organizationId);
      authorities = next;
      verifier?.configure(next);
      return [...new Set(organizations)];
    },
  };
}

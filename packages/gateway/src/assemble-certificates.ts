/** The authorities of client certificates of a node: what verifies certificates is loaded with the first one. Part of `assemble.ts`. */
import { isDeepStrictEqual } from 'node:util';
import type { CertificateDesk } from './control/sign-in/certificate-desk.ts';
import type { HealthProbe } from './control/health/read-health.ts';
import type { AuthorityData } from './identity/authority-data.ts';
import type { CertificateVerifier } from './identity/verify-certificate.ts';
import type { Clock } from './kernel/clock.ts';
import type { OrganizationId } from './kernel/id.ts';
import type { Log } from './kernel/log.ts';

export interface AssembledCertificates extends CertificateDesk {
  /** Others are configured. Returns the organizations whose callers have to be verified anew. */
  configure(authorities: readonly AuthorityData[]): readonly OrganizationId[];
  /** Says what of them is over, or will be before long; none where there are none. */
  probes(): readonly HealthProbe[];
  /** Says the same in the log, now and every day. Returns how to end. */
  watch(log: Log): () => void;
}

/** How often it is said in the log what ends. */
const endsLogMs = 24 * 3_600_000;

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
  const loaded = async (): Promise<CertificateVerifier> => verifier ?? (await (loading ??= load()));
  const check: HealthProbe['check'] = async () => {
    const ends = (await loaded()).ends();
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
    verify: async (text) => (await loaded()).verify(text),
    test: async (text, organizationId) => (await loaded()).test(text, organizationId),
    describe: async (organizationId) => (authorities.length === 0 ? [] : (await loaded()).describe(organizationId)),
    watch(log) {
      const look = async (): Promise<void> => {
        if (authorities.length === 0) return;
        for (const { reason } of (await loaded()).ends()) log.warn('identity.certificate_expires', { reason });
      };
      const say = (): void => void look().catch((error: unknown) => log.warn('chore_failed', { chore: 'client certificates', error }));
      say();
      const timer = setInterval(say, endsLogMs);
      timer.unref();
      return () => clearInterval(timer);
    },
    configure(next) {
      // Of all, for what one entry says can make a certificate of another one's nobody's.
      const organizations = isDeepStrictEqual(authorities, next) ? [] : [...authorities, ...next].map(({ organizationId }) => organizationId);
      authorities = next;
      verifier?.configure(next);
      return [...new Set(organizations)];
    },
  };
}

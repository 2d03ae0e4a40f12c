import { bounds } from '../kernel/bounds.ts';
import type { CertificateStep } from '../kernel/certificate-terms.ts';
import type { Clock } from '../kernel/clock.ts';
import { readCertificate, readCertificates, type Certificate } from '../x509/certificate.ts';
import { Malformed } from '../x509/der.ts';
import { readRevocationList } from '../x509/revocation-list.ts';
import { trustOf, verifyChain, type Trust } from '../x509/verify-chain.ts';
import type { AuthorityData, CertificateRule } from './authority-data.ts';
import { fitsCertificate } from './fits-certificate-name.ts';

export interface VerifiedCertificate {
  readonly authority: AuthorityData;
  readonly rule: CertificateRule;
  readonly certificate: Certificate;
  /** When the first thing ends that it is good by: it, an authority, a revocation list. */
  readonly until: number;
}

export interface CertificateRefusal {
  readonly step: Exclude<CertificateStep, 'directory'>;
  readonly reason: string;
  readonly fix: string;
  /** Whose authority it came to; null: nobody's. */
  readonly authority: AuthorityData | null;
  /** Null: it could not be read. */
  readonly certificate: Certificate | null;
}

export type CertificateVerdict = { readonly ok: true; readonly verified: VerifiedCertificate } | { readonly ok: false; readonly refusal: CertificateRefusal };

export interface CertificateVerifier {
  configure(authorities: readonly AuthorityData[]): void;
  /** `text`: the certificate that a client has shown the key of, and what it sent with it: base64 of each, with commas between. */
  verify(text: string): CertificateVerdict;
  /** What of the authorities and their lists is over, or will be before long. */
  ends(): readonly AuthorityEnd[];
}

export interface AuthorityEnd {
  readonly isOver: boolean;
  /** For the operator. */
  readonly reason: string;
}

const stepOrder: readonly CertificateStep[] = ['form', 'time', 'key', 'usage', 'chain', 'revocation', 'mapping'];

/** Knows the authorities of a node. One whose certificates and lists are the same as before is not read again. */
export function createCertificateVerifier(clock: Pick<Clock, 'nowMs'>): CertificateVerifier {
  let known: readonly { readonly authority: AuthorityData; readonly trust: Trust }[] = [];

  return {
    configure(authorities) {
      const before = known;
      known = authorities.map((authority) => {
        const same = before.find(({ authority: one }) => one.ca === authority.ca && sameLists(one.lists, authority.lists));
        return { authority, trust: same?.trust ?? readTrust(authority) };
      });
    },
    verify(text) {
      let leaf: Certificate;
      let shown: Certificate[];
      try {
        [leaf, shown] = readChain(text);
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        return refused({ step: 'form', reason: error.message, fix: 'Give the client a certificate of X.509 version 3.', authority: null, certificate: null });
      }
      const fitting: VerifiedCertificate[] = [];
      let nearest: CertificateRefusal | null = null;
      for (const { authority, trust } of known) {
        const verdict = verifyChain(leaf, shown, trust, clock.nowMs());
        if (!verdict.ok) {
          const { step, reason, fix } = verdict;
          // Of an authority that has nothing to do with it nothing is to be said.
          const isOurs = step === 'revocation';
          nearest = further(nearest, { step, reason, fix, authority: isOurs ? authority : null, certificate: leaf });
          continue;
        }
        const rule = authority.callers.find((one) => fitsCertificate(one, leaf));
        if (rule !== undefined) fitting.push({ authority, rule, certificate: leaf, until: verdict.until });
        else nearest = further(nearest, { ...nobodys(leaf), authority, certificate: leaf });
      }
      const [first, ...others] = fitting;
      if (first === undefined)
        return refused(
          nearest ?? {
            step: 'chain',
            reason: 'no authority is configured',
            fix: 'Add one to identity.certificates.authorities.',
            authority: null,
            certificate: leaf,
          },
        );
      const other = others.find(({ authority }) => authority.organizationId !== first.authority.organizationId);
      if (other !== undefined)
        return refused({
          step: 'mapping',
          reason: `it is somebody's in two organizations, by ${first.authority.name} and by ${other.authority.name}`,
          fix: 'Name it in callers of one of them only.',
          authority: null,
          certificate: leaf,
        });
      return { ok: true, verified: first };
    },
    ends: () => known.flatMap(({ authority, trust }) => endsOf(authority, trust, clock.nowMs())),
  };
}

function endsOf({ name }: AuthorityData, { anchors, lists }: Trust, nowMs: number): AuthorityEnd[] {
  const at = (ms: number): string => new Date(ms).toISOString();
  const authorities = anchors
    .filter(({ until }) => until - nowMs < bounds.certificateWarnMs)
    .map(({ until, subjectText }): AuthorityEnd => {
      const isOver = nowMs >= until;
      return { isOver, reason: `${name}: the authority ${subjectText} ${isOver ? 'expired, its callers are refused,' : 'expires'} at ${at(until)}` };
    });
  // The newest of each authority counts. Many are made for a week: they are warned of in the last quarter of their time.
  const newest = (lists ?? []).filter((list) => (lists ?? []).every((other) => other === list || !other.issuer.equals(list.issuer) || other.from < list.from));
  const due = newest
    .filter(({ from, until }) => until - nowMs < Math.min(bounds.certificateWarnMs, (until - from) / 4))
    .map(({ until }): AuthorityEnd => {
      const isOver = nowMs >= until;
      return { isOver, reason: `${name}: a revocation list ${isOver ? 'expired, its callers are refused,' : 'expires'} at ${at(until)}` };
    });
  return [...authorities, ...due];
}

/** What an authority of the configuration is trusted by. Throws `Malformed`. */
export function readTrust({ ca, lists }: Pick<AuthorityData, 'ca' | 'lists'>): Trust {
  return trustOf(readCertificates(ca), lists?.map((list) => readRevocationList(Buffer.from(list, 'base64'))) ?? null);
}

function readChain(text: string): [Certificate, Certificate[]] {
  const [first = '', ...rest] = text.split(',');
  if (rest.length >= bounds.certificateChainMax) throw new Malformed(`more than ${bounds.certificateChainMax} certificates were sent`);
  const read = (base64: string): Certificate => readCertificate(Buffer.from(base64, 'base64'));
  return [read(first), rest.map(read)];
}

function sameLists(one: readonly string[] | null, other: readonly string[] | null): boolean {
  return one === null || other === null ? one === other : one.length === other.length && one.every((list, index) => list === other[index]);
}

function further(one: CertificateRefusal | null, other: CertificateRefusal): CertificateRefusal {
  return one === null || stepOrder.indexOf(other.step) > stepOrder.indexOf(one.step) ? other : one;
}

function nobodys({ names, fingerprint }: Certificate): Pick<CertificateRefusal, 'step' | 'reason' | 'fix'> {
  const all = (['uri', 'dns', 'email'] as const).flatMap((kind) => names[kind].map((name) => `${kind} ${name}`));
  return {
    step: 'mapping',
    reason: `no entry of callers fits its names (${all.length === 0 ? 'it has none in subjectAltName' : all.slice(0, 5).join(', ').slice(0, 400)})`,
    fix: `Add an entry to callers with one of them, or with fingerprint: sha256:${fingerprint}.`,
  };
}

function refused(refusal: CertificateRefusal): CertificateVerdict {
  return { ok: false, refusal };
}

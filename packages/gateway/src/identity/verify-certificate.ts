import { bounds } from '../kernel/bounds.ts';
import type { CertificateStep } from '../kernel/certificate-terms.ts';
import type { Clock } from '../kernel/clock.ts';
import type { OrganizationId } from '../kernel/id.ts';
import { base64CertificatesIn, readCertificate, readCertificates, type Certificate } from '../x509/certificate.ts';
import { Malformed } from '../x509/der.ts';
import { readRevocationList, type RevocationList } from '../x509/revocation-list.ts';
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
  /** What `verify` would say of the certificates of a text, in PEM or one in base64, to an administrator of an organization, who hears nothing of the authorities of others. */
  test(text: string, organizationId: OrganizationId): CertificateVerdict;
  /** The authorities of an organization, in the order of the configuration. */
  describe(organizationId: OrganizationId): readonly AuthorityReport[];
  /** What of the authorities and their lists is over, or will be before long. */
  ends(): readonly AuthorityEnd[];
}

/** An authority with what it is trusted by, and when that ends. */
export interface AuthorityReport {
  readonly authority: AuthorityData;
  readonly certificates: readonly { readonly certificate: Certificate; readonly isAnchor: boolean; readonly state: EndState }[];
  /** Null: nobody asks. */
  readonly lists: readonly ListReport[] | null;
}

export interface ListReport {
  /** The name of its authority; null: none of those in `ca` has signed it. */
  readonly issuerText: string | null;
  readonly from: number;
  readonly until: number;
  readonly size: number;
  /** `replaced`: a newer one of the same authority counts. */
  readonly state: EndState | 'replaced';
}

export type EndState = 'good' | 'ends_soon' | 'over';

export interface AuthorityEnd {
  readonly isOver: boolean;
  /** For the operator. */
  readonly reason: string;
}

const stepOrder: readonly CertificateStep[] = ['form', 'time', 'key', 'usage', 'chain', 'revocation', 'mapping'];

/** Knows the authorities of a node. One whose certificates and lists are the same as before is not read again. */
export function createCertificateVerifier(clock: Pick<Clock, 'nowMs'>): CertificateVerifier {
  let known: readonly { readonly authority: AuthorityData; readonly trust: Trust }[] = [];

  /** `organizationId`: by its authorities alone; absent: by all, as calls are decided. */
  function verify(text: string, organizationId?: OrganizationId): CertificateVerdict {
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
      if (organizationId !== undefined && authority.organizationId !== organizationId) continue;
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
  }

  return {
    configure(authorities) {
      const before = known;
      known = authorities.map((authority) => {
        const same = before.find(({ authority: one }) => one.ca === authority.ca && sameLists(one.lists, authority.lists));
        return { authority, trust: same?.trust ?? readTrust(authority) };
      });
    },
    verify: (text) => verify(text),
    test(text, organizationId) {
      const parts = base64CertificatesIn(text);
      const form = (reason: string, fix: string): CertificateVerdict => refused({ step: 'form', reason, fix, authority: null, certificate: null });
      if (parts.length === 0) return form('there is no certificate in it', 'Give it in PEM (-----BEGIN CERTIFICATE-----) or DER.');
      if (parts.join('').length > bounds.certificateTextCharsMax)
        return form(`it has more than ${bounds.certificateTextCharsMax} characters of base64`, 'Have the client send its own and those between alone.');
      const own = verify(parts.join(','), organizationId);
      if (!own.ok || verify(parts.join(',')).ok) return own;
      const { authority, certificate } = own.verified;
      const reason = 'it is somebody in another organization of this gateway as well';
      return refused({ step: 'mapping', reason, fix: 'Name it in callers of one of them only.', authority, certificate });
    },
    describe: (organizationId) =>
      known.filter(({ authority }) => authority.organizationId === organizationId).map(({ authority, trust }) => reportOf(authority, trust, clock.nowMs())),
    ends: () => known.flatMap(({ authority, trust }) => endsOf(authority, trust, clock.nowMs())),
  };
}

function endsOf({ name }: AuthorityData, { anchors, lists }: Trust, nowMs: number): AuthorityEnd[] {
  const endOf = (what: string, until: number, state: EndState): AuthorityEnd[] => {
    const isOver = state === 'over';
    const reason = `${name}: ${what} ${isOver ? 'expired, its callers are refused,' : 'expires'} at ${new Date(until).toISOString()}`;
    return state === 'good' ? [] : [{ isOver, reason }];
  };
  return [
    ...anchors.flatMap(({ until, subjectText }) => endOf(`the authority ${subjectText}`, until, certificateState(until, nowMs))),
    ...newestOf(lists ?? []).flatMap((list) => endOf('a revocation list', list.until, listState(list, nowMs))),
  ];
}

function reportOf(authority: AuthorityData, { anchors, helpers, lists }: Trust, nowMs: number): AuthorityReport {
  const all = [...anchors, ...helpers];
  const newest = newestOf(lists ?? []);
  return {
    authority,
    certificates: all.map((certificate) => ({ certificate, isAnchor: anchors.includes(certificate), state: certificateState(certificate.until, nowMs) })),
    lists:
      lists &&
      lists.map((list) => ({
        issuerText: all.find(({ subject, key }) => subject.equals(list.issuer) && list.isSignedBy(key))?.subjectText ?? null,
        from: list.from,
        until: list.until,
        size: list.size,
        state: newest.includes(list) ? listState(list, nowMs) : 'replaced',
      })),
  };
}

/** Of a certificate, whether it will be over before long. */
function certificateState(until: number, nowMs: number): EndState {
  return stateAt(until, nowMs, bounds.certificateWarnMs);
}

/** Many lists are made for a week: they are warned of in the last quarter of their time. */
function listState({ from, until }: RevocationList, nowMs: number): EndState {
  return stateAt(until, nowMs, Math.min(bounds.certificateWarnMs, (until - from) / 4));
}

function stateAt(until: number, nowMs: number, warnMs: number): EndState {
  if (nowMs >= until) return 'over';
  return until - nowMs < warnMs ? 'ends_soon' : 'good';
}

/** The newest of each authority counts; of two of one second the first. */
function newestOf(lists: readonly RevocationList[]): readonly RevocationList[] {
  return lists.filter((list, index) =>
    lists.every((other, place) => !other.issuer.equals(list.issuer) || other.from < list.from || (other.from === list.from && place >= index)),
  );
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

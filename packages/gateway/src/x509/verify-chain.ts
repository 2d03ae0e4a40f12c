import { bounds } from '../kernel/bounds.ts';
import { clientAuthentication, keyUsageBits, type Certificate } from './certificate.ts';
import type { RevocationList } from './revocation-list.ts';
import { weaknessOf } from './signature.ts';

/** The tests of a certificate by itself and of its chain, in their order. */
export type ChainStep = 'time' | 'key' | 'usage' | 'chain' | 'revocation';

export interface ChainTrouble {
  readonly step: ChainStep;
  /** In words for the operator. */
  readonly reason: string;
  readonly fix: string;
}

/** Whom chains may lead to. */
export interface Trust {
  /** Of the bundle, those that no other one in it has signed. */
  readonly anchors: readonly Certificate[];
  /** The others in it: they help to find the way. */
  readonly helpers: readonly Certificate[];
  /** Null: nobody asks whether something was revoked. */
  readonly lists: readonly RevocationList[] | null;
}

export type ChainVerdict = { readonly ok: true; readonly path: readonly Certificate[]; readonly until: number } | ({ readonly ok: false } & ChainTrouble);

/** A bundle as it is trusted: one that holds an authority and what it has signed trusts the first, so that it can revoke the second. */
export function trustOf(bundle: readonly Certificate[], lists: readonly RevocationList[] | null): Trust {
  const isSigned = (one: Certificate): boolean => bundle.some((other) => other !== one && !other.subject.equals(one.subject) && hasSigned(other, one));
  return { anchors: bundle.filter((one) => !isSigned(one)), helpers: bundle.filter(isSigned), lists };
}

/**
 * Whether a client certificate is good at a time: by itself, by a chain to an anchor in which every certificate may sign the next, and by the list of every authority
 * in it where there are lists (RFC 5280 section 6, without policies; names that an authority may not give are not weighed: such an authority is refused).
 * `shown`: what the client sent with it. `until`: when the first thing in the path ends that it is good by.
 */
export function verifyChain(leaf: Certificate, shown: readonly Certificate[], trust: Trust, nowMs: number): ChainVerdict {
  const own = troubleOfClient(leaf, nowMs);
  if (own !== null) return { ok: false, ...own };
  const found = findPath([leaf], [...trust.helpers, ...shown], trust, nowMs);
  return 'step' in found ? { ok: false, ...found } : { ok: true, ...found };
}

/** Of a certificate by itself, whoever signed it; null: none. */
export function troubleOfClient(leaf: Certificate, nowMs: number): ChainTrouble | null {
  const { keyUsage, purposes } = leaf;
  if (nowMs < leaf.from)
    return { step: 'time', reason: `it is valid only from ${textOf(leaf.from)} on`, fix: 'Set the clocks of the gateway and of its authority right.' };
  if (nowMs >= leaf.until) return { step: 'time', reason: `it expired at ${textOf(leaf.until)}`, fix: 'Give the client a new one.' };
  const weakness = weaknessOf(leaf.key);
  if (weakness !== null) return { step: 'key', reason: weakness, fix: 'Make it with a key of RSA with 2048 bits or more, ECDSA on P-256, or Ed25519.' };
  if (purposes === null || !purposes.includes(clientAuthentication))
    return { step: 'usage', reason: 'its extendedKeyUsage does not name clientAuth', fix: 'Have the authority issue it with extendedKeyUsage = clientAuth.' };
  if (keyUsage !== null && !keyUsage.has(keyUsageBits.digitalSignature))
    return { step: 'usage', reason: 'its keyUsage does not allow digitalSignature', fix: 'Have the authority issue it with keyUsage = digitalSignature.' };
  return leaf.authority === null
    ? notUnderstood(leaf)
    : { step: 'usage', reason: 'it is an authority itself', fix: 'Give the client a certificate of its own (CA:FALSE).' };
}

type Path = { readonly path: readonly Certificate[]; readonly until: number };

/** Depth first; of ways that lead nowhere it tells of the one that came farthest. */
function findPath(path: readonly Certificate[], helpers: readonly Certificate[], trust: Trust, nowMs: number): Path | ChainTrouble {
  const [last] = path.slice(-1);
  if (last === undefined) throw new TypeError('a path begins with a certificate');
  let trouble: ChainTrouble | null = null;
  for (const [issuer, isAnchor] of [...trust.anchors.map((one) => [one, true] as const), ...helpers.map((one) => [one, false] as const)]) {
    if (path.includes(issuer) || !issuer.subject.equals(last.issuer) || !hasSigned(issuer, last)) continue;
    const wrong = troubleOfStep(path, last, issuer, trust, nowMs);
    if (wrong !== null) {
      trouble ??= wrong;
      continue;
    }
    const longer = [...path, issuer];
    if (isAnchor) return { path: longer, until: Math.min(...longer.map(({ until }) => until), ...listsEnd(longer, trust.lists)) };
    if (longer.length >= bounds.certificateChainMax) continue;
    const found = findPath(longer, helpers, trust, nowMs);
    if ('path' in found) return found;
    trouble = found;
  }
  return (
    trouble ?? {
      step: 'chain',
      reason: `nobody known has signed ${path.length === 1 ? 'it' : last.subjectText}: its issuer is ${last.issuerText}`,
      fix: 'Add that authority to ca, or have the client send the certificates between it and the authority.',
    }
  );
}

/** What keeps an authority from vouching for the last of a path; null: nothing. */
function troubleOfStep(path: readonly Certificate[], last: Certificate, issuer: Certificate, { lists }: Trust, nowMs: number): ChainTrouble | null {
  const authority = troubleOfAuthority(issuer, nowMs);
  if (authority !== null) return authority;
  // Those between it and the client's own that are not its own under a new key (RFC 5280 section 6.1.4).
  const below = path.slice(1).filter(({ subject, issuer: by }) => !subject.equals(by)).length;
  if (issuer.authority !== null && issuer.authority.pathLength !== null && issuer.authority.pathLength < below)
    return {
      step: 'chain',
      reason: `${issuer.subjectText} may not have ${below} authorities below it (pathlen)`,
      fix: 'Have the certificate issued by an authority that may issue it.',
    };
  if (last.signature === null)
    return {
      step: 'chain',
      reason: `${path.length === 1 ? 'it' : last.subjectText} is signed by SHA-1, or in another way that is not taken`,
      fix: 'Have it issued with SHA-256 or better.',
    };
  return lists === null ? null : troubleByLists(last, issuer, lists, nowMs);
}

/** What keeps a certificate from being an authority at all; null: nothing. */
export function troubleOfAuthority(issuer: Certificate, nowMs: number): ChainTrouble | null {
  const name = issuer.subjectText;
  const chain = (reason: string, fix: string): ChainTrouble => ({ step: 'chain', reason: `${name} ${reason}`, fix });
  if (issuer.authority === null || (issuer.keyUsage !== null && !issuer.keyUsage.has(keyUsageBits.keyCertSign)))
    return chain('is no authority (CA:TRUE, keyCertSign)', 'Name the authority that has signed the certificates.');
  const weakness = weaknessOf(issuer.key);
  if (weakness !== null) return chain(`is not taken: ${weakness}`, 'Renew the authority with a stronger key.');
  if (issuer.constrainsNames)
    return chain(
      'limits the names below it (nameConstraints), which are not weighed here',
      'Name an authority without nameConstraints; callers says which names count.',
    );
  if (nowMs < issuer.from) return chain(`is valid only from ${textOf(issuer.from)} on`, 'Set the clocks right.');
  if (nowMs >= issuer.until)
    return chain(`expired at ${textOf(issuer.until)}`, 'Put the renewed authority into ca, beside the old one until its certificates are renewed.');
  return notUnderstood(issuer);
}

function troubleByLists(certificate: Certificate, issuer: Certificate, lists: readonly RevocationList[], nowMs: number): ChainTrouble | null {
  const newest = listOf(certificate, issuer, lists);
  const by = issuer.subjectText;
  const trouble = (reason: string, fix: string): ChainTrouble => ({ step: 'revocation', reason, fix });
  if (newest === null) return trouble(`there is no revocation list of ${by}`, 'Add the list of every authority in the chain to crl.');
  if (nowMs < newest.from) return trouble(`the revocation list of ${by} is of the future: ${textOf(newest.from)}`, 'Set the clocks right.');
  if (nowMs >= newest.until)
    return trouble(
      `the revocation list of ${by} expired at ${textOf(newest.until)}: nobody knows what was revoked since`,
      'Have the authority issue a new one, and put it where crl says; it is read at once.',
    );
  return newest.has(certificate.serial) ? trouble(`it was revoked by ${by}`, 'Give the client a new one, if it is still to call.') : null;
}

/** The newest that the issuer has signed; null: none. */
function listOf(certificate: Certificate, issuer: Certificate, lists: readonly RevocationList[]): RevocationList | null {
  if (issuer.keyUsage !== null && !issuer.keyUsage.has(keyUsageBits.crlSign)) return null;
  const own = lists.filter((list) => list.issuer.equals(certificate.issuer) && list.isSignedBy(issuer.key));
  return own.toSorted((one, other) => other.from - one.from)[0] ?? null;
}

function listsEnd(path: readonly Certificate[], lists: readonly RevocationList[] | null): number[] {
  if (lists === null) return [];
  return path.slice(0, -1).flatMap((one, index) => {
    const issuer = path[index + 1];
    const list = issuer && listOf(one, issuer, lists);
    return list ? [list.until] : [];
  });
}

/** Keys that are not taken are not tried either: anybody can send one whose signatures take long to check. */
function hasSigned(issuer: Certificate, one: Certificate): boolean {
  return weaknessOf(issuer.key) === null && one.x509.checkIssued(issuer.x509) && one.x509.verify(issuer.key);
}

function notUnderstood({ notUnderstood: [id], subjectText }: Certificate): ChainTrouble | null {
  return id === undefined
    ? null
    : {
        step: 'usage',
        reason: `${subjectText} has a critical extension that is not known here (${id})`,
        fix: 'Have it issued without that extension, or not critical.',
      };
}

function textOf(ms: number): string {
  return new Date(ms).toISOString();
}

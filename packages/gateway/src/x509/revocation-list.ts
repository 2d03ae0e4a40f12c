import { hash, type KeyObject } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import { extensionsOf } from './certificate.ts';
import { elementOf, elementsOf, Malformed, membersOf, requireTag, serialOf, smallNumberOf, tags, timeOf, type Element } from './der.ts';
import { isSignedWith, signatureOf } from './signature.ts';

/** What an authority says is no longer good (RFC 5280 section 5). */
export interface RevocationList {
  /** As the name was written: equal bytes are the same authority. */
  readonly issuer: Buffer;
  readonly from: number;
  /** When the next one must be there. From then on this one says nothing. */
  readonly until: number;
  readonly size: number;
  has(serial: string): boolean;
  isSignedBy(key: KeyObject): boolean;
}

const signersMax = 100;
const pemBlock = /-----BEGIN X509 CRL-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END X509 CRL-----/g;

/** The lists of a file, in DER: one as it is, or any number in PEM. */
export function revocationListsIn(file: Buffer): Buffer[] {
  if (file[0] === tags.sequence) return [file];
  return Array.from(file.toString('latin1').matchAll(pemBlock), ([, base64 = '']) => Buffer.from(base64, 'base64'));
}

/**
 * Throws `Malformed` for what is no whole list: one of some reasons or some certificates only, one that only says what has changed, and one that speaks for
 * other authorities, would all leave something out that nobody would miss.
 */
export function readRevocationList(der: Buffer): RevocationList {
  const [tbs, algorithm, signature] = membersOf(elementOf(der));
  if (tbs === undefined || algorithm === undefined) throw new Malformed('it is no revocation list');
  const members = membersOf(tbs);
  if (members.shift()?.tag !== tags.integer || smallNumberOf(membersOf(tbs)[0]) !== 1) throw new Malformed('it is no revocation list of version 2');
  const [inner, issuer, from, until, ...rest] = members;
  if (inner === undefined || !inner.bytes.equals(algorithm.bytes)) throw new Malformed('it names two algorithms of its signature');
  const how = signatureOf(algorithm);
  if (how === null) throw new Malformed('it is signed by SHA-1, or in another way that is not taken');
  const entries = rest[0]?.tag === tags.sequence ? rest.shift() : undefined;
  requireUnderstood(rest.find(({ tag }) => tag === 0xa0));
  const serials = serialsOf(entries);
  // To hash a list of many megabytes again for each certificate would cost more than all else.
  const signers = new Map<string, boolean>();
  return {
    issuer: requireTag(issuer, tags.sequence).bytes,
    from: timeOf(from),
    until: timeOf(until),
    size: serials.size,
    has: (serial) => serials.has(serial),
    isSignedBy(key) {
      const id = hash('sha256', key.export({ type: 'spki', format: 'der' }), 'base64');
      const known = signers.get(id);
      if (known !== undefined) return known;
      const isSigned = isSignedWith(key, how, tbs.bytes, signature);
      if (signers.size < signersMax) signers.set(id, isSigned);
      return isSigned;
    },
  };
}

function serialsOf(entries: Element | undefined): ReadonlySet<string> {
  const serials = new Set<string>();
  if (entries === undefined) return serials;
  for (const entry of elementsOf(entries.content)) {
    const [serial, , extensions] = membersOf(entry);
    if (extensions !== undefined) requireUnderstood({ tag: 0xa0, content: extensions.bytes, bytes: extensions.bytes });
    serials.add(serialOf(serial));
    if (serials.size > bounds.revokedCertificatesMax) throw new Malformed(`it has more than ${bounds.revokedCertificatesMax} entries`);
  }
  return serials;
}

const deltaIndicator = '2.5.29.27';

function requireUnderstood(holder: Element | undefined): void {
  for (const { id, isCritical } of extensionsOf(holder))
    if (isCritical || id === deltaIndicator) throw new Malformed('it is not the whole list of its authority, or speaks for others too');
}

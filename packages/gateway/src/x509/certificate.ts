import { X509Certificate, type KeyObject } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import {
  bitsOf,
  booleanOf,
  elementOf,
  elementsOf,
  Malformed,
  membersOf,
  oidOf,
  requireTag,
  serialOf,
  smallNumberOf,
  tags,
  timeOf,
  type Element,
} from './der.ts';
import { signatureOf, type SignatureAlgorithm } from './signature.ts';

/** A certificate, with what of it decides. */
export interface Certificate {
  /** As OpenSSL has read it, which signatures and names are checked by. */
  readonly x509: X509Certificate;
  /** Names as they were written: equal bytes are the same name. */
  readonly subject: Buffer;
  readonly issuer: Buffer;
  /** For people, on one line. */
  readonly subjectText: string;
  readonly issuerText: string;
  readonly serial: string;
  /** SHA-256 of all of it, in lower-case hex. */
  readonly fingerprint: string;
  readonly from: number;
  readonly until: number;
  readonly key: KeyObject;
  /** Null: one that is not taken. */
  readonly signature: SignatureAlgorithm | null;
  /** Null: no certificate may be signed with its key. */
  readonly authority: { /** Null: any number below it. */ readonly pathLength: number | null } | null;
  /** Bits of KeyUsage; null: it says nothing. */
  readonly keyUsage: ReadonlySet<number> | null;
  /** Object identifiers of ExtendedKeyUsage; null: it says nothing. */
  readonly purposes: readonly string[] | null;
  readonly names: AlternativeNames;
  /** It limits the names below it (RFC 5280 section 4.2.1.10). */
  readonly constrainsNames: boolean;
  /** Extensions that must be understood and are not, by their object identifiers. */
  readonly notUnderstood: readonly string[];
}

/** Subject alternative names, each exactly as its bytes say. */
export interface AlternativeNames {
  readonly uri: readonly string[];
  readonly dns: readonly string[];
  readonly email: readonly string[];
}

export const keyUsageBits = { digitalSignature: 0, keyCertSign: 5, crlSign: 6 } as const;
export const clientAuthentication = '1.3.6.1.5.5.7.3.2';

const extensionIds = { keyUsage: '2.5.29.15', names: '2.5.29.17', authority: '2.5.29.19', nameConstraints: '2.5.29.30', purposes: '2.5.29.37' } as const;
/** What may be marked critical without saying more than is looked at here: identifiers of keys, places of lists, policies that nobody asks for. */
const harmless: ReadonlySet<string> = new Set(['2.5.29.14', '2.5.29.35', '2.5.29.31', '2.5.29.32', '1.3.6.1.5.5.7.1.1']);

/** Faults: throws `Malformed` for what is no certificate of version 3 in DER, or has a name that could be read in two ways. */
export function readCertificate(der: Buffer): Certificate {
  if (der.length > bounds.certificateBytesMax) throw new Malformed(`it is larger than ${bounds.certificateBytesMax} bytes`);
  const [tbs, algorithm] = membersOf(elementOf(der));
  const members = membersOf(tbs);
  const version = members.shift();
  // Without extensions nothing says what it may be used for.
  if (version?.tag !== 0xa0 || smallNumberOf(elementOf(version.content)) !== 2) throw new Malformed('it is no certificate of version 3');
  const [serial, inner, issuer, validity, subject, , ...rest] = members;
  if (inner === undefined || algorithm === undefined || !inner.bytes.equals(algorithm.bytes)) throw new Malformed('it names two algorithms of its signature');
  const [from, until] = membersOf(validity);
  const extensions = extensionsOf(rest.find(({ tag }) => tag === 0xa3));
  const content = (id: string): Element | null => {
    const found = extensions.find((one) => one.id === id);
    return found === undefined ? null : elementOf(found.content);
  };
  const usage = content(extensionIds.keyUsage);
  const purposes = content(extensionIds.purposes);
  const authority = content(extensionIds.authority);
  let x509: X509Certificate;
  let key: KeyObject;
  try {
    x509 = new X509Certificate(der);
    key = x509.publicKey;
  } catch {
    throw new Malformed('it is no certificate, or its key is of no known kind');
  }
  const known: ReadonlySet<string> = new Set(Object.values(extensionIds));
  return {
    x509,
    subject: requireTag(subject, tags.sequence).bytes,
    issuer: requireTag(issuer, tags.sequence).bytes,
    subjectText: onOneLine(x509.subject),
    issuerText: onOneLine(x509.issuer),
    serial: serialOf(serial),
    fingerprint: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
    from: timeOf(from),
    until: timeOf(until),
    key,
    signature: signatureOf(algorithm),
    authority: authority === null ? null : authorityOf(authority),
    keyUsage: usage === null ? null : bitsOf(usage),
    purposes: purposes === null ? null : membersOf(purposes).map(oidOf),
    names: namesOf(content(extensionIds.names)),
    constrainsNames: content(extensionIds.nameConstraints) !== null,
    notUnderstood: extensions.filter(({ id, isCritical }) => isCritical && !known.has(id) && !harmless.has(id)).map(({ id }) => id),
  };
}

const pemBlock = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** The certificates of a text in PEM, in their order; what stands between them is left. At most `bounds.certificatesInFileMax`. Faults: as `readCertificate`. */
export function readCertificates(pem: string): Certificate[] {
  const blocks = Array.from(pem.matchAll(pemBlock), ([, base64 = '']) => base64);
  if (blocks.length > bounds.certificatesInFileMax) throw new Malformed(`there are more than ${bounds.certificatesInFileMax} certificates`);
  return blocks.map((base64) => readCertificate(Buffer.from(base64, 'base64')));
}

/** The certificates of a text in DER, as base64 without spaces: those in PEM, in their order, or one that is base64 alone. Empty: there is none. */
export function base64CertificatesIn(text: string): string[] {
  const blocks = Array.from(text.matchAll(pemBlock), ([, base64 = '']) => base64.replaceAll(/\s/g, ''));
  if (blocks.length > 0) return blocks;
  const alone = text.replaceAll(/\s/g, '');
  return /^[A-Za-z0-9+/]+={0,2}$/.test(alone) ? [alone] : [];
}

export interface Extension {
  readonly id: string;
  readonly isCritical: boolean;
  readonly content: Buffer;
}

/** `holder` has one SEQUENCE of them in it. Throws `Malformed`, also where one occurs twice: readers would not agree which one counts. */
export function extensionsOf(holder: Element | undefined): readonly Extension[] {
  if (holder === undefined) return [];
  const read = membersOf(elementOf(holder.content)).map((one): Extension => {
    const [id, ...rest] = membersOf(one);
    const flag = rest[0]?.tag === tags.boolean ? rest.shift() : undefined;
    return {
      id: oidOf(id),
      isCritical: flag !== undefined && booleanOf(flag),
      content: requireTag(rest[0], tags.octetString).content,
    };
  });
  if (new Set(read.map(({ id }) => id)).size < read.length) throw new Malformed('an extension occurs twice');
  return read;
}

function authorityOf(element: Element): Certificate['authority'] {
  const [first, ...rest] = membersOf(element);
  if (first?.tag !== tags.boolean || !booleanOf(first)) return null;
  return { pathLength: rest[0] === undefined ? null : smallNumberOf(rest[0]) };
}

const generalNames = { 0x81: 'email', 0x82: 'dns', 0x86: 'uri' } as const satisfies Record<number, keyof AlternativeNames>;

/** Names are IA5String: what has other bytes than printable ASCII in it, as `a\0.b` has, is no name that two readers see in the same way. */
function namesOf(element: Element | null): AlternativeNames {
  const names = { uri: [] as string[], dns: [] as string[], email: [] as string[] };
  if (element === null) return names;
  let count = 0;
  for (const { tag, content } of elementsOf(requireTag(element, tags.sequence).content)) {
    if (++count > bounds.certificateNamesMax) throw new Malformed(`it has more than ${bounds.certificateNamesMax} names`);
    const kind = tag === 0x81 || tag === 0x82 || tag === 0x86 ? generalNames[tag] : null;
    if (kind === null) continue;
    const name = content.toString('latin1');
    if (!/^[\x21-\x7e]+$/.test(name)) throw new Malformed('a name in it has bytes that no name has');
    names[kind].push(name);
  }
  return names;
}

/** Text from outside, for people: lines and control characters of it are none of ours. */
function onOneLine(text: string): string {
  return text
    .replaceAll(/[\n\r]+/g, ', ')
    .replaceAll(/\p{Cc}/gu, '?')
    .slice(0, 300);
}

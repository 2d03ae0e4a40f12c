import { constants, verify, type KeyObject } from 'node:crypto';
import { bytesOf, elementOf, membersOf, oidOf, type Element } from './der.ts';

/** A way of signing that is taken. What goes by SHA-1 or MD5 is not among them. */
export interface SignatureAlgorithm {
  /** Null: it is part of the algorithm. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  readonly isPss: boolean;
}

const byId: Readonly<Record<string, SignatureAlgorithm>> = {
  '1.2.840.113549.1.1.11': { hash: 'sha256', isPss: false },
  '1.2.840.113549.1.1.12': { hash: 'sha384', isPss: false },
  '1.2.840.113549.1.1.13': { hash: 'sha512', isPss: false },
  '1.2.840.10045.4.3.2': { hash: 'sha256', isPss: false },
  '1.2.840.10045.4.3.3': { hash: 'sha384', isPss: false },
  '1.2.840.10045.4.3.4': { hash: 'sha512', isPss: false },
  '1.3.101.112': { hash: null, isPss: false },
};
const pss = '1.2.840.113549.1.1.10';
const hashes: Readonly<Record<string, 'sha256' | 'sha384' | 'sha512'>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** Of an AlgorithmIdentifier; null: one that is not taken. Throws `Malformed`. */
export function signatureOf(algorithm: Element): SignatureAlgorithm | null {
  const [id, parameters] = membersOf(algorithm);
  const name = oidOf(id);
  if (name !== pss) return byId[name] ?? null;
  // Without a word of the hash it is SHA-1 (RFC 4055 section 3.1).
  const hash = parameters === undefined ? undefined : membersOf(parameters).find(({ tag }) => tag === 0xa0);
  const [hashId] = hash === undefined ? [] : membersOf(elementOf(hash.content));
  const known = hashId === undefined ? undefined : hashes[oidOf(hashId)];
  return known === undefined ? null : { hash: known, isPss: true };
}

/** Whether the bytes were signed so with that key. */
export function isSignedWith(key: KeyObject, { hash, isPss }: SignatureAlgorithm, signed: Buffer, signature: Element | undefined): boolean {
  try {
    return verify(
      hash,
      signed,
      isPss ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO } : key,
      bytesOf(signature),
    );
  } catch {
    return false;
  }
}

const rsaBits = { least: 2048, most: 8192 };
const curves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** Why a key is not taken, in words; null: it is. One that is too long costs more to check than it should. */
export function weaknessOf(key: KeyObject): string | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519') return null;
  if (type === 'rsa' || type === 'rsa-pss') {
    const bits = details?.modulusLength ?? 0;
    return bits < rsaBits.least || bits > rsaBits.most ? `its RSA key has ${bits} bits, not ${rsaBits.least} to ${rsaBits.most}` : null;
  }
  if (type === 'ec') return curves.has(details?.namedCurve ?? '') ? null : 'its key is of another curve than P-256, P-384 and P-521';
  return `its key is of the kind ${type ?? 'unknown'}, not RSA, ECDSA or Ed25519`;
}

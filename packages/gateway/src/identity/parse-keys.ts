import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import type { SignatureAlgorithm } from '../kernel/token-terms.ts';
import { keyIdCharsMax } from './read-token.ts';

/** A public key that signatures of an issuer are checked with. */
export interface IssuerKey {
  readonly id: string | null;
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly key: KeyObject;
}

/**
 * The keys of a key set (RFC 7517) that signatures can be checked with; null where it is none. Others in it are passed over: secrets, keys for
 * encryption, curves that nobody asks for, moduli that are too short to be safe or too long to be quick. Certificates in it are not looked at.
 */
export function parseKeySet(document: unknown): readonly IssuerKey[] | null {
  if (typeof document !== 'object' || document === null) return null;
  const { keys } = document as { readonly keys?: unknown };
  if (!Array.isArray(keys) || keys.length > bounds.issuerKeysMax) return null;
  return keys.flatMap((one: unknown) => {
    const key = typeof one === 'object' && one !== null ? parseKey(one as JsonWebKey & Record<string, unknown>) : null;
    return key === null ? [] : [key];
  });
}

const rsaBits = { least: 2_048, most: 8_192 };

function parseKey(jwk: JsonWebKey & Record<string, unknown>): IssuerKey | null {
  const { kid, use, alg, key_ops: operations } = jwk;
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > keyIdCharsMax)) return null;
  if ((use !== undefined && use !== 'sig') || (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))) return null;
  const family = familyOf(jwk);
  if (family === null) return null;
  const algorithms = alg === undefined ? family.algorithms : family.algorithms.filter((one) => one === alg || (isEd25519(one) && isEd25519(alg)));
  if (algorithms.length === 0) return null;
  try {
    const key = createPublicKey({ key: family.jwk, format: 'jwk' });
    const { modulusLength } = key.asymmetricKeyDetails ?? {};
    if (modulusLength !== undefined && (modulusLength < rsaBits.least || modulusLength > rsaBits.most)) return null;
    return { id: kid ?? null, algorithms, key };
  } catch {
    return null;
  }
}

function isEd25519(algorithm: unknown): boolean {
  return algorithm === 'EdDSA' || algorithm === 'Ed25519';
}

/** What the key can be used for by its kind, and of its members those that make it. */
function familyOf({ kty, crv, n, e, x, y }: JsonWebKey): { readonly algorithms: readonly SignatureAlgorithm[]; readonly jwk: JsonWebKey } | null {
  // A long exponent makes each check slow.
  if (kty === 'RSA' && typeof n === 'string' && typeof e === 'string' && e.length <= 6)
    return { algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'], jwk: { kty, n, e } };
  const curve = typeof crv === 'string' ? curves[crv] : undefined;
  if (curve === undefined || kty !== curve.kty || typeof x !== 'string') return null;
  return { algorithms: curve.algorithms, jwk: { kty, crv, x, ...(typeof y === 'string' ? { y } : {}) } as JsonWebKey };
}

const curves: Readonly<Record<string, { readonly kty: string; readonly algorithms: readonly SignatureAlgorithm[] }>> = {
  'P-256': { kty: 'EC', algorithms: ['ES256'] },
  'P-384': { kty: 'EC', algorithms: ['ES384'] },
  'P-521': { kty: 'EC', algorithms: ['ES512'] },
  Ed25519: { kty: 'OKP', algorithms: ['EdDSA', 'Ed25519'] },
};

/**
 * Authenticated encryption of small values that leave the process: AES-256-GCM (NIST SP 800-38D) with a random 96-bit
 * nonce. Sealed bytes are version (1) · nonce (12) · tag (16) · ciphertext. One key may seal 2^32 values before the
 * chance of a repeated nonce matters.
 */
import { createCipheriv, createDecipheriv, createSecretKey, randomFillSync, type KeyObject } from 'node:crypto';
import { bounds } from './bounds.ts';

export interface Sealer {
  /** Encrypts `plain`, bound to `associated`: the same text is needed to open it. */
  seal(plain: Uint8Array, associated: string): Buffer;
  /** The plain bytes, or null where the value is not one of ours, was changed, or belongs to another `associated`. */
  open(sealed: Uint8Array, associated: string): Buffer | null;
  /** `seal` as canonical base64url without padding. Throws RangeError where the result would exceed `sessionHandleBytesMax`. */
  sealText(plain: string, associated: string): string;
  /** Opens what `sealText` made. Longer, non-canonical or foreign text gives null; too long text is not even decoded. */
  openText(text: string, associated: string): string | null;
}

const version = 1;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + nonceBytes + tagBytes;

/** Keys are 32 random bytes each; `key` seals, all of them open. They are copied, so the caller may wipe its own. */
export function createSealer(key: Buffer, ...earlier: readonly Buffer[]): Sealer {
  if ([key, ...earlier].some(({ length }) => length !== 32)) throw new RangeError('a sealing key has 32 bytes');
  const secret = createSecretKey(key);
  const secrets = [secret, ...earlier.map((one) => createSecretKey(one))];
  // Nonces come from a pool: one call to the CSPRNG for many values.
  const pool = Buffer.allocUnsafeSlow(nonceBytes * 256);
  let poolAt = pool.length;

  function seal(plain: Uint8Array, associated: string): Buffer {
    if (poolAt === pool.length) {
      randomFillSync(pool);
      poolAt = 0;
    }
    const nonce = pool.subarray(poolAt, (poolAt += nonceBytes));
    const cipher = createCipheriv('aes-256-gcm', secret, nonce, { authTagLength: tagBytes });
    cipher.setAAD(associatedBytes(associated));
    const body = cipher.update(plain);
    cipher.final();
    const sealed = Buffer.allocUnsafe(headBytes + body.length);
    sealed[0] = version;
    nonce.copy(sealed, 1);
    cipher.getAuthTag().copy(sealed, 1 + nonceBytes);
    body.copy(sealed, headBytes);
    return sealed;
  }

  function open(sealed: Uint8Array, associated: string): Buffer | null {
    if (sealed.length < headBytes || sealed[0] !== version) return null;
    for (const one of secrets) {
      const plain = openWith(one, sealed, associated);
      if (plain !== null) return plain;
    }
    return null;
  }

  function openWith(one: KeyObject, sealed: Uint8Array, associated: string): Buffer | null {
    const decipher = createDecipheriv('aes-256-gcm', one, sealed.subarray(1, 1 + nonceBytes), { authTagLength: tagBytes });
    decipher.setAAD(associatedBytes(associated));
    decipher.setAuthTag(sealed.subarray(1 + nonceBytes, headBytes));
    const plain = decipher.update(sealed.subarray(headBytes));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return plain;
  }

  return {
    seal,
    open,
    sealText(plain, associated) {
      const text = seal(Buffer.from(plain), associated).toString('base64url');
      if (text.length > bounds.sessionHandleBytesMax) throw new RangeError('the sealed text would be too long');
      return text;
    },
    openText(text, associated) {
      if (text.length > bounds.sessionHandleBytesMax) return null;
      const sealed = Buffer.from(text, 'base64url');
      // Node's decoder skips foreign characters: without this, many texts would open to one value.
      if (sealed.toString('base64url') !== text) return null;
      return open(sealed, associated)?.toString() ?? null;
    },
  };
}

/** Whether a text has the form of what `sealText` makes, by whichever key. */
export function looksSealed(text: string): boolean {
  if (text.length > bounds.sessionHandleBytesMax) return false;
  const sealed = Buffer.from(text, 'base64url');
  return sealed.length >= headBytes && sealed[0] === version && sealed.toString('base64url') === text;
}

/** The version is authenticated too, so that a later format cannot be passed off as this one. */
function associatedBytes(associated: string): Buffer {
  return Buffer.from(`${version}:${associated}`);
}

import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** A node's Ed25519 key (RFC 8032). */
export interface SigningKey {
  /** Of the public key: `ak_` and the first 16 hex digits of its SHA-256. */
  readonly id: string;
  /** The 32 bytes of the public key in base64. */
  readonly publicKey: string;
  /** Base64 of the signature over a text for a purpose. */
  sign(purpose: SignedPurpose, text: string): string;
}

/** What a signature is for: one of a checkpoint says nothing about a key. */
export type SignedPurpose = 'record' | 'checkpoint' | 'key' | 'backup';

/** `seed`: the 32 random bytes that a private key is. */
export function createSigningKey(seed: Buffer): SigningKey {
  if (seed.length !== 32) throw new RangeError('an Ed25519 seed has 32 bytes');
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(spkiHead.length).toString('base64');
  return {
    id: keyIdOf(publicKey),
    publicKey,
    sign: (purpose, text) => sign(null, signedBytes(purpose, text), privateKey).toString('base64'),
  };
}

/** Whether the text was signed for the purpose by the holder of the key. False too for what is no signature. */
export function isSignedBy(key: KeyObject, purpose: SignedPurpose, text: string, signature: string): boolean {
  return verify(null, signedBytes(purpose, text), key, Buffer.from(signature, 'base64'));
}

export function keyIdOf(publicKey: string): string {
  return `ak_${createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex').slice(0, 16)}`;
}

/** What comes before the 32 bytes in DER (RFC 8410). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex');

/** The key of 32 bytes in base64, or null where the text is none. */
export function readPublicKey(text: string): KeyObject | null {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== 32) return null;
  try {
    return createPublicKey({ key: Buffer.concat([spkiHead, bytes]), format: 'der', type: 'spki' });
  } catch {
    return null;
  }
}

function signedBytes(purpose: SignedPurpose, text: string): Buffer {
  return Buffer.from(`gatewayops audit ${purpose} 1\n${text}`);
}

import { hash } from 'node:crypto';

/** Of 190 bits of a secret these 32 tell nobody anything; of 4,000,000,000 wrong secrets one passes, and is told by bcrypt. */
const digestChars = 8;

/**
 * By what a wrong secret is told before bcrypt is asked: `hashed` is the bcrypt hash that it stands beside, and part of it. Not secret: whoever reads the registry
 * learns 32 bits of a digest.
 */
export function checkOf(secret: string, hashed: string): string {
  return `${saltOf(hashed)}.${hash('sha256', `${hashed} ${secret}`, 'hex').slice(0, digestChars)}`;
}

/** False: the hash is not of this secret. A check of another hash, which a node of an earlier version has left, says nothing. */
export function canBe(secret: string, { hash: hashed, check }: { readonly hash: string; readonly check: string | null }): boolean {
  return check === null || !check.startsWith(`${saltOf(hashed)}.`) || check === checkOf(secret, hashed);
}

/** `$2b$12$`, 22 characters of salt, the digest: no two hashes have the same. */
function saltOf(hashed: string): string {
  return hashed.slice(7, 29);
}

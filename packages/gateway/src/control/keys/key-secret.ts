/**
 * The form of a key's secret: `gwo_{environment}_{32 base62 characters}`, 190 bits from the system's CSPRNG. Its prefix,
 * by which it is found and shown, ends after the first four of them. With the longest environment a secret has 69 bytes:
 * bcrypt reads 72.
 */
import { randomBase62 } from '../../kernel/id.ts';

export interface KeySecret {
  readonly secret: string;
  readonly prefix: string;
}

const randomChars = 32;
const prefixChars = 4;
const form = /^gwo_([a-z0-9-]{1,32})_[0-9A-Za-z]{32}$/;

export function newKeySecret(environment: string): KeySecret {
  const random = randomBase62(randomChars);
  return { secret: `gwo_${environment}_${random}`, prefix: `gwo_${environment}_${random.slice(0, prefixChars)}` };
}

/** The prefix of a text that has the form of a secret, else null. Reads no more than a secret's length. */
export function prefixOf(secret: string): string | null {
  return secret.length <= 72 && form.test(secret) ? secret.slice(0, secret.length - randomChars + prefixChars) : null;
}

/**
 * identity: whom do others vouch for? Tokens of issuers, their keys, and what their claims mean. Imports `kernel/`. Promises: nothing of a token counts
 * before its signature does but which issuer it names; no key comes from where the token says; an issuer that is away holds up nobody else.
 */
import { bounds } from '../kernel/bounds.ts';

/** A token as it is written, of which nothing is true yet. */
export interface UnverifiedToken {
  readonly algorithm: string;
  /** Null: the header names no key. */
  readonly keyId: string | null;
  /** In lower case, without `application/`; `none` where the header has none. */
  readonly type: string;
  readonly issuer: string;
  readonly claims: Claims;
}

export type Claims = Readonly<Record<string, unknown>>;

const tokenForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

/** Whether a text is written as signed tokens are: keys and sessions of the gateway never are. */
export function isTokenForm(text: string): boolean {
  return text.length <= bounds.tokenCharsMax && tokenForm.test(text);
}

/** The parts of a token (RFC 7515, compact), or why it has none. Places of keys in its header (`jku`, `jwk`, `x5u`, `x5c`) are not read. */
export function readToken(text: string): UnverifiedToken | { readonly trouble: string } {
  if (!isTokenForm(text)) return { trouble: 'it is not three parts of base64url, as a signed token is' };
  const [headerPart = '', payloadPart = ''] = text.split('.');
  if (headerPart.length > (bounds.tokenHeaderBytesMax * 4) / 3) return { trouble: `its header is longer than ${bounds.tokenHeaderBytesMax} bytes` };
  const header = objectIn(headerPart);
  if (header === null) return { trouble: 'its header is no JSON object' };
  const claims = objectIn(payloadPart);
  if (claims === null) return { trouble: 'its payload is no JSON object' };
  const { alg, kid = null, typ = 'none' } = header;
  if (typeof alg !== 'string' || alg.length > 32) return { trouble: 'its header names no algorithm' };
  if (kid !== null && (typeof kid !== 'string' || kid.length > keyIdCharsMax)) return { trouble: `its kid is no text of at most ${keyIdCharsMax} characters` };
  if (typeof typ !== 'string' || typ.length > 64) return { trouble: 'its typ is no text' };
  const { iss } = claims;
  if (typeof iss !== 'string') return { trouble: 'it names no issuer (iss)' };
  return { algorithm: alg, keyId: kid, type: typ.toLowerCase().replace(/^application\//, ''), issuer: iss, claims };
}

export const keyIdCharsMax = 256;

function objectIn(part: string): Claims | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url')));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : null;
  } catch {
    return null;
  }
}

/** A claim by its name, or by the names of objects in each other with dots between them; undefined where there is none. */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined;
    value = (value as Claims)[name];
  }
  return value;
}

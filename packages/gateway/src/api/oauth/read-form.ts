import type { Context } from 'hono';
import { bounds } from '../../kernel/bounds.ts';
import { OauthRefusal } from '../../control/oauth/oauth-refusal.ts';
import type { ApiEnvironment } from '../route.ts';

/** The body of a request to an endpoint of OAuth, bounded. Refusals: `invalid_request`. */
export async function readText(c: Context<ApiEnvironment>, type: RegExp, name: string): Promise<string> {
  if (!type.test(c.req.header('content-type') ?? '') || c.req.header('content-encoding') !== undefined)
    throw new OauthRefusal('invalid_request', `the body must be ${name}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    bytes += chunk.length;
    if (bytes > bounds.oauthFormBytesMax) throw new OauthRefusal('invalid_request', `the body is larger than ${bounds.oauthFormBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** As RFC 6749 has it: a parameter without a value is not there, and none occurs twice. Refusals: `invalid_request`. */
export async function readForm(c: Context<ApiEnvironment>): Promise<ReadonlyMap<string, string>> {
  const form = new URLSearchParams(await readText(c, /^application\/x-www-form-urlencoded(?:\s*;|$)/i, 'application/x-www-form-urlencoded'));
  const read = new Map<string, string>();
  for (const [name, value] of form) {
    if (read.has(name)) throw new OauthRefusal('invalid_request', `${name.slice(0, 50)} occurs twice`);
    if (value !== '') read.set(name, value);
  }
  return read;
}

/** Refusals: `invalid_request`. */
export function required(form: ReadonlyMap<string, string>, name: string): string {
  const value = form.get(name);
  if (value === undefined) throw new OauthRefusal('invalid_request', `${name} is missing`);
  return value;
}

/** Who says that they ask (RFC 6749 section 2.3.1), in the header or in the form, never in both. Refusals: `invalid_client`, `invalid_request`. */
export function readClient(c: Context<ApiEnvironment>, form: ReadonlyMap<string, string>): { readonly id: string; readonly secret: string | null } {
  const header = c.req.header('authorization');
  if (header === undefined) return { id: required(form, 'client_id'), secret: form.get('client_secret') ?? null };
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1];
  const [, id, secret] = encoded === undefined ? [] : (/^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? []);
  if (id === undefined || secret === undefined) throw new OauthRefusal('invalid_client', 'the Authorization header is not Basic with a client and its secret');
  const named = { id: decoded(id), secret: secret === '' ? null : decoded(secret) };
  if (form.has('client_secret') || (form.get('client_id') ?? named.id) !== named.id)
    throw new OauthRefusal('invalid_request', 'the client is named in the header and, in another way, in the form');
  return named;
}

/** Refusals: `invalid_client`. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new OauthRefusal('invalid_client', 'the Authorization header is not encoded as a form is');
  }
}

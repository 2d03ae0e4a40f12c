/** The command line as a client of the gateway's authorization server (RFC 8252, RFC 8414, RFC 9728): `gateway-cli`, with tokens for the control API. */
import { z } from 'zod';
import type { Environment } from '../config/environment.ts';
import { Fault } from '../kernel/fault.ts';
import { findTokens, keepTokens, withTokensLocked, type SavedTokens } from './saved-tokens.ts';

export const clientId = 'gateway-cli';

export interface Discovered {
  readonly issuer: string;
  readonly resource: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint: string;
}

const askTimeoutMs = 15_000;
/** A token is replaced so long before its end. */
const earlyMs = 30_000;

const resourceSchema = z.object({ resource: z.string(), authorization_servers: z.array(z.string()).min(1) });
const serverSchema = z.object({
  issuer: z.string(),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  revocation_endpoint: z.string(),
  code_challenge_methods_supported: z.array(z.string()),
});
const answerSchema = z.object({ access_token: z.string(), refresh_token: z.string(), expires_in: z.number() });

/** The address as it is written in files: without a slash at its end. Faults: `usage`. */
export function gatewayUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '')
    throw new Fault('usage', { reason: '--url must be an http:// or https:// address without a password, such as https://gateway.example.' });
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** How to sign in at a gateway. What it says of itself must be of that address, letter for letter. Faults: `gateway_unreachable`, `sign_in_not_offered`. */
export async function discover(url: string): Promise<Discovered> {
  const { origin, protocol, hostname, pathname } = new URL(url);
  const base = pathname === '/' ? '' : pathname;
  // Tokens would be read by whoever is on the way.
  if (protocol !== 'https:' && !/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname))
    throw new Fault('usage', { reason: 'Signing in needs https://, or a gateway on this machine.' });
  const resource = resourceSchema.safeParse(await documentOf(`${origin}/.well-known/oauth-protected-resource${base}/v1`, url));
  const server = serverSchema.safeParse(await documentOf(`${origin}/.well-known/oauth-authorization-server${base}`, url));
  const isOwn =
    resource.success &&
    server.success &&
    resource.data.resource === `${url}/v1` &&
    resource.data.authorization_servers.includes(url) &&
    server.data.issuer === url &&
    server.data.code_challenge_methods_supported.includes('S256') &&
    [server.data.authorization_endpoint, server.data.token_endpoint, server.data.revocation_endpoint].every((address) => URL.parse(address)?.origin === origin);
  if (!isOwn) throw new Fault('sign_in_not_offered', { url });
  return {
    issuer: server.data.issuer,
    resource: resource.data.resource,
    authorizationEndpoint: server.data.authorization_endpoint,
    tokenEndpoint: server.data.token_endpoint,
    revocationEndpoint: server.data.revocation_endpoint,
  };
}

/** Faults: `gateway_unreachable`, `signed_out` where the gateway gives none. */
export async function requestTokens(
  url: string,
  { resource, tokenEndpoint, revocationEndpoint }: Pick<Discovered, 'resource' | 'tokenEndpoint' | 'revocationEndpoint'>,
  fields: Readonly<Record<string, string>>,
): Promise<SavedTokens> {
  const answer = await ask(url, tokenEndpoint, new URLSearchParams({ ...fields, client_id: clientId, resource }));
  const parsed = answerSchema.safeParse(answer.body);
  if (answer.status >= 500 || answer.status === 429)
    throw new Fault('gateway_unreachable', { where: url }, { cause: new Error(`it answered ${answer.status}`) });
  if (answer.status !== 200 || !parsed.success) throw new Fault('signed_out', { url });
  const { access_token, refresh_token, expires_in } = parsed.data;
  const expiresAt = new Date(Date.now() + expires_in * 1_000).toISOString();
  return { resource, token_endpoint: tokenEndpoint, revocation_endpoint: revocationEndpoint, access_token, refresh_token, expires_at: expiresAt };
}

/** The token to call a gateway with, a new one where it is soon over; null where nobody has signed in there. Faults: as above. */
export async function currentToken(env: Environment, url: string): Promise<string | null> {
  const isFresh = ({ expires_at: at }: SavedTokens): boolean => Date.parse(at) - Date.now() > earlyMs;
  const known = findTokens(env, url);
  if (known === null || isFresh(known)) return known?.access_token ?? null;
  return withTokensLocked(env, async () => {
    // Another command may have been faster.
    const now = findTokens(env, url);
    if (now === null || isFresh(now)) return now?.access_token ?? null;
    const place = { resource: now.resource, tokenEndpoint: now.token_endpoint, revocationEndpoint: now.revocation_endpoint };
    try {
      const next = await requestTokens(url, place, { grant_type: 'refresh_token', refresh_token: now.refresh_token });
      keepTokens(env, url, next);
      return next.access_token;
    } catch (error) {
      // What is good no more is kept by nobody.
      if (error instanceof Fault && error.code === 'signed_out') keepTokens(env, url, null);
      throw error;
    }
  });
}

/** RFC 7009. Faults: `gateway_unreachable`. */
export async function revokeTokens(url: string, { revocation_endpoint: endpoint, refresh_token: token }: SavedTokens): Promise<void> {
  const { status } = await ask(url, endpoint, new URLSearchParams({ token, client_id: clientId }));
  if (status !== 200) throw new Fault('gateway_unreachable', { where: url }, { cause: new Error(`it answered ${status}`) });
}

async function documentOf(address: string, url: string): Promise<unknown> {
  const { status, body } = await ask(url, address, null);
  return status === 200 ? body : null;
}

async function ask(url: string, address: string, form: URLSearchParams | null): Promise<{ readonly status: number; readonly body: unknown }> {
  try {
    const answer = await fetch(address, {
      ...(form === null ? {} : { method: 'POST', body: form }),
      redirect: 'error',
      signal: AbortSignal.timeout(askTimeoutMs),
    });
    const text = await answer.text();
    return { status: answer.status, body: jsonOf(text) };
  } catch (error) {
    const { cause, message } = error as Error;
    throw new Fault('gateway_unreachable', { where: url }, { cause: cause instanceof Error ? cause : new Error(message) });
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

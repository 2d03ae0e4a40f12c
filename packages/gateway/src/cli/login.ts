import { spawn } from 'node:child_process';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault } from '../kernel/fault.ts';
import type { Command, CommandContext } from './command.ts';
import { plain } from './output.ts';
import { findTokens, keepTokens, withTokensLocked } from './saved-tokens.ts';
import { clientId, discover, gatewayUrl, requestTokens, revokeTokens, type Discovered } from './token-client.ts';

/** How long a person has to answer. */
const answerMs = 300_000;

/** Signs in by the browser of this machine: a code on loopback, with PKCE (RFC 8252, RFC 7636), and `iss` as it should be (RFC 9207). */
export const login: Command = async (context) => {
  const { options, out, env } = context;
  const url = urlOf(context);
  const place = await discover(url);
  const code = await codeOf(place, options.text('scope') ?? null, (address) => {
    out.note(`Opening ${address}\nIf no browser opens, open that address in one on this machine.`);
    if (!options.on('without-browser')) openBrowser(address);
  });
  const tokens = await requestTokens(url, place, {
    grant_type: 'authorization_code',
    code: code.code,
    redirect_uri: code.redirectUri,
    code_verifier: code.verifier,
  });
  await withTokensLocked(env, async () => keepTokens(env, url, tokens));
  out.result({ signed_in: url }, () => `✓ Signed in at ${plain(url)}. Commands with --url ${plain(url)} act as you, until: gateway logout --url ${plain(url)}`);
  return undefined;
};

export const logout: Command = async (context) => {
  const { out, env } = context;
  const url = urlOf(context);
  const wasIn = await withTokensLocked(env, async () => {
    const tokens = findTokens(env, url);
    if (tokens === null) return false;
    await revokeTokens(url, tokens);
    keepTokens(env, url, null);
    return true;
  });
  out.result({ signed_out: url, was_signed_in: wasIn }, () =>
    wasIn ? `✓ Signed out at ${plain(url)}: its tokens are revoked.` : `Nobody was signed in at ${plain(url)}.`,
  );
  return undefined;
};

function urlOf({ options, env }: Pick<CommandContext, 'options' | 'env'>): string {
  const text = options.text('url') ?? env['GATEWAYOPS_URL'];
  if (text === undefined) throw new Fault('usage', { reason: 'Name the gateway: --url https://gateway.example, or GATEWAYOPS_URL.' });
  return gatewayUrl(text);
}

interface Code {
  readonly code: string;
  readonly redirectUri: string;
  readonly verifier: string;
}

/** Faults: `sign_in_refused` where the person or the gateway did not allow it, or nobody answered. */
async function codeOf({ issuer, resource, authorizationEndpoint }: Discovered, scope: string | null, open: (address: string) => void): Promise<Code> {
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(24).toString('base64url');
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  try {
    const answered = new Promise<URLSearchParams>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Fault('sign_in_refused', { reason: 'nobody answered within five minutes' })), answerMs);
      server.on('request', ({ method, url = '/' }, response) => {
        const asked = URL.parse(url, redirectUri);
        // What another program of this machine sends is not the answer.
        const isOurs = method === 'GET' && asked?.pathname === '/callback' && same(asked.searchParams.get('state') ?? '', state);
        response.writeHead(isOurs ? 200 : 404, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', connection: 'close' });
        response.end(isOurs ? '<!doctype html><title>GatewayOps</title><p>You can close this window, and go back to the terminal.</p>' : '');
        if (!isOurs) return;
        clearTimeout(timer);
        resolve(asked.searchParams);
      });
    });
    answered.catch(() => undefined);
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      state,
      resource,
      ...(scope === null ? {} : { scope }),
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    open(`${authorizationEndpoint}?${query.toString()}`);
    const answer = await answered;
    if (answer.get('iss') !== issuer) throw new Fault('sign_in_refused', { reason: 'the answer is not of this gateway' });
    const code = answer.get('code');
    if (code === null) throw new Fault('sign_in_refused', { reason: plain(answer.get('error_description') ?? answer.get('error') ?? 'it was not allowed') });
    return { code, redirectUri, verifier };
  } finally {
    server.close();
    server.closeIdleConnections();
  }
}

function same(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

/** An address with what is ours in it, as one argument, to no shell. */
function openBrowser(address: string): void {
  const [command, ...args] =
    process.platform === 'darwin' ? ['open'] : process.platform === 'win32' ? ['rundll32', 'url.dll,FileProtocolHandler'] : ['xdg-open'];
  const child = spawn(command ?? '', [...args, address], { stdio: 'ignore', detached: true });
  // Where there is none, the address is on the screen.
  child.on('error', () => undefined);
  child.unref();
}

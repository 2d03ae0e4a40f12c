import { lookup } from 'node:dns';
import { Agent, request } from 'undici';
import { bounds } from '../kernel/bounds.ts';
import { guardLookup, networksOf, refusedAddressCode, refusedAsPrivate } from '../kernel/outward-address.ts';
import { SignInTrouble } from './sign-in-trouble.ts';

export interface Reach {
  /** Networks that may be asked although they are private or reserved; only they may be asked without TLS. */
  readonly allowedNetworks: readonly string[];
  readonly ca: string | null;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/**
 * Fetch for what a provider names: only public addresses over TLS and those that the operator has allowed, each checked where it is dialled; no redirect
 * is followed, no proxy of the environment is asked; time and bytes are bounded. Throws `SignInTrouble`.
 */
export function createGuardedFetch({ allowedNetworks, ca }: Reach): (text: string, asked: Asked) => Promise<Response> {
  const allowed = networksOf(allowedNetworks);
  return async (text, { method = 'GET', headers = {}, body }) => {
    const url = new URL(text);
    const isPlain = url.protocol === 'http:';
    if (!isPlain && url.protocol !== 'https:') throw trouble(`${text.slice(0, 200)} is no address that can be asked`);
    const refusal: typeof refusedAsPrivate = (address, list) =>
      isPlain && list?.check(address, address.includes(':') ? 'ipv6' : 'ipv4') !== true
        ? 'without TLS only addresses in allow_addresses are asked'
        : refusedAsPrivate(address, list);
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const reason = /^[\d.]+$/.test(host) || host.includes(':') ? refusal(host, allowed) : null;
    if (reason !== null) throw trouble(`${url.host} is not asked: ${reason}`);
    const agent = new Agent({
      connections: 1,
      allowH2: false,
      maxHeaderSize: bounds.headerBytesMax,
      connect: { timeout: bounds.providerAnswerMs, lookup: guardLookup(lookup, allowed, refusal), ...(ca === null ? {} : { ca }) },
    });
    const signal = AbortSignal.timeout(bounds.providerAnswerMs);
    try {
      const answer = await request(url, {
        dispatcher: agent,
        method: method === 'POST' ? 'POST' : 'GET',
        headers: { ...headers, 'accept-encoding': 'identity', 'user-agent': 'GatewayOps' },
        ...(body === undefined || body === null ? {} : { body: formText(body) }),
        signal,
      });
      // Of what is not read nobody waits for the end; the connection goes with the agent.
      answer.body.on('error', () => undefined);
      if (answer.statusCode >= 300 && answer.statusCode < 400) throw trouble(`${url.host} answered with a redirect, and none is followed`);
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of answer.body) {
        const bytes = chunk as Buffer;
        length += bytes.length;
        if (length > bounds.providerAnswerBytesMax) throw trouble(`${url.host} answered with more than ${bounds.providerAnswerBytesMax} bytes`);
        chunks.push(bytes);
      }
      const kept = new Headers();
      for (const name of ['content-type', 'www-authenticate']) for (const value of [answer.headers[name] ?? []].flat()) kept.append(name, value);
      return new Response(answer.statusCode === 204 ? null : Buffer.concat(chunks), { status: answer.statusCode, headers: kept });
    } catch (error) {
      throw error instanceof SignInTrouble ? error : trouble(`${url.host} ${reasonOf(error, signal)}`, error);
    } finally {
      void agent.destroy().catch(() => undefined);
    }
  };
}

/** The library sends forms and nothing else. */
function formText(body: unknown): string {
  if (typeof body === 'string' || body instanceof URLSearchParams) return body.toString();
  throw new TypeError('a body that is no form');
}

function trouble(reason: string, cause?: unknown): SignInTrouble {
  return new SignInTrouble(
    'address',
    reason,
    'Correct issuer; where the provider is in a private network, name its address in allow_addresses, and its certificate authority in ca.',
    { cause },
  );
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return `did not answer within ${bounds.providerAnswerMs / 1_000} s`;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === refusedAddressCode) return `is not asked: ${message}`;
  if (/CERT|SIGNED|ALTNAME|UNABLE_TO/.test(code)) return `showed a certificate that is not trusted (${code})`;
  return `cannot be reached (${code === '' ? 'no connection' : code})`;
}

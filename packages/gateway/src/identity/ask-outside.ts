import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { Agent, request } from 'undici';
import { bounds } from '../kernel/bounds.ts';
import { guardLookup, networksOf, refusedAddressCode, refusedAsPrivate } from '../kernel/outward-address.ts';

/** Why others could not be asked, in words for an administrator. */
export class OutsideTrouble extends Error {
  override readonly name = 'OutsideTrouble';
}

/** Whom strangers may send the gateway to. */
export interface Outside {
  /** Networks that may be asked although they are private or reserved; only they may be asked without TLS. */
  readonly allowedNetworks: readonly string[];
  /** Certificate authorities in PEM in the place of the public ones, or null. */
  readonly ca: string | null;
}

export interface OutsideQuestion {
  readonly method?: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

export interface OutsideAnswer {
  /** No redirect. */
  readonly status: number;
  header(name: string): readonly string[];
  readonly bytes: Buffer;
}

/**
 * Asks an address that others have named: a public one over TLS, or one that the operator has allowed, checked where it is dialled. No redirect is
 * followed and no proxy of the environment is asked; time and bytes are bounded (reliability.md E1-E8). Throws `OutsideTrouble`.
 */
export async function askOutside(text: string, { allowedNetworks, ca }: Outside, question: OutsideQuestion): Promise<OutsideAnswer> {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '' || url.password !== '')
    throw new OutsideTrouble(`${text.slice(0, 200)} is no address that can be asked`);
  const allowed = networksOf(allowedNetworks);
  const isPlain = url.protocol === 'http:';
  const refusal: typeof refusedAsPrivate = (address, list) =>
    isPlain && list?.check(address, address.includes(':') ? 'ipv6' : 'ipv4') !== true
      ? 'without TLS only addresses in allow_addresses are asked'
      : refusedAsPrivate(address, list);
  // A name is judged by its addresses, when it is connected to.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const reason = isIP(host) === 0 ? null : refusal(host, allowed);
  if (reason !== null) throw new OutsideTrouble(`${url.host} is not asked: ${reason}`);
  const { method = 'GET', headers, body, timeoutMs, bytesMax } = question;
  const agent = new Agent({
    connections: 1,
    allowH2: false,
    maxHeaderSize: bounds.headerBytesMax,
    connect: { timeout: timeoutMs, lookup: guardLookup(lookup, allowed, refusal), ...(ca === null ? {} : { ca }) },
  });
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await request(url, {
      dispatcher: agent,
      method,
      headers: { ...headers, 'accept-encoding': 'identity', 'user-agent': 'GatewayOps' },
      ...(body === undefined ? {} : { body }),
      signal,
    });
    // Of what is not read nobody waits for the end; the connection goes with the agent.
    answer.body.on('error', () => undefined);
    if (answer.statusCode >= 300 && answer.statusCode < 400) throw new OutsideTrouble(`${url.host} answered with a redirect, and none is followed`);
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of answer.body) {
      const bytes = chunk as Buffer;
      length += bytes.length;
      if (length > bytesMax) throw new OutsideTrouble(`${url.host} answered with more than ${bytesMax} bytes`);
      chunks.push(bytes);
    }
    return { status: answer.statusCode, header: (name) => [answer.headers[name] ?? []].flat(), bytes: Buffer.concat(chunks) };
  } catch (error) {
    throw error instanceof OutsideTrouble ? error : new OutsideTrouble(`${url.host} ${reasonOf(error, signal, timeoutMs)}`, { cause: error });
  } finally {
    void agent.destroy().catch(() => undefined);
  }
}

/** Of an answer that has to be JSON and good. Throws `OutsideTrouble`. */
export function jsonOf(text: string, { status, header, bytes }: OutsideAnswer): unknown {
  const { host } = new URL(text);
  if (status !== 200) throw new OutsideTrouble(`${host} answered ${status}`);
  const [type = ''] = header('content-type');
  try {
    if (/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new OutsideTrouble(`${host} answered with something that is no JSON`, { cause: error });
  }
  throw new OutsideTrouble(`${host} answered with something that is no JSON`);
}

function reasonOf(error: unknown, signal: AbortSignal, timeoutMs: number): string {
  if (signal.aborted) return `did not answer within ${timeoutMs / 1_000} s`;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === refusedAddressCode) return `is not asked: ${message}`;
  if (/CERT|SIGNED|ALTNAME|UNABLE_TO/.test(code)) return `showed a certificate that is not trusted (${code})`;
  return `cannot be reached (${code === '' ? 'no connection' : code})`;
}

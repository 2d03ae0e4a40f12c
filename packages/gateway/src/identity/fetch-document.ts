import { lookup } from 'node:dns';
import { Agent, request } from 'undici';
import { bounds } from '../kernel/bounds.ts';
import { guardLookup, networksOf, refusedAddressCode, refusedAsPrivate } from '../kernel/outward-address.ts';

/** Why a document could not be read, in words for an administrator. */
export class DocumentTrouble extends Error {
  override readonly name = 'DocumentTrouble';
}

export interface DocumentPlace {
  readonly url: string;
  /** Networks that may be asked although they are private or reserved; only they may be asked without TLS. */
  readonly allowedNetworks: readonly string[];
  readonly ca: string | null;
}

/**
 * One JSON document of another party (metadata, keys): over TLS, by GET, from no other place than the one that is named, with a bound on time, bytes and
 * type. No redirect is followed and no proxy of the environment is asked. Throws `DocumentTrouble`.
 */
export async function fetchDocument({ url: text, allowedNetworks, ca }: DocumentPlace): Promise<unknown> {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '' || url.password !== '')
    throw new DocumentTrouble(`${text.slice(0, 200)} is no address that can be asked`);
  const allowed = networksOf(allowedNetworks);
  const isPlain = url.protocol === 'http:';
  const refusal: typeof refusedAsPrivate = (address, list) =>
    isPlain && list?.check(address, address.includes(':') ? 'ipv6' : 'ipv4') !== true
      ? 'without TLS only addresses in allow_addresses are asked'
      : refusedAsPrivate(address, list);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isAddress = /^[\d.]+$/.test(host) || host.includes(':');
  const reason = isAddress ? refusal(host, allowed) : null;
  if (reason !== null) throw new DocumentTrouble(`${url.host} is not asked: ${reason}`);
  const agent = new Agent({
    connections: 1,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: bounds.upstreamHeaderBytesMax,
    connect: { timeout: bounds.issuerDocumentMs, lookup: guardLookup(lookup, allowed, refusal), ...(ca === null ? {} : { ca }) },
  });
  const signal = AbortSignal.timeout(bounds.issuerDocumentMs);
  try {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: agent,
      signal,
      headersTimeout: bounds.issuerDocumentMs,
      bodyTimeout: bounds.issuerDocumentMs,
      headers: { accept: 'application/json, application/jwk-set+json', 'accept-encoding': 'identity', 'user-agent': 'GatewayOps' },
    });
    // Of what is not read nobody waits for the end; the connection goes with the agent.
    body.on('error', () => undefined);
    if (statusCode >= 300 && statusCode < 400) throw new DocumentTrouble(`${url.host} answered with a redirect, and none is followed`);
    if (statusCode !== 200) throw new DocumentTrouble(`${url.host} answered ${statusCode}`);
    if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(String(headers['content-type'] ?? '')))
      throw new DocumentTrouble(`${url.host} answered with something that is no JSON`);
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body) {
      const bytes = chunk as Buffer;
      length += bytes.length;
      if (length > bounds.issuerDocumentBytesMax) throw new DocumentTrouble(`${url.host} answered with more than ${bounds.issuerDocumentBytesMax} bytes`);
      chunks.push(bytes);
    }
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (error) {
    throw error instanceof DocumentTrouble ? error : new DocumentTrouble(`${url.host} ${reasonOf(error, signal)}`, { cause: error });
  } finally {
    void agent.destroy().catch(() => undefined);
  }
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return `did not answer within ${bounds.issuerDocumentMs / 1_000} s`;
  if (error instanceof SyntaxError || error instanceof TypeError) return 'answered with something that is no JSON';
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === refusedAddressCode) return `is not asked: ${message}`;
  if (/CERT|SIGNED|SELF_SIGNED|ALTNAME|UNABLE_TO/.test(code)) return `showed a certificate that is not trusted (${code})`;
  return `cannot be reached (${code === '' ? 'no connection' : code})`;
}

import type { IncomingMessage } from 'node:http';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { networksOf } from '../kernel/outward-address.ts';

/** By which a worker tells itself, or another worker of its node, what a client has shown; what a client sends by this name is nobody. */
export const certificateHeader = 'x-gatewayops-certificate';

/** Of a request that a worker has made: only those that nobody else can reach may be read so. */
export function passedCertificate({ headers }: IncomingMessage): string | undefined {
  const value = headers[certificateHeader];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** What speaks for the client of a request, as `SecureServer.certificateOf`. */
export type CertificateOf = (request: IncomingMessage) => string | undefined;

/** What speaks for callers where certificates may; null: nothing does. `own`: of connections; absent where there is no TLS. */
export function certificatesBy(settings: { readonly proxies: readonly string[] } | undefined, own: CertificateOf = () => undefined): CertificateOf | null {
  if (settings === undefined) return null;
  return settings.proxies.length === 0 ? own : createProxiedCertificates(settings.proxies, own);
}

/**
 * The same where proxies end TLS: of a request from one of their addresses, what its `Client-Cert` says (RFC 9440) and nothing else, for the certificate of such a
 * connection is the proxy's own. From everywhere else that header is nobody. Faults: `invalid_request` for one of a proxy's that says nothing, or two things.
 */
function createProxiedCertificates(proxies: readonly string[], own: CertificateOf): CertificateOf {
  const networks = networksOf(proxies);
  return (request) => {
    const address = request.socket.remoteAddress ?? '';
    if (networks === null || !isIn(networks, address)) return own(request);
    return certificateIn(request.rawHeaders);
  };
}

function isIn(networks: NonNullable<ReturnType<typeof networksOf>>, address: string): boolean {
  // A socket that takes both families has IPv4 in IPv6.
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return networks.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4');
}

function certificateIn(rawHeaders: readonly string[]): string | undefined {
  let own: string | undefined;
  let chain: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase();
    const value = rawHeaders[index + 1] ?? '';
    if (name === 'client-cert') {
      // A proxy that adds its line to the client's own would let anybody speak for anybody.
      if (own !== undefined) throw unreadable();
      own = value.trim();
    } else if (name === 'client-cert-chain') chain = chain === undefined ? value : `${chain},${value}`;
  }
  if (own === undefined || nothing.has(own)) return undefined;
  const parts = [own, ...(chain === undefined || chain.trim() === '' ? [] : chain.split(','))].map((part) => base64In(part.trim()));
  const text = parts.join(',');
  if (parts.length > bounds.certificateChainMax || text.length > bounds.certificateTextCharsMax) throw unreadable();
  return text;
}

/** What proxies write where there is no certificate: an empty byte sequence, or what stands for an empty value. */
const nothing: ReadonlySet<string> = new Set(['', '::', '-']);
const byteSequence = /^:([A-Za-z0-9+/]+={0,2}):$/;
const escapedPem =
  /^-----BEGIN(?:%20| )CERTIFICATE-----((?:[A-Za-z0-9+/=\s]|%(?:0[AaDd]|20|2[BbFf]|3[Dd]))+)-----END(?:%20| )CERTIFICATE-----(?:%0[AaDd]|\s)*$/;

/** A byte sequence of RFC 8941 as RFC 9440 writes it, or PEM with percent signs, as nginx and Envoy do. */
function base64In(part: string): string {
  const sequence = byteSequence.exec(part)?.[1];
  if (sequence !== undefined) return sequence;
  const pem = escapedPem.exec(part)?.[1];
  const base64 = pem === undefined ? '' : decodeURIComponent(pem).replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw unreadable();
  return base64;
}

function unreadable(): Fault {
  return new Fault('invalid_request', { reason: 'the header Client-Cert is no certificate as RFC 9440 writes it' });
}

import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { asFault } from '../kernel/fault.ts';
import { certificatesBy, type CertificateOf } from './client-certificate.ts';

const leaf = Buffer.alloc(300, 1).toString('base64');
const between = Buffer.alloc(200, 2).toString('base64');
const own: CertificateOf = () => 'of the connection';
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** What speaks for the client of a request from 127.0.0.1 with these header lines, or the code of the fault. */
async function heard(proxies: readonly string[], headers: readonly string[], connection: CertificateOf = own): Promise<string | undefined> {
  const certificateOf = certificatesBy({ proxies }, connection);
  const seen = Promise.withResolvers<string | undefined>();
  const server = createServer((asked, response) => {
    try {
      seen.resolve(certificateOf?.(asked));
    } catch (error) {
      seen.resolve(asFault(error).code);
    }
    response.end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sent = request({ host: '127.0.0.1', port, agent: false, headers: ['Host', 'x', ...headers] }, (answer) => answer.resume());
  sent.on('error', seen.reject);
  sent.end();
  return seen.promise;
}

describe('Client-Cert', () => {
  test('of a proxy that is named says who calls, with what the client sent beside it', async () => {
    expect(await heard(['127.0.0.0/8'], ['Client-Cert', `:${leaf}:`])).toBe(leaf);
    expect(await heard(['127.0.0.1'], ['client-cert', `:${leaf}:`, 'client-cert-chain', `:${between}:, :${between}:`])).toBe(`${leaf},${between},${between}`);
    const pem = `-----BEGIN CERTIFICATE-----\n${leaf.replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
    expect(await heard(['127.0.0.1'], ['Client-Cert', encodeURIComponent(pem)])).toBe(leaf);
  });

  test('H20: of anybody else is nobody, whatever else they say of themselves', async () => {
    const spoofed = ['Client-Cert', `:${leaf}:`, 'X-Forwarded-For', '10.0.0.5', 'Forwarded', 'for=10.0.0.5', 'X-GatewayOps-Certificate', leaf];
    expect(await heard(['10.0.0.5'], spoofed)).toBe('of the connection');
    expect(await heard([], spoofed)).toBe('of the connection');
    expect(await heard(['10.0.0.5'], spoofed, () => undefined)).toBe(undefined);
    expect(certificatesBy(undefined, own)).toBe(null);
  });

  test('missing from a proxy is no certificate, and never the one of the proxy itself', async () => {
    for (const none of [[], ['Client-Cert', ''], ['Client-Cert', '::'], ['Client-Cert', '-'], ['Client-Cert-Chain', `:${between}:`]])
      expect(await heard(['127.0.0.1'], none)).toBe(undefined);
  });

  test.each([
    ['twice', ['Client-Cert', `:${leaf}:`, 'client-cert', `:${between}:`]],
    ['two in one', ['Client-Cert', `:${leaf}:, :${between}:`]],
    ['no byte sequence', ['Client-Cert', leaf]],
    ['of other letters', ['Client-Cert', ':MIIB%00:']],
    ['half escaped', ['Client-Cert', '-----BEGIN%20CERTIFICATE-----%FF-----END%20CERTIFICATE-----']],
    ['with a broken chain', ['Client-Cert', `:${leaf}:`, 'Client-Cert-Chain', `:${between}`]],
    ['with a chain that is too long', ['Client-Cert', `:${leaf}:`, 'Client-Cert-Chain', Array.from({ length: 4 }, () => `:${between}:`).join(', ')]],
    ['too large', ['Client-Cert', `:${Buffer.alloc(9_500).toString('base64')}:`]],
  ])('of a proxy that is %s is refused, never read in part', async (_, headers) => {
    expect(await heard(['127.0.0.1'], headers)).toBe('invalid_request');
  });
});

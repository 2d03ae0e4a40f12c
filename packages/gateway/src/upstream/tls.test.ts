/** U5: TLS to servers: whom it trusts, what it shows, and that nothing less is taken. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeAuthority, makeClientCertificate, makeServerCertificate, type Certificate } from '../../../../test/support/certificates.ts';
import { until } from '../../../../test/support/poll.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Fault } from '../kernel/fault.ts';
import type { ServerData } from '../snapshot/snapshot.ts';
import type { TlsData } from '../snapshot/upstream-data.ts';
import { reachOf } from './reach.ts';
import { createUpstreams, type Upstreams } from './upstreams.ts';

let authority: Certificate;
let other: Certificate;
let good: Certificate;
let upstreams: Upstreams;
let servers: Server[];
beforeAll(async () => {
  [authority, other] = await Promise.all([makeAuthority(), makeAuthority('another authority')]);
  good = await makeServerCertificate(authority);
});
beforeEach(() => {
  upstreams = createUpstreams(systemClock);
  servers = [];
});
afterEach(async () => {
  await upstreams.close();
  for (const server of servers) server.closeAllConnections();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

/** Answers with the version of TLS and the name of the client's certificate. */
async function listen(options: TlsOptions): Promise<number> {
  const server = createServer(options, (request, response) => {
    const socket = request.socket as TLSSocket;
    const subject = socket.getPeerCertificate().subject as { CN?: string } | undefined;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify([socket.getProtocol(), subject?.CN ?? null]));
  });
  server.on('tlsClientError', () => undefined);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function serverAt(port: number, tls: Partial<TlsData> | null, host = '127.0.0.1'): ServerData {
  const plain: ServerData = {
    name: 's1',
    path: '/mcp/s1',
    auth: 'apiKey',
    transport: 'http',
    origin: `https://${host}:${port}`,
    upstreamPath: '/mcp',
    socketPath: null,
    timeoutMs: 5_000,
    connectionsMax: 10,
    credential: null,
    price: { perCallNano: '0', perTokenInputNano: '0', perTokenOutputNano: '0', by: 'default' },
    toolPrices: {},
  };
  const reach = reachOf(plain);
  const [first] = reach.targets;
  return {
    ...plain,
    upstream: { ...reach, targets: [{ ...first, tls: tls === null ? null : { ca: null, cert: null, key: null, serverName: null, ...tls } }] },
  };
}

async function call(server: ServerData): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const body: Buffer[] = [];
  const ask = {
    method: 'POST',
    headers: [],
    body: Buffer.from('{}'),
    longLived: false,
    repeatable: false,
    pinned: null,
    caller: '',
    variant: null,
    firstByteMsMax: null,
  } as const;
  upstreams.send(
    server,
    { ...ask, headers: [] },
    {
      head: () => undefined,
      data: (chunk) => body.push(chunk) > 0,
      end: () => resolve(JSON.parse(Buffer.concat(body).toString())),
      failed: (fault: Fault) => resolve(fault.code),
    },
  );
  return promise;
}

describe('a server with a certificate of a private authority', () => {
  test('U5: is trusted with that authority, and with no other', async () => {
    const port = await listen({ cert: good.cert, key: good.key });
    expect(await call(serverAt(port, { ca: authority.cert }))).toEqual(['TLSv1.3', null]);
    expect(await call(serverAt(port, { ca: other.cert }))).toBe('upstream_tls');
    expect(await call(serverAt(port, null))).toBe('upstream_tls');
  });

  test('U5: must have the name that is asked for', async () => {
    const named = await makeServerCertificate(authority, { names: ['search.internal'] });
    const port = await listen({ cert: named.cert, key: named.key });
    expect(await call(serverAt(port, { ca: authority.cert }, 'localhost'))).toBe('upstream_tls');
    expect(await call(serverAt(port, { ca: authority.cert, serverName: 'search.internal' }, 'localhost'))).toEqual(['TLSv1.3', null]);
    expect(await call(serverAt(port, { ca: authority.cert, serverName: 'other.internal' }, 'localhost'))).toBe('upstream_tls');
  });

  test.each([
    ['expired', [-30, -1]],
    ['not valid yet', [1, 30]],
  ] as const)('U5: that is %s is refused', async (_, days) => {
    const wrong = await makeServerCertificate(authority, { days });
    const port = await listen({ cert: wrong.cert, key: wrong.key });
    expect(await call(serverAt(port, { ca: authority.cert }))).toBe('upstream_tls');
  });

  test('U5: that signed itself is trusted no more than any other', async () => {
    const own = await makeServerCertificate(authority);
    const self = await makeAuthority('127.0.0.1');
    for (const { cert, key } of [self, { cert: own.cert, key: own.key }]) {
      const port = await listen({ cert, key });
      expect(await call(serverAt(port, { ca: other.cert }))).toMatch(/^upstream_(?:tls|unreachable)$/);
    }
  });

  test('U5: a wildcard stands for one label, and no dot of another script adds one', async () => {
    const named = await makeServerCertificate(authority, { names: ['*.mcp.internal'] });
    const port = await listen({ cert: named.cert, key: named.key });
    const asked = (serverName: string) => call(serverAt(port, { ca: authority.cert, serverName }));
    expect(await asked('a.mcp.internal')).toEqual(['TLSv1.3', null]);
    for (const name of ['a.b.mcp.internal', 'mcp.internal', 'a\u3002b.mcp.internal', 'a\uff0eb.mcp.internal', 'a.mcp.internal.example'])
      expect([name, await asked(name)]).toEqual([name, 'upstream_tls']);
  });

  test('that cannot be shaken hands with is not reached, and nothing was sent', async () => {
    // It may only sign others.
    const port = await listen({ cert: authority.cert, key: authority.key });
    expect(await call(serverAt(port, { ca: authority.cert }))).toBe('upstream_unreachable');
  });

  test('speaks TLS 1.2 or later', async () => {
    const old = await listen({ cert: good.cert, key: good.key, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
    expect(await call(serverAt(old, { ca: authority.cert }))).toEqual(['TLSv1.2', null]);
    const older = await listen({ cert: good.cert, key: good.key, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
    expect(await call(serverAt(older, { ca: authority.cert }))).toBe('upstream_tls');
  });
});

test('a server that asks for a certificate gets the one that is configured', async () => {
  const client = await makeClientCertificate(authority, 'the gateway');
  const port = await listen({ cert: good.cert, key: good.key, ca: authority.cert, requestCert: true, rejectUnauthorized: true });
  expect(await call(serverAt(port, { ca: authority.cert, cert: client.cert, key: client.key }))).toEqual(['TLSv1.3', 'the gateway']);
  expect(await call(serverAt(port, { ca: authority.cert }))).not.toEqual(['TLSv1.3', null]);
});

test('a new certificate is used by new calls, and the connections made with the old one close', async () => {
  const [first, second] = await Promise.all([makeClientCertificate(authority, 'first'), makeClientCertificate(authority, 'second')]);
  const port = await listen({ cert: good.cert, key: good.key, ca: authority.cert, requestCert: true, rejectUnauthorized: true });
  const before = serverAt(port, { ca: authority.cert, cert: first.cert, key: first.key });
  const after = serverAt(port, { ca: authority.cert, cert: second.cert, key: second.key });
  expect(await call(before)).toEqual(['TLSv1.3', 'first']);
  expect(await call(after)).toEqual(['TLSv1.3', 'second']);
  upstreams.keep([after]);
  await until(async () => {
    const open = await new Promise<number>((resolve) => servers[0]?.getConnections((_, count) => resolve(count)));
    return open === 1;
  });
  expect(await call(after)).toEqual(['TLSv1.3', 'second']);
});

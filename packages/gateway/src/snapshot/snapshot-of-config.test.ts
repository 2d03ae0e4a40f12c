import { expect, test } from 'vitest';
import type { PriceList } from '../kernel/price-list.ts';
import type { Config } from '../config/config.ts';
import { ownUrl, snapshotOfConfig } from './snapshot-of-config.ts';

const prices: PriceList = {
  currency: 'USD',
  default: { perCallNano: 1_000_000n, perTokenInputNano: 10_000n, perTokenOutputNano: 30_000n },
  overrides: [
    { server: 'search', tool: null, perCallNano: 2n },
    { server: 'search', tool: 'query', perCallNano: 3n, perSecondNano: 5n },
    { server: 'search', tool: 'silent' },
    { server: 'files', tool: 'read', perCallNano: 4n },
  ],
};

function config(more: Partial<Config> = {}): Config {
  return {
    version: 1,
    file: null,
    listen: { host: '127.0.0.1', port: 8080, hosts: [], origins: [], tls: null, metrics: null, websocket: false, sse: false, publicUrl: null },
    servers: [
      { name: 'search', transport: 'http', url: 'https://search.example:8443/a/mcp?x=1', timeoutMs: 30_000, connectionsMax: 7, credential: null },
      { name: 'files', transport: 'stdio', command: ['x'], env: {}, cwd: '/', processes: 'session', timeoutMs: 5_000, connectionsMax: 8 },
    ],
    routes: [{ server: 'search', path: '/mcp/find', auth: { type: 'none' }, timeoutMs: 20_000 }],
    pricing: null,
    policies: null,
    access: { risks: [], opa: null },
    identity: { issuers: [], certificates: { authorities: [], proxies: [] }, providers: [], authorizationServer: null },
    transforms: [],
    cache: [],
    record: {
      bodies: 'masked',
      bodyBytesMax: 65_536,
      overrides: [],
      masking: { email: false, phone: false, fields: [], paths: [], patterns: [], fieldCharsMax: 1_000, overLimit: 'drop' },
    },
    aggregate: {
      enabled: true,
      auth: { type: 'apiKey' },
      prefix: 'always',
      nameLimit: 64,
      clientLimits: {},
      pageSize: 1000,
      toolExposure: 'all',
      deadlineMs: 5000,
    },
    virtualServers: [],
    rateLimits: [],
    limits: { bodyBytesMax: 1_000 },
    journal: { sync: false, spoolBytesMax: 1_000 },
    retention: { tracesDays: 30, metricsDays: 90 },
    telemetry: { metrics: { toolsMax: 200 }, otlp: null },
    audit: { retentionDays: 365, trustedKeys: [], streams: [] },
    backup: null,
    sessionKeys: [],
    stores: { databaseUrl: null, databaseConnectionsMax: 1, clickhouseUrl: null, clickhouseCluster: null, redisUrl: null },
    keys: { environment: 'test', bcryptCost: 4 },
    workers: 1,
    log: { level: 'info', format: 'json' },
    ...more,
  };
}

const of = (more: Partial<Config> = {}, port = 9090): ReturnType<typeof snapshotOfConfig> =>
  snapshotOfConfig(config(more), {
    version: 5,
    prices: { version: 3, list: prices },
    organizationId: 'org_default',
    node: 'node_1',
    port,
    policies: [],
    opa: null,
    others: [],
    bridgeSocket: (server) => `/run/${server}`,
    tls: () => null,
    credential: (server) => (server.name === 'search' ? { header: 'authorization', value: 'Bearer s' } : null),
  });

test("a server of a URL and one of a command, with the route's own path, authentication and time", () => {
  const [search, files] = of().servers;
  expect(search).toMatchObject({
    name: 'search',
    path: '/mcp/find',
    auth: 'none',
    origin: 'https://search.example:8443',
    upstreamPath: '/a/mcp?x=1',
    socketPath: null,
    timeoutMs: 20_000,
    connectionsMax: 7,
    credential: { header: 'authorization', value: 'Bearer s' },
  });
  // Without a route: the default path, and a key is needed.
  expect(files).toMatchObject({ path: '/mcp/files', auth: 'apiKey', socketPath: '/run/files', upstreamPath: '/mcp', timeoutMs: 5_000, credential: null });
});

test('all servers stand at /mcp, and a virtual server at its own address with the limits of the aggregate', () => {
  const virtual = {
    name: 'team',
    auth: { type: 'apiKey' },
    servers: ['se*'],
    prefix: 'never',
    toolExposure: 'search',
    tools: [],
    resources: null,
    prompts: null,
  } as const;
  const [all, team] = of({ virtualServers: [virtual] }).endpoints ?? [];
  expect(all).toMatchObject({ name: '*', path: '/mcp', auth: 'apiKey', servers: ['search', 'files'], prefix: 'always', tools: null, nameCharsMax: 64 });
  expect(team).toMatchObject({
    name: 'v/team',
    path: '/mcp/v/team',
    servers: ['search'],
    prefix: 'never',
    toolExposure: 'search',
    tools: [],
    deadlineMs: 5000,
  });
  expect(of({ aggregate: { ...config().aggregate, enabled: false } }).endpoints).toEqual([]);
});

test('the price of a tool beats that of its server, and that the default', () => {
  const [search, files] = of().servers;
  expect(of().priceVersion).toBe(3);
  expect([search?.price, search?.toolPrices['query']]).toMatchObject([
    { perCallNano: '2', perTokenInputNano: '10000', by: 'server' },
    { perCallNano: '3', perTokenOutputNano: '30000', perSecondNano: '5' },
  ]);
  expect([files?.price, files?.toolPrices]).toMatchObject([{ perCallNano: '1000000', by: 'default' }, { read: { perCallNano: '4' } }]);
});

test.each([
  ['127.0.0.1', [], ['127.0.0.1:9090', 'localhost:9090', '[::1]:9090', 'localhost'], ['evil.example:9090']],
  ['::1', [], ['[::1]:9090', '127.0.0.1:9090'], ['::1:9090']],
  ['0.0.0.0', ['GW.example'], ['gw.example', 'gw.example:9090', '127.0.0.1:9090'], ['0.0.0.0:9090', 'GW.example']],
  ['10.1.2.3', ['gw.example'], ['10.1.2.3:9090', 'gw.example:9090'], ['127.0.0.1:9090', 'localhost:9090']],
])('listening on %s with the names %j serves those and no others', (host, hosts, served, refused) => {
  const snapshot = of({
    listen: { host, port: 0, hosts, origins: ['https://ui.example'], tls: null, metrics: null, websocket: false, sse: false, publicUrl: null },
  });
  for (const name of served) expect(snapshot.hosts).toContain(name);
  for (const name of refused) expect(snapshot.hosts).not.toContain(name);
  expect(snapshot.origins).toContain('https://ui.example');
  expect(snapshot.origins).not.toContain('null');
});

test.each([
  ['GW.Example', ['gw.example', 'gw.example:9090']],
  ['0:0:0:0:0:0:0:1', ['[::1]:9090', 'localhost:9090']],
  ['2001:DB8::0:1', ['[2001:db8::1]:9090']],
  ['::', ['127.0.0.1:9090', '[::1]:9090']],
])('listening on %s serves it as clients write it', (host, served) => {
  for (const name of served)
    expect(of({ listen: { host, port: 0, hosts: [], origins: [], tls: null, metrics: null, websocket: false, sse: false, publicUrl: null } }).hosts).toContain(
      name,
    );
});

test.each([
  ['127.0.0.1', 8080, 'http://127.0.0.1:8080'],
  ['localhost', 8080, 'http://localhost:8080'],
  ['::1', 8080, 'http://[::1]:8080'],
  ['10.1.2.3', 8080, 'http://10.1.2.3:8080'],
  // Nobody is reached at the address of all interfaces.
  ['0.0.0.0', 8080, 'http://127.0.0.1:8080'],
  ['::', 8080, 'http://127.0.0.1:8080'],
  // Browsers leave the default port out.
  ['127.0.0.1', 80, 'http://127.0.0.1'],
])('a gateway on %s and port %d is reached at %s, and that origin is its own', (host, port, url) => {
  const listen = { host, port, hosts: [], origins: [], tls: null, metrics: null, websocket: false, sse: false, publicUrl: null };
  expect(ownUrl(listen, port)).toBe(url);
  const { hosts, origins } = of({ listen }, port);
  expect(origins).toContain(url);
  expect(hosts).toContain(new URL(url).host);
});

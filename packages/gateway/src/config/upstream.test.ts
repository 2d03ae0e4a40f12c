/** How servers are reached, as gateway.yaml says it. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeAuthority, makeClientCertificate, type Certificate } from '../../../../test/support/certificates.ts';
import { Fault } from '../kernel/fault.ts';
import { configFaultsOf } from './config-fault.ts';
import type { Config } from './config.ts';
import { loadConfig } from './load.ts';
import { checkSecrets, resolveTls } from './secrets.ts';

let folder: string;
let authority: Certificate;
let client: Certificate;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatewayops-upstream-'));
  authority = await makeAuthority();
  client = await makeClientCertificate(authority);
  writeFileSync(join(folder, 'ca.pem'), authority.cert);
  writeFileSync(join(folder, 'client.pem'), client.cert);
  writeFileSync(join(folder, 'client.key'), client.key, { mode: 0o600 });
  writeFileSync(join(folder, 'other.key'), authority.key, { mode: 0o600 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(server: string): Config {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, `version: 1\nservers:\n  - ${server}\n`);
  return loadConfig({ file, env: {} });
}

function faults(server: string): string[] {
  try {
    load(server);
    return [];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return configFaultsOf(error).map(({ path, message }) => `${path}: ${message}`);
  }
}

const two = 'targets: [{ name: blue, url: https://blue.example/mcp }, { name: green, url: https://green.example/mcp, weight: 3 }]';

test('a server that says nothing of it is reached by the defaults', () => {
  expect(load('{ name: a, url: https://a.example/mcp }').servers[0]).not.toHaveProperty('upstream');
});

test('what is said is read, and what is left out has its default', () => {
  const [server] = load(
    `{ name: a, ${two}, balance: sticky, active: blue, timeouts: { first_byte: 5s, total: 1m }, connections: { idle: 30s }, retries: { tries_max: 2 }, breaker: { open: 5s }, health_check: { ask: /healthz }, canary: { target: green, share: 2.5, header: { name: X-Canary, value: "1" } } }`,
  ).servers;
  expect(server).toMatchObject({ url: 'https://blue.example/mcp' });
  expect(server?.upstream).toEqual({
    targets: [
      { name: 'blue', url: 'https://blue.example/mcp', weight: 1 },
      { name: 'green', url: 'https://green.example/mcp', weight: 3 },
    ],
    balance: 'sticky',
    active: 'blue',
    canary: { target: 'green', sharePercent: 2.5, header: { name: 'x-canary', value: '1' }, principals: [] },
    connectTimeoutMs: 3_000,
    firstByteTimeoutMs: 5_000,
    idleTimeoutMs: null,
    totalTimeoutMs: 60_000,
    keepAliveMs: 30_000,
    queueMax: 1_000,
    retry: { triesMax: 2, budgetPercent: 10 },
    breaker: { failurePercent: 50, callsMin: 20, windowMs: 10_000, openMs: 5_000, probesMax: 1 },
    health: { ask: { path: '/healthz' }, intervalMs: 10_000, timeoutMs: 2_000, failuresMin: 3, successesMin: 2 },
    tls: null,
  });
  expect(load('{ name: a, url: https://a.example, breaker: off }').servers[0]?.upstream?.breaker).toBeNull();
  expect(load('{ name: a, transport: stdio, command: [node], retries: { tries_max: 1 } }').servers[0]?.upstream).toMatchObject({
    targets: [],
    retry: { triesMax: 1 },
    // The bridge before the program does what a breaker would.
    breaker: null,
  });
});

test('MCP_SERVER_{NAME}_URL moves a server with its limits, without its targets, and without a certificate that was meant for another address', () => {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, `version: 1\nservers:\n  - { name: a, ${two}, canary: { target: green, share: 5 }, retries: { tries_max: 1 }, tls: { ca: ./ca.pem } }\n`);
  const at = (url: string) => loadConfig({ file, env: { MCP_SERVER_A_URL: url } }).servers[0]?.upstream;
  expect(at('https://other.example/mcp')).toMatchObject({
    targets: [{ name: 'main', url: 'https://other.example/mcp', weight: 1 }],
    canary: null,
    tls: null,
    retry: { triesMax: 1 },
  });
  expect(at('https://blue.example/other')?.tls).toMatchObject({ caFile: join(folder, 'ca.pem') });
});

describe('is refused, with its place', () => {
  test.each([
    ['neither url nor targets', '{ name: a }', 'servers[0].url: url is missing in servers[0]'],
    ['both of them', `{ name: a, url: https://a.example, ${two} }`, 'servers[0].targets: targets cannot stand beside url: write the address as one of them'],
    ['no target', '{ name: a, targets: [] }', 'servers[0].targets: targets must name at least one target'],
    [
      'two targets of a name',
      '{ name: a, targets: [{ name: b, url: https://b.example }, { name: b, url: https://c.example }] }',
      'servers[0].targets[1].name: two targets are named b',
    ],
    ['an active target that is none', `{ name: a, ${two}, active: red }`, 'servers[0].active: there is no target named red'],
    ['a canary that is no target', `{ name: a, ${two}, canary: { target: red, share: 1 } }`, 'servers[0].canary.target: there is no target named red'],
    ['a canary without calls', `{ name: a, ${two}, canary: { target: green } }`, 'servers[0].canary: the canary takes no calls'],
    [
      'a canary that takes all calls already',
      `{ name: a, ${two}, active: green, canary: { target: green, share: 1 } }`,
      'servers[0].canary.target: green is the active target',
    ],
    ['a certificate without its key', '{ name: a, url: https://a.example, tls: { cert: ./client.pem } }', 'servers[0].tls: tls has no key'],
    ['TLS for plain HTTP', '{ name: a, url: http://a.example, tls: { ca: ./ca.pem } }', 'servers[0].tls: no address of this server begins with https: or wss:'],
    [
      'a password in the address of a target',
      '{ name: a, targets: [{ name: b, url: "https://u:p@b.example" }] }',
      'servers[0].targets[0].url: the url holds a user name or password',
    ],
    [
      'E1: the address of a metadata service, however it is written',
      '{ name: a, targets: [{ name: b, url: "http://0xa9fea9fe/latest" }] }',
      'servers[0].targets[0].url: 169.254.169.254 is no place to send anything to',
    ],
    [
      'E1: such an address of a server over WebSocket',
      '{ name: a, transport: websocket, url: "ws://[fe80::1]/mcp" }',
      'servers[0].url: [fe80::1] is no place to send anything to',
    ],
    [
      'an allowed address that is a name',
      '{ name: a, url: https://a.example, allow_addresses: [metadata.internal] }',
      'servers[0].allow_addresses[0]: servers[0].allow_addresses[0] must be an address or a network, such as 169.254.10.5 or 169.254.10.0/24',
    ],
    ['a breaker of another word', '{ name: a, url: https://a.example, breaker: none }', 'servers[0].breaker: breaker must be off or a map of settings'],
  ])('%s', (_, server, fault) => {
    expect(faults(server)).toContain(fault);
  });
});

test('E1: an address that is meant is allowed where the server names it, and in its variable too', () => {
  const server = '{ name: a, url: http://169.254.10.5/mcp, allow_addresses: [169.254.10.0/24] }';
  expect(load(server).servers[0]?.upstream?.allowedNetworks).toEqual(['169.254.10.0/24']);
  const file = join(folder, 'gateway.yaml');
  const at = (url: string) => loadConfig({ file, env: { MCP_SERVER_A_URL: url } }).servers[0]?.upstream?.targets;
  expect(at('http://169.254.10.9/mcp')).toMatchObject([{ url: 'http://169.254.10.9/mcp' }]);
  expect(() => at('http://169.254.169.254/')).toThrow('configuration has faults');
});

test('E9: what one server may reach, another may not', () => {
  const named = '{ name: a, url: http://169.254.10.5/mcp, allow_addresses: [169.254.10.0/24] }';
  expect(faults(`${named}\n  - { name: b, url: http://169.254.10.6/mcp }`)).toEqual(['servers[1].url: 169.254.10.6 is no place to send anything to']);
});

test.each([{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://169.254.169.254:4318' }, { MCP_SERVER_B_URL: 'http://169.254.169.254/' }])('E1: %j is refused', (env) => {
  expect(() => loadConfig({ file: null, env })).toThrow('configuration has faults');
});

describe('certificates', () => {
  const secured = (tls: string): Config => load(`{ name: a, url: https://a.example/mcp, tls: ${tls} }`);
  const problems = (config: Config): string[] => checkSecrets(config, {}).map(({ setting, fault }) => `${setting}: ${fault.message}`);

  test('are read from their files, beside the configuration', () => {
    const config = secured('{ ca: ./ca.pem, cert: client.pem, key: { file: ./client.key }, server_name: search.internal }');
    const [server] = config.servers;
    if (server === undefined) throw new Error('no server');
    expect(problems(config)).toEqual([]);
    expect(resolveTls(server, {})).toEqual({ ca: authority.cert, cert: client.cert, key: client.key.trimEnd(), serverName: 'search.internal' });
  });

  test.each([
    ['that are not there', '{ ca: ./none.pem }', /there is no file .*none\.pem/],
    ['that are none', '{ ca: ./client.key }', /holds no certificate in PEM/],
    ['with the key of another', '{ cert: ./client.pem, key: { file: ./other.key } }', /cannot be used together/],
  ])('%s are told before anything starts', (_, tls, reason) => {
    expect(problems(secured(tls)).join('\n')).toMatch(reason);
  });

  test('with a key that others may read are refused', () => {
    const open = join(folder, 'open.key');
    writeFileSync(open, client.key);
    chmodSync(open, 0o644);
    expect(problems(secured('{ cert: ./client.pem, key: { file: ./open.key } }')).join('\n')).toMatch(/may be read or changed by others/);
  });
});

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Finding, findSecrets, type Place } from '../support/canary-scan.ts';
import { commandLineOf, environmentOf, gatewayProcesses } from '../support/gateway-processes.ts';
import { ledgerRows } from '../support/ledger-rows.ts';
import { modernServer } from '../support/modern-server.ts';
import { nodePath, repositoryFolder } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { type Answer, post, toolCall } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { defaultReply, json, when } from '../support/replies.ts';
import { removeGatewayFolders, type RunningGateway, startGateway, temporaryFolder } from '../support/start-gateway.ts';

/** Promise 10, A25, K7, P5: a gateway that logs all it can is used in every way, well and badly; then all it left is searched. */
let upstream: RecordingUpstream;
let gateway: RunningGateway;
/** What the program behind the bridge read from its input. */
let heardByProgram: string;
const answers: Place[] = [];

const canary = (name: string): string => `${name}-${randomBytes(20).toString('hex')}`;
const upstreamToken = canary('upstream');
const programSecret = canary('program');
/** Sent by clients, beside their keys. */
const inbound: Record<string, string> = {
  cookie: canary('cookie'),
  header: canary('header'),
  'unknown key': `gwo_dev_${randomBytes(16).toString('hex')}`,
  'no key at all': canary('garbage'),
};

beforeAll(async () => {
  // A server that gives back what it was sent, headers and all, in results and in errors, tells on whoever sends too much.
  const echo = when(({ body }) => body.includes('fail-upstream'), json({ error: 'it fails' }, { status: 500 }), defaultReply);
  upstream = await startRecordingUpstream(modernServer(echo));
  heardByProgram = join(temporaryFolder(), 'heard');
  const program = join(repositoryFolder, 'test', 'support', 'bridge', 'modern-server.mjs');
  gateway = await startGateway({
    config: {
      workers: 2,
      log: { level: 'debug' },
      servers: [
        { name: 'recorded', url: upstream.url, credential: { type: 'bearer', secret: { env: 'UPSTREAM_TOKEN' } } },
        { name: 'nowhere', url: 'http://127.0.0.1:9/mcp', credential: { type: 'header', name: 'x-api-key', secret: { env: 'UPSTREAM_TOKEN' } } },
        {
          name: 'program',
          transport: 'stdio',
          command: ['/bin/sh', '-c', 'tee "$0" | "$1" "$2"', heardByProgram, nodePath, program],
          env: { PROGRAM_VALUE: { env: 'PROGRAM_VALUE' } },
          processes: 'shared',
        },
        // It says what it was given, which is then in nobody's log.
        { name: 'broken', transport: 'stdio', command: ['/bin/sh', '-c', 'env >&2; exit 3'], env: { PROGRAM_VALUE: { env: 'PROGRAM_VALUE' } } },
      ],
    },
    env: { UPSTREAM_TOKEN: upstreamToken, PROGRAM_VALUE: programSecret, UNRELATED: canary('unrelated') },
  });
  await useInEveryWay();
}, 90_000);

afterAll(async () => {
  await gateway?.kill9();
  await upstream?.stop();
  removeGatewayFolders();
});

async function send(url: string, body: unknown, options: Parameters<typeof post>[2] = {}): Promise<Answer> {
  const answer = await post(url, body, options);
  answers.push({ name: `the answer of ${url.replaceAll(/[0-9A-Za-z]{43}/g, '…')}`, content: `${JSON.stringify(answer.headers)}\n${answer.text}` });
  return answer;
}

async function useInEveryWay(): Promise<void> {
  const key = gateway.apiKey ?? '';
  inbound['key'] = key;
  inbound['link'] = gateway.adminLink?.split('/').at(-1) ?? '';
  const headers = { cookie: `gatewayops_session=${inbound['cookie'] ?? ''}`, 'x-canary': inbound['header'] ?? '' };
  const { body, headers: callHeaders } = toolCall('echo', { value: 'hello' });
  await until(async () => (await post(`${gateway.mcp}/program`, body, { key, headers: callHeaders })).status === 200, {
    what: 'the program',
    timeoutMs: 20_000,
  });

  for (const server of ['recorded', 'nowhere', 'program', 'broken', 'no-such-server']) {
    for (const bearer of [key, inbound['unknown key'], inbound['no key at all']]) {
      await send(`${gateway.mcp}/${server}`, body, { key: bearer ?? null, headers: { ...callHeaders, ...headers } });
      await send(
        `${gateway.url}/v1/mcp/${server}/tools/call`,
        { tool: 'echo', arguments: { value: 'x' } },
        { key: bearer ?? null, headers: { ...headers, 'x-request-id': `once-${server}` } },
      );
    }
  }
  const hello = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
  };
  const session = await send(`${gateway.mcp}/recorded`, hello, { key, headers });
  await send(
    `${gateway.mcp}/recorded`,
    { jsonrpc: '2.0', id: 2, method: 'tools/list' },
    { key, headers: { ...headers, 'mcp-session-id': String(session.headers['mcp-session-id'] ?? 'none') } },
  );
  await send(`${gateway.mcp}/recorded`, '{"jsonrpc":', { key, headers });
  await send(`${gateway.url}/v1/mcp/recorded/tools/call`, { tool: 'fail-upstream', arguments: {} }, { key, headers });
  await send(`${gateway.mcp}/recorded`, body, {
    headers: { ...callHeaders, ...headers, authorization: `Basic ${Buffer.from(`user:${key}`).toString('base64')}` },
  });

  // Keys and sessions, and the same with the registry out of reach: faults log more than good answers do.
  const made = await post(`${gateway.url}/v1/auth/keys`, { name: 'second', scopes: {} }, { key });
  const second = JSON.parse(made.text) as { key: { id: string; secret: string } };
  inbound['second key'] = second.key.secret;
  const rotated = await post(`${gateway.url}/v1/auth/keys/${second.key.id}/rotate`, {}, { key });
  inbound['rotated key'] = (JSON.parse(rotated.text) as typeof second).key.secret;
  for (const bearer of [inbound['second key'], inbound['rotated key']]) await send(`${gateway.mcp}/recorded`, body, { key: bearer, headers: callHeaders });
  const link = JSON.parse((await gateway.cli('admin', 'link', '-o', 'json')).stdout) as { url: string };
  inbound['second link'] = link.url.split('/').at(-1) ?? '';
  const opened = await post(gateway.adminLink ?? '');
  inbound['session'] = /session_[0-9A-Za-z]+/.exec(opened.headers['set-cookie']?.[0] ?? '')?.[0] ?? '';
  const cookie = { headers: { cookie: `gatewayops_session=${inbound['session']}` } };
  for (const path of ['/', '/v1/me', '/v1/auth/keys', '/v1/servers', '/v1/health']) await send(`${gateway.url}${path}`, undefined, cookie);
  await send(gateway.adminLink ?? '', undefined);
  for (const server of ['recorded', 'nowhere', 'program', 'broken']) await send(`${gateway.url}/v1/servers/${server}/test`, {}, { key });
  const registry = gatewayProcesses(gateway.pid).find(({ part }) => part === 'registry')?.pid ?? 0;
  process.kill(registry, 'SIGSTOP');
  try {
    expect((await send(link.url, undefined)).status).toBe(503);
    await send(`${gateway.url}/v1/me`, undefined, { key });
    await send(`${gateway.mcp}/recorded`, body, { key: (inbound['unknown key'] ?? '').replace(/.$/, '0'), headers: callHeaders });
  } finally {
    process.kill(registry, 'SIGCONT');
  }
  await until(async () => (await ledgerRows(gateway.stateFolder, "SELECT 1 FROM calls WHERE server = 'recorded' AND tool = 'fail-upstream'")).length > 0, {
    what: 'the rows',
    timeoutMs: 20_000,
  });
}

function found(places: readonly Place[], secrets: Readonly<Record<string, string>>): Finding[] {
  return findSecrets(places, secrets);
}

const configured = { 'upstream token': upstreamToken, 'program secret': programSecret };

describe('promise 10: no credential crosses', () => {
  test('the search itself finds what is there', () => {
    expect(Object.values(inbound).every((secret) => secret.length >= 30)).toBe(true);
    expect(
      found([{ name: 'stdout', content: gateway.stdout() }], { key: inbound['key'] ?? '', link: inbound['link'] ?? '' }).map(({ secret }) => secret),
    ).toEqual(['key', 'link']);
    expect(found([{ name: 'upstream', content: upstream.allBytes() }], configured).map(({ secret }) => secret)).toEqual(['upstream token']);
    // At this level faults are logged with their stacks.
    expect(gateway.stderr()).toMatch(/"route":"\/admin\/:token".*\\n +at /);
    expect(readFileSync(heardByProgram, 'utf8')).toContain('tools/call');
  });

  test('nothing that a client sent to prove itself reaches a server or a program', () => {
    const places = [{ name: 'what the server was sent', content: upstream.allBytes() }, { path: heardByProgram }];
    expect(existsSync(heardByProgram)).toBe(true);
    expect(found(places, inbound)).toEqual([]);
    expect(found(places.slice(1), configured)).toEqual([]);
    expect(found(places.slice(0, 1), { 'program secret': programSecret })).toEqual([]);
  });

  test('no log, answer or trace holds a secret', async () => {
    const [, ...laterLines] = gateway.stdout().split('\n');
    const window = new URLSearchParams({
      start_time: new Date(Date.now() - 600_000).toISOString(),
      end_time: new Date(Date.now() + 1_000).toISOString(),
      limit: '200',
    });
    const list = await post(`${gateway.url}/v1/traces?${window.toString()}`, undefined, { key: gateway.apiKey });
    const ids = (JSON.parse(list.text) as { traces: { id: string }[] }).traces.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(10);
    const traces = await Promise.all(ids.map((id) => post(`${gateway.url}/v1/traces/${id}`, undefined, { key: gateway.apiKey })));
    const rows = await ledgerRows(gateway.stateFolder, 'SELECT * FROM calls');
    const places = [
      { name: 'stdout after its first line', content: laterLines.join('\n') },
      { name: 'stderr', content: gateway.stderr() },
      { name: 'the rows of the ledger', content: JSON.stringify(rows) },
      { name: 'traces', content: [list, ...traces].map(({ text }) => text).join('\n') },
      ...answers,
    ];
    expect(found(places, { ...inbound, ...configured })).toEqual([]);
  });

  test('P5: no process has a secret in its command line, and only the program that was given one in its environment', () => {
    const members = gatewayProcesses(gateway.pid);
    const all = { ...inbound, ...configured };
    expect(
      found(
        members.map(({ pid, part }) => ({ name: `${part} ${pid} command line`, content: commandLineOf(pid) })),
        all,
      ),
    ).toEqual([]);
    const environments = members.map(({ pid, part }) => ({ part, name: `${part} ${pid} environment`, content: environmentOf(pid) }));
    // The supervisor was given the configured ones by whoever started it.
    expect(found(environments, inbound)).toEqual([]);
    const foreign = environments.filter(({ part }) => part !== 'supervisor');
    expect(new Set(foreign.map(({ part }) => part))).toEqual(new Set(['worker', 'registry', 'ledger', 'masking', 'bridge', 'child']));
    const given = found(foreign, configured);
    expect(given.length).toBeGreaterThan(0);
    expect(given.filter(({ place, secret }) => secret !== 'program secret' || !place.startsWith('child'))).toEqual([]);
    for (const { content } of foreign) expect(content).not.toContain('UNRELATED');
  });

  test('the state folder holds no secret in readable form, while it runs and after it has ended', async () => {
    const secrets = { ...inbound, ...configured };
    expect(found([{ path: gateway.stateFolder }], secrets)).toEqual([]);
    expect(await gateway.stop()).toBe(0);
    expect(found([{ path: gateway.stateFolder }, { name: 'stderr', content: gateway.stderr() }], secrets)).toEqual([]);
  });
});

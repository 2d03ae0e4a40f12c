/** A server of several targets, seen from its callers: what one target does is the others' and the callers' trouble as little as can be. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { UpstreamData } from '../../packages/gateway/src/snapshot/upstream-data.ts';
import { callTool, legacyBody, legacyVersion, mirrors, modernBody, post, postHeaders } from '../support/calls.ts';
import { journalRows } from '../support/journal-rows.ts';
import { requestBytes, sendRaw } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { empty, json, resetBeforeHeaders, when, type Reply } from '../support/replies.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

const names = ['alpha', 'beta', 'gamma'];
let servers: RecordingUpstream[];
let door: TestDoor | null = null;
beforeEach(async () => {
  servers = await Promise.all(names.map((name) => startRecordingUpstream(when((request) => request.body.includes('"initialize"'), opening(name)))));
});
afterEach(async () => {
  await door?.stop();
  await Promise.all(servers.map((server) => server.stop()));
});

function opening(session: string): Reply {
  const result = { protocolVersion: legacyVersion, capabilities: {}, serverInfo: { name: 's', version: '1' } };
  return json({ jsonrpc: '2.0', id: 0, result }, { headers: { 'mcp-session-id': `session-of-${session}` } });
}

const plain: Omit<UpstreamData, 'targets'> = {
  balance: 'round-robin',
  active: null,
  canary: null,
  connectTimeoutMs: 1_000,
  firstByteTimeoutMs: null,
  idleTimeoutMs: null,
  totalTimeoutMs: null,
  keepAliveMs: 60_000,
  queueMax: 100,
  retry: { triesMax: 3, budgetPercent: 10 },
  breaker: null,
  health: null,
};

async function open(more: Partial<UpstreamData> = {}): Promise<TestDoor> {
  const [first, ...others] = servers.map((server, index) => ({
    name: names[index] ?? '',
    origin: `http://127.0.0.1:${server.port}`,
    path: '/mcp',
    socketPath: null,
    weight: 1,
    tls: null,
  }));
  if (first === undefined) throw new Error('no target');
  return (door = await startDoor({ servers: [{ origin: first.origin, upstream: { ...plain, targets: [first, ...others], ...more } }] }));
}

const initialize = legacyBody('initialize', { protocolVersion: legacyVersion, capabilities: {}, clientInfo: { name: 't', version: '1' } }, 0);
const version = { 'MCP-Protocol-Version': legacyVersion };
const asked = (text: string): number[] => servers.map((server) => server.requests.filter(({ body }) => body.includes(text)).length);

describe('sessions of before 2026-07-28', () => {
  test('stay at the target that opened them, whatever else is called', async () => {
    const at = await open();
    const handles: string[] = [];
    for (let n = 0; n < 3; n++) handles.push((await post(at, initialize)).header('mcp-session-id') ?? '');
    expect(asked('"initialize"')).toEqual([1, 1, 1]);
    for (const [n, handle] of handles.entries()) {
      for (let call = 0; call < 4; call++) {
        const reply = await post(at, legacyBody('tools/call', { name: `tool-${n}` }), { ...version, 'Mcp-Session-Id': handle });
        expect(reply.status).toBe(200);
      }
      const places = asked(`tool-${n}`);
      expect(places.filter((count) => count > 0)).toEqual([4]);
      const place = servers[places.indexOf(4)];
      expect(new Set(place?.requests.filter(({ body }) => body.includes(`tool-${n}`)).flatMap((request) => request.header('mcp-session-id')))).toEqual(
        new Set([`session-of-${names[places.indexOf(4)]}`]),
      );
    }
  });

  test('end at their target, and are unknown when it is no longer configured', async () => {
    const at = await open();
    const handle = (await post(at, initialize)).header('mcp-session-id') ?? '';
    const place = asked('"initialize"').indexOf(1);
    servers[place]?.next(empty(200));
    const lines = postHeaders(at, { ...version, 'Mcp-Session-Id': handle, 'Content-Type': '' });
    expect((await sendRaw(at.port, requestBytes('DELETE /mcp/s1 HTTP/1.1', lines))).status).toBe(200);
    expect(servers[place]?.requests.at(-1)?.header('mcp-session-id')).toEqual([`session-of-${names[place]}`]);
  });
});

test('one of three targets that is down costs no caller a call, and the record says where each went and how often it was tried', async () => {
  await servers[1]?.stop();
  const at = await open();
  for (let n = 0; n < 9; n++) expect((await callTool(at)).status).toBe(200);
  expect(asked('tools/call').filter((count) => count > 0).length).toBe(2);
  const journal = await at.journal();
  expect([journal.includes('alpha'), journal.includes('gamma')]).toEqual([true, true]);
});

test('U4: a tool call that broke off is answered so; a list is asked for elsewhere', async () => {
  const at = await open();
  for (const server of servers) server.next(resetBeforeHeaders);
  expect((await callTool(at)).status).toBe(502);
  expect(asked('tools/call').reduce((sum, n) => sum + n)).toBe(1);
  expect((await post(at, modernBody('tools/list'), mirrors('tools/list'))).status).toBe(200);
  // At a target or two whose reset was still to come, then at the one that answers; nowhere twice.
  expect(Math.max(...asked('tools/list'))).toBe(1);
  expect(asked('tools/list').reduce((sum, n) => sum + n)).toBeGreaterThanOrEqual(2);
  const [broken, listed] = journalRows(await at.journal());
  // What was tried once has no list of tries.
  expect([broken?.['retries'], broken?.['tries']]).toEqual([0, '']);
  const tries = String(listed?.['tries'])
    .split('\n')
    .map((line) => /^(alpha|beta|gamma) (\d+) (\d+) (upstream_reset|answered)$/.exec(line) ?? []);
  expect(tries.map(([, , , , outcome]) => outcome)).toEqual([...tries.slice(1).map(() => 'upstream_reset'), 'answered']);
  expect([listed?.['retries'], listed?.['target'], new Set(tries.map(([, target]) => target)).size]).toEqual([
    tries.length - 1,
    tries.at(-1)?.[1],
    tries.length,
  ]);
  // One after the other, and the last until the first byte of the reply, which is when the stop `server` ends.
  const ends = tries.map(([, , at, us]) => Number(at) + Number(us));
  for (const [index, [, , at]] of tries.entries()) if (index > 0) expect(Number(at)).toBeGreaterThanOrEqual(ends[index - 1] ?? 0);
  const before = ['auth_us', 'access_us', 'limit_us', 'guard_us', 'server_us'].reduce((sum, name) => sum + Number(listed?.[name]), 0);
  expect(Math.abs((ends.at(-1) ?? 0) - before)).toBeLessThan(5);
});

test('a canary gets the calls with its header, which goes no further', async () => {
  const at = await open({ canary: { target: 'gamma', sharePercent: 0, header: { name: 'x-canary', value: 'yes' }, principals: [] } });
  await callTool(at, 'to-canary', {}, { 'X-Canary': 'yes' });
  await callTool(at, 'to-others', {}, { 'X-Canary': 'no' });
  await callTool(at, 'to-others');
  expect([asked('to-canary'), asked('to-others')]).toEqual([
    [0, 0, 1],
    [1, 1, 0],
  ]);
  // A REST caller is no other.
  const body = JSON.stringify({ tool: 'by-rest', arguments: {} });
  expect((await post(at, body, { 'X-Canary': 'yes' }, '/v1/mcp/s1/tools/call')).status).toBe(200);
  expect(asked('by-rest')).toEqual([0, 0, 1]);
  expect(servers[2]?.allBytes().toString().toLowerCase()).not.toContain('x-canary');
});

test('the record of a REST call names its target', async () => {
  const at = await open({ active: 'beta' });
  await post(at, JSON.stringify({ tool: 'echo', arguments: {} }), {}, '/v1/mcp/s1/tools/call');
  const journal = await at.journal();
  expect([journal.includes('beta'), journal.includes('alpha')]).toEqual([true, false]);
});

test('over the façade as well each try is in the record, also where none was answered', async () => {
  const at = await open();
  const call = (): Promise<{ readonly status: number }> => post(at, '{"tool":"echo","arguments":{}}', {}, '/v1/mcp/s1/tools/call');
  expect((await call()).status).toBe(200);
  await Promise.all(servers.map((server) => server.stop()));
  expect((await call()).status).toBe(502);
  const row = journalRows(await at.journal()).at(-1);
  expect(row).toMatchObject({ status: 'error', fault_code: 'upstream_unreachable', retries: 2 });
  const tries = String(row?.['tries']).split('\n');
  expect(tries.map((line) => line.replace(/ \d+ \d+ /, ' ')).toSorted()).toEqual(names.map((name) => `${name} upstream_unreachable`));
});

test('U3: a server of which no target takes calls is answered so at once, with the time to come back', async () => {
  const at = await open({ breaker: { failurePercent: 50, callsMin: 5, windowMs: 10_000, openMs: 30_000, probesMax: 1 } });
  for (const server of servers) server.reply = json({ error: 'x' }, { status: 500 });
  for (let n = 0; n < 15; n++) await callTool(at);
  const before = asked('tools/call');
  const refused = await callTool(at);
  expect(refused.status).toBe(503);
  expect(Number(refused.header('retry-after'))).toBeGreaterThan(20);
  expect(refused.body.toString()).toContain('upstream_unavailable');
  expect(asked('tools/call')).toEqual(before);
});

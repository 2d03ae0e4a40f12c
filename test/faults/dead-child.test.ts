/** A program behind the bridge that cannot be started, or ends in the midst of a call: said alike at every door, and sent nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { legacyBody, mirrors, modernBody, post } from '../support/calls.ts';
import { hostile, modern, ready, stopBridges, testBridge, type TestBridge } from '../support/bridge/bridge-client.ts';
import { until } from '../support/poll.ts';
import type { RawReply } from '../support/raw-client.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

let folder: string;
let door: TestDoor;
let everything: TestBridge;
let repaired: TestBridge;
const socketOf = (name: string): string => join(folder, `${name}.sock`);
/** One failure is a quarantine: the first caller sees what later ones see. */
const crashesMax = 1;
const restartsAtOnce = { crashesMax: 100, backoffMs: 1, backoffMsMax: 1 };
const tryOften = { quarantineMs: 200, quarantineMsMax: 200 };
const whileThere = (file: string, ...program: string[]): [string, ...string[]] => [
  '/bin/sh',
  '-c',
  'test -e "$1" || exit 3; shift; exec "$@"',
  'sh',
  file,
  ...program,
];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-dead-'));
  writeFileSync(join(folder, 'works'), '');
  const bridge = (name: string, command: [string, ...string[]], limits = {}): Promise<TestBridge> =>
    testBridge({ name, command, limits: { crashesMax, ...limits }, listen: { path: socketOf(name) } });
  everything = await bridge('everything', whileThere(join(folder, 'works'), 'mcp-server-everything'));
  repaired = await bridge('repaired', whileThere(join(folder, 'repaired'), ...hostile()), tryOften);
  const crash = await bridge('crash', hostile('exit'));
  await Promise.all([bridge('hostile', hostile(), restartsAtOnce), bridge('modern', modern(), restartsAtOnce)]);
  await ready(everything);
  await until(() => [crash, repaired].every(({ bridge: { ready: state } }) => state().status === 'quarantined'));
  const names = ['crash', 'repaired', 'hostile', 'modern', 'everything'];
  const endpoint = { name: '*', path: '/mcp', auth: 'apiKey', servers: ['everything', 'crash'], prefix: 'on-collision', nameCharsMax: 64 } as const;
  door = await startDoor({
    servers: names.map((name) => ({ name, origin: 'http://localhost', socketPath: socketOf(name), timeoutMs: 30_000 })),
    endpoints: [{ ...endpoint, clientNameCharsMax: {}, pageSize: 100, toolExposure: 'all', deadlineMs: 20_000, tools: null, resources: null, prompts: null }],
  });
});
afterAll(async () => {
  await door.stop();
  await stopBridges();
  rmSync(folder, { recursive: true, force: true });
});

function rest(server: string, tool: string, headers: Record<string, string> = {}): Promise<RawReply> {
  return post(door, JSON.stringify({ tool, arguments: {} }), headers, `/v1/mcp/${server}/tools/call`);
}

const callAsModern = (path: string, name: string): Promise<RawReply> =>
  post(door, modernBody('tools/call', { name, arguments: {} }), mirrors('tools/call', name), path);
const initialize = (path: string): Promise<RawReply> =>
  post(door, legacyBody('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }), {}, path);
const bodyOf = (reply: RawReply): Record<string, unknown> => JSON.parse(reply.body.toString()) as Record<string, unknown>;
const errorOf = (reply: RawReply): unknown => (bodyOf(reply)['error'] as { code?: unknown }).code;
const quarantined = (server: string): string =>
  `The MCP server ${server} is not ready: its process keeps failing and is in quarantine: it ended with exit code 3.`;

describe('a program that cannot be started', () => {
  test('is 503 with the time to wait, over REST as over MCP, and the record names the fault', async () => {
    const relayed = await initialize('/mcp/crash');
    const facade = await rest('crash', 'echo');
    const waits = [relayed, facade].map((reply) => Number(reply.header('retry-after')));
    expect([relayed.status, facade.status]).toEqual([503, 503]);
    for (const seconds of waits) expect([seconds > 50, seconds <= 60]).toEqual([true, true]);
    expect(bodyOf(facade)).toMatchObject({ error: 'upstream_unavailable', message: quarantined('crash'), retry_after: waits[1] });
    const journal = (await door.journal()).toString('latin1');
    expect([journal.split('upstream_unavailable').length - 1, journal.includes('mcp_error')]).toEqual([2, false]);
  });

  test('a call of 2026-07-28, too, is told at once and in the same words', async () => {
    const reply = await callAsModern('/mcp/crash', 'echo');
    expect([reply.status, errorOf(reply), reply.body.toString().includes(quarantined('crash'))]).toEqual([503, -31_503, true]);
    expect(Number(reply.header('retry-after'))).toBeGreaterThan(50);
  });

  test('nothing was sent, so its X-Request-ID is free: the call is made once the program runs', async () => {
    const id = { 'X-Request-ID': 'after-the-repair' };
    for (let tries = 0; tries < 2; tries++) {
      const refused = await rest('repaired', 'echo', id);
      expect([refused.status, refused.header('idempotent-replayed'), bodyOf(refused)['error']]).toEqual([503, null, 'upstream_unavailable']);
    }
    writeFileSync(join(folder, 'repaired'), '');
    await ready(repaired);
    const made = await rest('repaired', 'echo', id);
    expect([made.status, made.header('idempotent-replayed')]).toEqual([200, null]);
    expect((await rest('repaired', 'echo', id)).header('idempotent-replayed')).toBe('true');
  });
});

describe('a program that is gone after it was known', () => {
  test('is 503 with the time to wait at its own address and at that of many servers', async () => {
    const callEcho = (path: string): Promise<RawReply> =>
      post(door, modernBody('tools/call', { name: 'echo', arguments: { message: 'a' } }), mirrors('tools/call', 'echo'), path);
    for (const path of ['/mcp/everything', '/mcp']) expect((await callEcho(path)).body.toString()).toContain('Echo: a');
    rmSync(join(folder, 'works'));
    const { children } = everything.bridge.status() as { children: { pid: number }[] };
    for (const { pid } of children) process.kill(pid, 'SIGKILL');
    for (const path of ['/mcp/everything', '/mcp']) {
      const reply = await until(async () => {
        const asked = await callEcho(path);
        return asked.status === 503 ? asked : null;
      });
      expect([errorOf(reply), reply.body.toString()]).toEqual([-31_503, expect.stringContaining('in quarantine: it ')]);
      expect(Number(reply.header('retry-after'))).toBeGreaterThan(30);
    }
    const listed = await post(door, modernBody('tools/list'), mirrors('tools/list'), '/mcp');
    expect(listed.body.toString()).toContain('"server":"crash","reason":"upstream_unavailable"');
  });
});

describe('a program that ends in the midst of a call', () => {
  test.each([
    ['hostile', 'die'],
    ['hostile', 'log-and-die'],
    ['modern', 'die'],
  ])('%s, %s: is 502 upstream_reset, and its X-Request-ID keeps that answer: the call may have run', async (server, tool) => {
    const id = { 'X-Request-ID': `${server}-${tool}` };
    const first = await rest(server, tool, id);
    expect([first.status, bodyOf(first)['error']]).toEqual([502, 'upstream_reset']);
    const second = await rest(server, tool, id);
    expect([second.status, second.header('idempotent-replayed'), second.body.equals(first.body)]).toEqual([502, 'true', true]);
  });
});

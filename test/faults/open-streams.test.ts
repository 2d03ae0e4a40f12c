/** Streams that stay open: their number is bounded, silent ones are kept alive, and a worker that drains ends them well. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as Bounds from '../../packages/gateway/src/kernel/bounds.ts';
import { callTool, expectRefusal, legacyVersion, mirrors, modernBody, post, postBytes, postHeaders } from '../support/calls.ts';
import { journalRows } from '../support/journal-rows.ts';
import { membersRule } from '../support/members-rule.ts';
import { until } from '../support/poll.ts';
import { openRaw, requestBytes, type RawConnection } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { defaultReply, event, silence, stream } from '../support/replies.ts';
import { otherKey, startDoor, testKey, type TestDoor } from '../support/start-door.ts';

vi.mock('../../packages/gateway/src/kernel/bounds.ts', async (original) => {
  const { bounds } = await original<typeof Bounds>();
  return { bounds: { ...bounds, streamsPerPrincipalMax: 2, sseKeepAliveMs: 300 } };
});

let door: TestDoor;
let upstream: RecordingUpstream;
/** A server whose calls time out soon. At the other one none does while a test runs, however busy the machine is. */
const hasty = '/mcp/s2';
const hastyTimeoutMs = 400;
const patientTimeoutMs = 120_000;
const acknowledged = event({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications: {} } });

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  const origin = `http://127.0.0.1:${upstream.port}`;
  door = await startDoor({
    servers: [
      { origin, timeoutMs: patientTimeoutMs },
      { origin, timeoutMs: hastyTimeoutMs },
    ],
  });
});
afterEach(async () => {
  await door.stop();
  await upstream.stop();
});

async function listen(id: unknown = 1, key = testKey, path = '/mcp/s1'): Promise<RawConnection> {
  upstream.next(stream([acknowledged], 'open'));
  const connection = await openRaw(door.port);
  const headers = { ...mirrors('subscriptions/listen'), Authorization: `Bearer ${key}` };
  connection.write(postBytes(door, path, modernBody('subscriptions/listen', { notifications: {} }, id), headers));
  await until(() => connection.bytes().includes('acknowledged'));
  return connection;
}

async function getStream(): Promise<RawConnection> {
  upstream.next(stream([event({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })], 'open'));
  const connection = await openRaw(door.port);
  connection.write(
    requestBytes('GET /mcp/s1 HTTP/1.1', postHeaders(door, { 'MCP-Protocol-Version': legacyVersion, 'Content-Type': '', Accept: 'text/event-stream' })),
  );
  await until(() => connection.bytes().includes('list_changed'));
  return connection;
}

test('M27: one principal may hold so many streams; the next is 429, others are not touched, and one that ends makes room', async () => {
  const open = [await listen(), await getStream()];
  const hits = upstream.hits;
  const refused = await post(door, modernBody('subscriptions/listen', { notifications: {} }), mirrors('subscriptions/listen'));
  expect((await expectRefusal(door, refused, 429, upstream, hits))['error']).toMatchObject({ code: -31429, data: { code: 'too_many_streams' } });
  expect((await callTool(door)).status).toBe(200);
  expect((await callTool(door, 'echo', {}, { Authorization: `Bearer ${otherKey}` })).status).toBe(200);
  open[0]?.reset();
  await until(() => upstream.requests[0]?.abandoned, { what: 'the end of the first stream' });
  open.push(await listen());
  for (const connection of open) connection.destroy();
});

test('a silent stream stays open beyond the time-out of calls, with comments between its events', async () => {
  const connection = await listen(1, testKey, hasty);
  await until(() => /\n\n:\n\n:\n\n:\n\n/.test(connection.replies()[0]?.body.toString() ?? ''));
  expect(connection.isClosed).toBe(false);
  connection.destroy();
});

test('a call that is silent for longer than its time-out ends all the same', async () => {
  upstream.next(stream([event({ jsonrpc: '2.0', method: 'notifications/progress' })], 'open'));
  const reply = await post(door, modernBody('tools/call', { name: 'echo', arguments: {} }), mirrors('tools/call', 'echo'), hasty);
  expect([reply.complete, reply.body.toString()]).toEqual([false, expect.stringContaining('-31504')]);
});

test('L1: a worker that drains ends a listen with its result, a legacy stream at once, and lets calls finish', async () => {
  const listening = await listen('s-1');
  const legacy = await getStream();
  let release: () => void = () => undefined;
  upstream.next(async (request, socket) => {
    await new Promise<void>((resolve) => (release = resolve));
    await defaultReply(request, socket);
  });
  const hits = upstream.hits;
  const call = callTool(door);
  await upstream.received(hits + 1);
  const drained = door.door.drain(5_000);
  const last = await listening.reply();
  expect(last.complete).toBe(true);
  expect(JSON.parse(last.body.toString().trim().split('data: ').at(-1) ?? '')).toEqual({
    jsonrpc: '2.0',
    id: 's-1',
    result: { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': 's-1' } },
  });
  expect((await legacy.reply()).complete).toBe(true);
  release();
  expect((await call).status).toBe(200);
  await drained;
  await until(() => upstream.requests.slice(0, 2).every((request) => request.abandoned));
  for (const connection of [listening, legacy]) connection.destroy();
});

test('L1: a drain does not wait longer than its grace', async () => {
  upstream.reply = silence;
  const connection = await openRaw(door.port);
  connection.write(postBytes(door, '/mcp/s1', modernBody('subscriptions/listen'), mirrors('subscriptions/listen')));
  await upstream.received(1);
  const startedAt = performance.now();
  await door.door.drain(200);
  // What it did not wait for would have come after that.
  expect(performance.now() - startedAt).toBeLessThan(patientTimeoutMs / 4);
  connection.destroy();
});

test('T: streams and calls of a revoked key end, at the server too, and stand as refused; those of others go on', async () => {
  const hers = [await listen(), await getStream()];
  const others = await listen(2, otherKey);
  upstream.next(silence);
  const waiting = await openRaw(door.port);
  waiting.write(postBytes(door, '/mcp/s1', modernBody('tools/call', { name: 'echo', arguments: {} }), mirrors('tools/call', 'echo')));
  await upstream.received(4);
  door.revoke(testKey);
  await until(() => hers.every(({ isClosed }) => isClosed), { what: 'the end of the streams of the key' });
  expect((await waiting.reply()).status).toBe(401);
  await until(() => [0, 1, 3].every((index) => upstream.requests[index]?.abandoned === true), { what: 'the end of them at the server' });
  expect([others.isClosed, upstream.requests[2]?.abandoned]).toEqual([false, false]);
  await until(async () => journalRows(await door.journal()).length === 3, { what: 'their record' });
  expect(journalRows(await door.journal()).map(({ status, fault_code }) => [status, fault_code])).toEqual(
    Array.from({ length: 3 }, () => ['blocked', 'unauthorized']),
  );
  expect((await callTool(door)).status).toBe(401);
  for (const connection of [others, waiting]) connection.destroy();
});

test('D: a node that cannot confirm its view refuses calls, keeps what is open, and goes on when it can', async () => {
  const listening = await listen();
  door.setReadiness({ viewStale: true, ready: false });
  const refused = await callTool(door);
  expect([refused.status, refused.body.toString()]).toEqual([503, expect.stringContaining('view_stale')]);
  expect(listening.isClosed).toBe(false);
  door.setReadiness({ viewStale: false, ready: true });
  expect((await callTool(door)).status).toBe(200);
  listening.destroy();
});

test('T: a rule that comes ends the calls and streams that it forbids, and no others', async () => {
  const listening = await listen();
  upstream.next(silence);
  const waiting = await openRaw(door.port);
  waiting.write(postBytes(door, '/mcp/s1', modernBody('tools/call', { name: 'echo', arguments: {} }), mirrors('tools/call', 'echo')));
  await upstream.received(2);
  await door.setPolicies([membersRule, { ...membersRule, name: 'no-echo', effect: 'deny', tools: ['echo'] }]);
  expect((await waiting.reply()).status).toBe(403);
  expect(listening.isClosed).toBe(false);
  await door.setPolicies([]);
  await until(() => listening.isClosed, { what: 'the end of the stream' });
  waiting.destroy();
});

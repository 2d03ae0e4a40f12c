/** Streams that stay open: their number is bounded, silent ones are kept alive, and a worker that drains ends them well. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as Bounds from '../../packages/gateway/src/kernel/bounds.ts';
import { callTool, expectRefusal, legacyVersion, mirrors, modernBody, post, postBytes, postHeaders } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import { openRaw, requestBytes, type RawConnection } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { defaultReply, event, silence, stream } from '../support/replies.ts';
import { otherKey, startDoor, type TestDoor } from '../support/start-door.ts';

vi.mock('../../packages/gateway/src/kernel/bounds.ts', async (original) => {
  const { bounds } = await original<typeof Bounds>();
  return { bounds: { ...bounds, streamsPerPrincipalMax: 2, sseKeepAliveMs: 300 } };
});

let door: TestDoor;
let upstream: RecordingUpstream;
const acknowledged = event({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications: {} } });

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  door = await startDoor({ servers: [{ origin: `http://127.0.0.1:${upstream.port}`, timeoutMs: 400 }] });
});
afterEach(async () => {
  await door.stop();
  await upstream.stop();
});

async function listen(id: unknown = 1): Promise<RawConnection> {
  upstream.next(stream([acknowledged], 'open'));
  const connection = await openRaw(door.port);
  connection.write(postBytes(door, '/mcp/s1', modernBody('subscriptions/listen', { notifications: {} }, id), mirrors('subscriptions/listen')));
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
  await until(() => upstream.requests[0]?.abandoned, { timeoutMs: 1_000 });
  open.push(await listen());
  for (const connection of open) connection.destroy();
});

test('a silent stream stays open beyond the time-out of calls, with comments between its events', async () => {
  const connection = await listen();
  await until(() => /\n\n:\n\n:\n\n:\n\n/.test(connection.replies()[0]?.body.toString() ?? ''));
  expect(connection.isClosed).toBe(false);
  connection.destroy();
});

test('a call that is silent for longer than its time-out ends all the same', async () => {
  upstream.next(stream([event({ jsonrpc: '2.0', method: 'notifications/progress' })], 'open'));
  const reply = await callTool(door);
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
  expect(performance.now() - startedAt).toBeLessThan(1_500);
  connection.destroy();
});

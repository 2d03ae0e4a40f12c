/** Group H of the catalogue: peers that are slow to send or to read. The bounds are made short; what keeps them is the real thing. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type * as Bounds from '../../packages/gateway/src/kernel/bounds.ts';
import { callTool, expectHealthy, mirrors, modernBody, postBytes, postHeaders } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import { openRaw, requestBytes, type RawConnection } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { bigStream, result } from '../support/replies.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

vi.mock('../../packages/gateway/src/kernel/bounds.ts', async (original) => {
  const { bounds } = await original<typeof Bounds>();
  return { bounds: { ...bounds, headersTimeoutMs: 500, requestTimeoutMs: 1_000 } };
});

let door: TestDoor;
let upstream: RecordingUpstream;

beforeAll(async () => {
  upstream = await startRecordingUpstream();
  door = await startDoor({ servers: [{ origin: `http://127.0.0.1:${upstream.port}` }] });
  await callTool(door);
});
afterAll(async () => {
  await door.stop();
  await upstream.stop();
});

/** Writes a byte of the text every 100 ms until the peer closes. */
async function dripUntilClosed(connection: RawConnection, text: string): Promise<void> {
  for (let at = 0; !connection.isClosed && at < text.length; at++) {
    connection.write(text.slice(at, at + 1));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await connection.closed();
}

test('H10: headers that come byte by byte on 2,000 connections are cut with 408, while others are served', { timeout: 60_000 }, async () => {
  const slow: RawConnection[] = [];
  // Not more at a time than a backlog holds.
  while (slow.length < 2_000) slow.push(...(await Promise.all(Array.from({ length: 100 }, () => openRaw(door.port)))));
  const startedAt = performance.now();
  const dripping = Promise.all(slow.map((connection) => dripUntilClosed(connection, `GET /mcp/s1 HTTP/1.1\r\nX-Slow: ${'x'.repeat(200)}`)));
  for (let number = 0; number < 10; number++) expect((await callTool(door)).status).toBe(200);
  await dripping;
  // Node's own limit would be a minute.
  expect(performance.now() - startedAt).toBeLessThan(20_000);
  expect(slow.map((connection) => connection.replies()[0]?.status)).toEqual(slow.map(() => 408));
  for (const connection of slow) connection.destroy();
  await expectHealthy(door);
});

test('H11: a body that comes byte by byte gives 408, and the server is never asked', async () => {
  const hits = upstream.hits;
  const connection = await openRaw(door.port);
  const body = modernBody('tools/list');
  connection.write(requestBytes('POST /mcp/s1 HTTP/1.1', [...postHeaders(door, mirrors('tools/list')), `Content-Length: ${body.length}`]));
  await dripUntilClosed(connection, body);
  const reply = connection.replies()[0];
  expect([reply?.status, (JSON.parse(reply?.body.toString() ?? '{}') as { error?: string }).error]).toEqual([408, 'request_timeout']);
  expect(upstream.hits).toBe(hits);
  connection.destroy();
  await expectHealthy(door);
});

test('H12: a reader that stops holds the server back instead of filling memory, and is cut; the server is told', async () => {
  const hits = upstream.hits;
  const before = process.memoryUsage().rss;
  upstream.next(bigStream(256 * 1024 * 1024, 64 * 1024));
  const connection = await openRaw(door.port);
  connection.pause();
  connection.write(postBytes(door, '/mcp/s1', modernBody('tools/list'), mirrors('tools/list')));
  const request = await upstream.received(hits + 1);
  await until(() => request.abandoned, { timeoutMs: 8_000, what: 'the server to be cancelled' });
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  connection.destroy();
  await expectHealthy(door);
});

test('H12: one that only pauses gets every byte', async () => {
  upstream.next(bigStream(8 * 1024 * 1024, 64 * 1024));
  const connection = await openRaw(door.port);
  connection.write(postBytes(door, '/mcp/s1', modernBody('tools/list', {}, 77), mirrors('tools/list')));
  for (let pauses = 0; pauses < 3; pauses++) {
    const read = connection.bytes().length;
    // On a quick machine all of it is there before the last pause.
    await until(() => connection.bytes().length > Math.min(read, 8 * 1024 * 1024));
    connection.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    connection.resume();
  }
  const reply = await connection.reply(1, 20_000);
  expect(reply.complete).toBe(true);
  expect(reply.body.length).toBeGreaterThan(8 * 1024 * 1024);
  expect(reply.body.subarray(-200).toString()).toContain('"id":77,"result"');
  connection.destroy();
});

test('H12: whole replies that nobody reads do not hold their connection for ever', async () => {
  const open = (): Promise<number> =>
    new Promise((resolve, reject) => door.door.server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
  const connection = await openRaw(door.port);
  connection.pause();
  await until(async () => (await open()) === 1);
  upstream.reply = result('x'.repeat(15_000));
  const request = postBytes(door, '/mcp/s1', modernBody('tools/list'), mirrors('tools/list'));
  // Until the kernel takes no more: then a reply has ended that cannot leave.
  for (let hits = upstream.hits, stalled = false; !stalled; hits = upstream.hits) {
    for (let sent = 0; sent < 10; sent++) connection.write(request);
    stalled = await upstream.received(hits + 10, 500).then(
      () => false,
      () => true,
    );
  }
  await until(async () => (await open()) === 0, { timeoutMs: 8_000, what: 'the connection to be cut' });
  connection.destroy();
});

/** X-Request-ID on the façade: a call under one id is made once, whatever its caller does. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLegacyServer, expectHealthy, expectRefusal, modernServer, post, postBytes } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import { openRaw, type RawReply } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import * as replies from '../support/replies.ts';
import { otherKey, startDoor, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let upstream: RecordingUpstream;
let hits = 0;
const body = '{"tool":"t","arguments":{"a":1}}';

beforeAll(async () => {
  upstream = await startRecordingUpstream(modernServer());
  door = await startDoor({
    servers: [
      { origin: `http://127.0.0.1:${upstream.port}`, timeoutMs: 700 },
      { name: 'gone', origin: 'http://127.0.0.1:1' },
    ],
  });
  await call('warm-up');
});
beforeEach(() => {
  upstream.reply = modernServer();
  hits = upstream.hits;
});
afterAll(async () => {
  await expectHealthy(door);
  await door.stop();
  await upstream.stop();
});

function call(id: string, sent = body, headers: Record<string, string> = {}, path = '/v1/mcp/s1/tools/call'): Promise<RawReply> {
  return post(door, sent, { 'X-Request-ID': id, ...headers }, path);
}

const errorOf = (reply: RawReply): Record<string, unknown> => JSON.parse(reply.body.toString()) as Record<string, unknown>;

test('the answer is given again, byte for byte, and says so', async () => {
  const first = await call('again');
  const second = await call('again');
  expect([first.status, second.status, second.header('idempotent-replayed'), first.header('idempotent-replayed')]).toEqual([200, 200, 'true', null]);
  expect(second.body.equals(first.body)).toBe(true);
  expect([second.header('x-trace-id'), second.header('x-request-id')]).toEqual([first.header('x-trace-id'), 'again']);
  expect(upstream.hits).toBe(hits + 1);
});

test('another body or another operation under the same id is 422', async () => {
  await call('other');
  hits = upstream.hits;
  expect((await expectRefusal(door, await call('other', '{"tool":"t","arguments":{"a":2}}'), 422, upstream, hits))['error']).toBe('request_id_reused');
  expect((await expectRefusal(door, await call('other', '{}', {}, '/v1/mcp/s1/tools/list'), 422, upstream, hits))['error']).toBe('request_id_reused');
});

test('ids belong to their principal', async () => {
  await call('mine');
  const theirs = await call('mine', '{"tool":"u"}', { Authorization: `Bearer ${otherKey}` });
  expect([theirs.status, theirs.header('idempotent-replayed'), upstream.hits]).toEqual([200, null, hits + 2]);
});

test('of many at once exactly one is made; the others learn its trace', async () => {
  upstream.reply = modernServer(replies.after(200, replies.defaultReply));
  const answers = await Promise.all(Array.from({ length: 20 }, () => call('at-once')));
  // On a busy machine some come after the answer, and are given it again.
  const made = answers.filter((reply) => reply.status === 200 && reply.header('idempotent-replayed') === null);
  expect([made.length, upstream.hits]).toEqual([1, hits + 1]);
  for (const reply of answers.filter((answer) => answer.status !== 200)) {
    expect([reply.status, errorOf(reply)['error'], errorOf(reply)['trace_id']]).toEqual([409, 'request_in_flight', made[0]?.header('x-trace-id')]);
  }
});

describe('a call that may have been made is never made again', () => {
  test.each([
    ['a time-out', replies.silence, 504],
    ['a reset', replies.resetBeforeHeaders, 502],
    ['an error of the server', replies.json({ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'no' } }), 502],
  ])('%s is its answer', async (name, reply, status) => {
    upstream.reply = modernServer(reply);
    const first = await call(`failed ${name}`.replaceAll(' ', '-'));
    expect([first.status, upstream.hits]).toEqual([status, hits + 1]);
    upstream.reply = modernServer();
    const second = await call(`failed ${name}`.replaceAll(' ', '-'));
    expect([second.status, second.body.equals(first.body), upstream.hits]).toEqual([status, true, hits + 1]);
  });

  test('a caller who left comes back for the answer', async () => {
    upstream.reply = modernServer(replies.after(200, replies.result('for later')));
    const connection = await openRaw(door.port);
    connection.write(postBytes(door, '/v1/mcp/s1/tools/call', body, { 'X-Request-ID': 'comes-back' }));
    await upstream.received(hits + 1);
    connection.reset();
    const reply = await until(async () => {
      const again = await call('comes-back');
      return again.status === 200 ? again : null;
    });
    expect(reply.body.toString()).toContain('for later');
    expect(upstream.hits).toBe(hits + 1);
  });

  test('an answer that is too large to keep stays in flight: it is read by its trace', async () => {
    upstream.reply = modernServer(replies.result('x'.repeat(2 * 1024 * 1024)));
    const first = await call('too-large');
    expect(first.status).toBe(200);
    const second = await call('too-large');
    expect([second.status, errorOf(second)['trace_id'], upstream.hits]).toEqual([409, first.header('x-trace-id'), hits + 1]);
  });
});

test('where nothing was sent, the id is free again', async () => {
  for (let times = 0; times < 2; times++) expect((await call('unreachable', '{}', {}, '/v1/mcp/gone/tools/list')).status).toBe(502);
  door.setReadiness({ recordBlocked: true });
  expect((await call('blocked')).status).toBe(503);
  door.setReadiness({ recordBlocked: false });
  expect((await call('blocked')).status).toBe(200);
});

test('a server that fails at the greeting was not sent the call: the id is free', async () => {
  const starting = replies.json({ jsonrpc: '2.0', id: 1, error: { code: -32_000, message: 'starting' } }, { status: 503 });
  const late = await startRecordingUpstream(replies.scriptsEras(starting));
  const other = await startDoor({ servers: [{ origin: `http://127.0.0.1:${late.port}`, timeoutMs: 700 }] });
  try {
    const ask = (): Promise<RawReply> => post(other, body, { 'X-Request-ID': 'greeted' }, '/v1/mcp/s1/tools/call');
    const refused = await ask();
    expect([refused.status, errorOf(refused)['error']]).toEqual([502, 'mcp_error']);
    late.reply = createLegacyServer().reply();
    const made = await ask();
    expect([made.status, made.header('idempotent-replayed')]).toEqual([200, null]);
  } finally {
    await other.stop();
    await late.stop();
  }
});

test('an id that is no header value of 1 to 128 visible characters is refused', async () => {
  for (const id of ['a b', 'x'.repeat(129), 'ü']) expect((await expectRefusal(door, await call(id), 400, upstream, hits))['error']).toBe('invalid_request');
  expect((await call('x'.repeat(128))).status).toBe(200);
});

test("the record knows the call by the caller's own id", async () => {
  await call('id-in-the-journal');
  expect((await door.journal()).includes('id-in-the-journal')).toBe(true);
});

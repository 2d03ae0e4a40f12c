/** Group U of the catalogue: servers that break, stall, redirect or are not there. Nothing is sent twice and nothing half is shown as whole. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { callTool, expectHealthy, expectRefusal, mirrors, modernBody, post, postBytes, rpcCode } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import { openRaw } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import * as replies from '../support/replies.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let upstream: RecordingUpstream;
let hits = 0;
const secretText = 'SECRET-OF-UPSTREAM';

beforeAll(async () => {
  upstream = await startRecordingUpstream();
  const origin = `http://127.0.0.1:${upstream.port}`;
  door = await startDoor({
    servers: [
      { origin, timeoutMs: 600 },
      { name: 'gone', origin: 'http://127.0.0.1:1' },
      { name: 'nowhere', origin: 'http://no-such-host.invalid' },
      { name: 'socket', origin: 'http://localhost', socketPath: '/tmp/no/such/socket' },
      { name: 'narrow', origin, connectionsMax: 1, timeoutMs: 600 },
    ],
  });
});
beforeEach(() => {
  hits = upstream.hits;
});
afterAll(async () => {
  await door.stop();
  await upstream.stop();
});

/** The fault's code in a refusal that reached the server once, or not at all. */
async function fault(reply: replies.Reply, status: number): Promise<unknown> {
  upstream.next(reply);
  const answer = await callTool(door);
  const body = await expectRefusal(door, answer, status, upstream, hits + 1);
  hits = upstream.hits;
  expect(answer.header('x-trace-id')).toMatch(/^tr_[0-9a-f]{32}$/);
  return ((body['error'] as { data?: { code?: unknown } } | undefined)?.data ?? {}).code;
}

describe('U1 and U2: before the first byte', () => {
  test.each([
    ['a reset', replies.resetBeforeHeaders, 502, 'upstream_reset'],
    ['an orderly close', replies.closeBeforeHeaders, 502, 'upstream_reset'],
    ['silence', replies.silence, 504, 'mcp_timeout'],
    ['no HTTP', replies.garbage, 502, 'upstream_invalid'],
    ['an encoding that was not asked for', replies.gzip({ secretText }), 502, 'upstream_invalid'],
    ['HTML', replies.json(`<html>${secretText}</html>`, { headers: { 'content-type': 'text/html' } }), 502, 'upstream_invalid'],
    ['no content type', replies.bytes(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}`), 502, 'upstream_invalid'],
    ['a body that breaks off before a byte of it', replies.cut(100, 0, 'reset'), 502, 'upstream_reset'],
    [
      "a refusal of the gateway's credential",
      replies.json(secretText, { status: 401, headers: { 'www-authenticate': 'Bearer resource_metadata="http://inner/"' } }),
      502,
      'upstream_refused',
    ],
  ])('%s', async (_, reply, status, code) => expect(await fault(reply, status)).toBe(code));
});

describe('H14: a reply in an encoding is refused by its head: nothing of it is decoded, and the rest of it is not read', () => {
  // Ten thousand times as long when it is decoded, and far more than is relayed or kept.
  const bomb = gzipSync(gzipSync(Buffer.alloc(64 * 1024 * 1024)));

  test.each(['gzip', 'br', 'deflate', 'zstd', 'gzip, gzip', 'identity, gzip', 'GZIP', 'x-unknown'])('%s', async (encoding) => {
    let isAbandoned = false;
    const reply: replies.Reply = async (request, socket) => {
      socket.on('close', () => (isAbandoned = true));
      await replies.bytes(
        Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: ${encoding}\r\ncontent-length: 1000000000\r\n\r\n`),
          bomb,
        ]),
      )(request, socket);
    };
    const before = process.memoryUsage().rss;
    expect(await fault(reply, 502)).toBe('upstream_invalid');
    await until(() => isAbandoned, { what: 'the end of the connection' });
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('U1 and U2: after the first byte', () => {
  test.each([
    ['a reset', replies.cut(200_000, 150_000, 'reset')],
    ['an end before Content-Length', replies.cut(200_000, 150_000, 'end')],
    ['silence', replies.cut(200_000, 150_000, 'stall')],
    ['a chunked body without its last chunk', replies.stream(['{"a":', '1'], 'cut', { 'content-type': 'application/json' })],
    ['a stream cut in the midst of an event', replies.stream([replies.event({ a: 1 }), 'data: {"jsonrpc"'], 'reset')],
  ])('%s: cut, never shown as whole', async (_, reply) => {
    upstream.next(reply);
    const answer = await callTool(door);
    expect([answer.status, answer.complete]).toEqual([200, false]);
    expect(upstream.hits).toBe(hits + 1);
    await expectHealthy(door);
  });

  test.each([
    ['a reset', 'reset', -31502],
    ['an end', 'cut', -31502],
    ['silence', 'open', -31504],
  ] as const)('%s between two events: an error event, then cut', async (_, end, code) => {
    upstream.next(replies.stream([replies.event({ jsonrpc: '2.0', method: 'notifications/progress', params: {} })], end));
    const answer = await callTool(door);
    expect([answer.status, answer.complete]).toEqual([200, false]);
    const last = answer.body.toString().split('data: ').at(-1) ?? '';
    expect(JSON.parse(last)).toMatchObject({ id: 1, error: { code } });
    expect(last).not.toContain('127.0.0.1');
    await expectHealthy(door);
  });
});

describe('U3: errors of the server', () => {
  test('429 and 503 pass with Retry-After, their prose stays here', async () => {
    upstream.next(replies.json(secretText, { status: 429, headers: { 'content-type': 'text/plain', 'retry-after': '7' } }));
    const limited = await callTool(door);
    expect([limited.status, limited.header('retry-after'), limited.body.length]).toEqual([429, '7', 0]);
    upstream.next(replies.json(secretText, { status: 503, headers: { 'content-type': 'text/html', 'retry-after': '9' } }));
    const busy = await callTool(door);
    expect(rpcCode(await expectRefusal(door, busy, 502, upstream, hits + 2))).toBe(-31502);
    expect(busy.header('retry-after')).toBe('9');
  });

  test('a JSON-RPC error passes as it is, with its status', async () => {
    const body = '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown tool: x","data":{"n":9007199254740993}}}';
    for (const status of [200, 400, 404, 500]) {
      upstream.next(replies.json(body, { status }));
      const reply = await callTool(door);
      expect([reply.status, reply.body.toString()]).toEqual([status, body]);
    }
  });

  test('one failing server touches no other', async () => {
    await Promise.all(Array.from({ length: 20 }, () => post(door, modernBody('tools/list'), mirrors('tools/list'), '/mcp/gone')));
    expect((await callTool(door)).status).toBe(200);
  });
});

describe('U4: at most once', () => {
  test('a call that fails on a kept connection, with nothing answered, is not made again', async () => {
    expect((await callTool(door)).status).toBe(200);
    for (const reply of [replies.resetBeforeHeaders, replies.closeBeforeHeaders]) {
      hits = upstream.hits;
      expect(await fault(reply, 502)).toBe('upstream_reset');
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(upstream.hits).toBe(hits);
    }
  });

  test('of many calls into a server that resets every other connection, each arrives at most once', async () => {
    upstream.reply = (request, socket) => (request.connection % 2 === 0 ? replies.resetBeforeHeaders : replies.defaultReply)(request, socket);
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    const statuses = await Promise.all(numbers.map(async (number) => (await callTool(door, 'echo', { unique: `call-${number}-` })).status));
    upstream.reply = replies.defaultReply;
    const arrived = upstream.requests.slice(hits).map((request) => /call-\d+-/.exec(request.body.toString())?.[0]);
    expect(new Set(arrived).size).toBe(arrived.length);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
    expect(statuses.every((status) => status === 200 || status === 502)).toBe(true);
  });
});

test('U7: a redirect is not followed and not shown, whatever it says', async () => {
  for (const status of [300, 301, 302, 303, 304, 307, 308]) {
    for (const location of [`http://127.0.0.1:${upstream.port}/mcp`, '/mcp', 'http://169.254.169.254/']) {
      expect(await fault(replies.redirect(location, status), 502)).toBe('upstream_redirect');
    }
  }
});

describe('servers that cannot be reached', () => {
  test.each([
    ['gone', 502, 'upstream_unreachable'],
    ['nowhere', 502, 'upstream_unreachable'],
    ['socket', 502, 'upstream_unreachable'],
  ])('U6: %s gives %i within 5 s, without its address', async (name, status, code) => {
    const startedAt = performance.now();
    const reply = await post(door, modernBody('tools/list'), mirrors('tools/list'), `/mcp/${name}`);
    const body = await expectRefusal(door, reply, status, upstream, hits);
    expect(body['error']).toMatchObject({ data: { code } });
    expect(JSON.stringify(body)).not.toMatch(/no-such-host|127\.0\.0\.1|such\/socket/);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test('calls that wait for a connection get their answer when the time is over', async () => {
    const { reply: usual } = upstream;
    upstream.reply = replies.silence;
    const waiting = await Promise.all(Array.from({ length: 3 }, () => post(door, modernBody('tools/list'), mirrors('tools/list'), '/mcp/narrow')));
    upstream.reply = usual;
    // The first waits for its reply; of the others one may still get its connection just before its own time is over.
    const statuses = waiting.map((reply) => reply.status);
    expect(statuses).toContain(504);
    expect(statuses.every((status) => status === 503 || status === 504)).toBe(true);
    await expectHealthy(door);
  });
});

describe('U9: the client leaves', () => {
  test.each([
    ['before the reply', replies.silence],
    ['in a stream', replies.stream([replies.event({ a: 1 })], 'open')],
    ['in a body', replies.cut(1_000_000, 500_000, 'stall')],
  ])('%s: the server is told within a second', async (_, reply) => {
    upstream.next(reply);
    const connection = await openRaw(door.port);
    connection.write(postBytes(door, '/mcp/s1', modernBody('tools/call', { name: 'echo' }), mirrors('tools/call', 'echo')));
    const request = await upstream.received(hits + 1);
    connection.reset();
    await until(() => request.abandoned, { timeoutMs: 1_000 });
    await expectHealthy(door);
  });
});

test('a 202 or 204 with a body cannot write the next reply of the connection', async () => {
  const smuggled = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled';
  for (const status of [202, 204]) {
    const chunked = `HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
    for (const raw of [chunked, `HTTP/1.1 ${status} X\r\ncontent-length: ${smuggled.length}\r\n\r\n${smuggled}`]) {
      upstream.next(replies.bytes(raw));
      const connection = await openRaw(door.port);
      connection.write(postBytes(door, '/mcp/s1', '{"jsonrpc":"2.0","method":"notifications/initialized"}'));
      expect([(await connection.reply()).status, (await connection.reply()).body.length]).toEqual([status, 0]);
      connection.write(postBytes(door, '/mcp/s1', modernBody('tools/list'), mirrors('tools/list')));
      const second = await connection.reply(2);
      expect([second.status, second.body.toString()]).toEqual([200, expect.stringContaining('"result"')]);
      expect(connection.bytes().toString()).not.toContain('smuggled');
      connection.destroy();
    }
  }
});

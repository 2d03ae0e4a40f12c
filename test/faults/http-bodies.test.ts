/** Group H of the catalogue: bodies that must not pass, and several requests in one go. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { callTool, expectRefusal, mirrors, modernBody, post, postBytes, postHeaders, rpcCode } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import { openRaw, requestBytes, sendRaw, type RawReply } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { after, defaultReply } from '../support/replies.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let upstream: RecordingUpstream;
let hits = 0;
const body = modernBody('tools/list');
const listMirrors = mirrors('tools/list');

beforeAll(async () => {
  upstream = await startRecordingUpstream();
  door = await startDoor({ servers: [{ origin: `http://127.0.0.1:${upstream.port}` }] });
  await callTool(door);
});
beforeEach(() => {
  hits = upstream.hits;
});
afterAll(async () => {
  await door.stop();
  await upstream.stop();
});

const list = (headers: Record<string, string>, sent: string | Buffer = body): Promise<RawReply> => post(door, sent, { ...listMirrors, ...headers });

describe('H13: bodies over the limit', () => {
  const limit = 4 * 1024 * 1024;
  test('with a Content-Length: 413 before a byte of it is read', async () => {
    const reply = await sendRaw(door.port, requestBytes('POST /mcp/s1 HTTP/1.1', [...postHeaders(door, listMirrors), `Content-Length: ${limit + 1}`]));
    await expectRefusal(door, reply, 413, upstream, hits);
    expect(reply.header('connection')).toBe('close');
  });

  test('in chunks: 413 at the first byte too many, and the connection is closed', async () => {
    const connection = await openRaw(door.port);
    connection.write(requestBytes('POST /mcp/s1 HTTP/1.1', [...postHeaders(door, listMirrors), 'Transfer-Encoding: chunked']));
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(0x100000, ' '), Buffer.from('\r\n')]);
    for (let sent = 0; sent < 4; sent++) connection.write(chunk);
    connection.write('1\r\n');
    expect(connection.replies()).toEqual([]);
    connection.write(' \r\n');
    await expectRefusal(door, await connection.reply(), 413, upstream, hits);
    await connection.closed(5_000);
    connection.destroy();
  });

  test('a client that goes on sending still gets to read its 413', async () => {
    const connection = await openRaw(door.port);
    connection.write(requestBytes('POST /mcp/s1 HTTP/1.1', [...postHeaders(door, listMirrors), `Content-Length: ${64 * 1024 * 1024}`]));
    for (let sent = 0; sent < 64 && !connection.isClosed; sent++) connection.write(Buffer.alloc(256 * 1024, ' '));
    await expectRefusal(door, await connection.reply(), 413, upstream, hits);
    connection.destroy();
  });
});

describe('H14 and H16: the body is JSON and says so', () => {
  test.each(['gzip', 'br', 'identity', 'deflate, gzip', ''])('H14: Content-Encoding %j gives 415', async (encoding) => {
    const headers = [...postHeaders(door, listMirrors), `Content-Encoding: ${encoding}`];
    const sent = encoding === 'gzip' ? gzipSync(body) : Buffer.from(body);
    const reply = await sendRaw(door.port, requestBytes('POST /mcp/s1 HTTP/1.1', [...headers, `Content-Length: ${sent.length}`], sent));
    await expectRefusal(door, reply, 415, upstream, hits);
  });

  const wrong = [
    'application/json\t;a',
    'application/json;',
    'application/json; charset=utf-16',
    'application/json; charset=utf-8; a=b',
    'application/jsonx',
    'text/json',
    'text/plain',
    'text/plain; application/json',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'application/json, text/plain',
  ];
  test.each(wrong)('H16: Content-Type %j gives 415', async (type) => {
    await expectRefusal(door, await list({ 'Content-Type': type }), 415, upstream, hits);
    await expectRefusal(door, await post(door, '{}', { 'Content-Type': type }, '/v1/mcp/s1/tools/list'), 415, upstream, hits);
  });

  test('H16: no Content-Type gives 415', async () => {
    await expectRefusal(door, await list({ 'Content-Type': '' }), 415, upstream, hits);
  });

  test.each([
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json ; charset="UTF-8"',
  ])('H16: %s is accepted', async (type) => {
    expect((await list({ 'Content-Type': type })).status).toBe(200);
  });
});

describe('H15: UTF-8 or nothing', () => {
  const text = body.replace('tools/list', 'tools/list\u00e9');
  const cases: Record<string, Buffer> = {
    'Latin-1': Buffer.from(text, 'latin1'),
    'a byte order mark': Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(body)]),
    'UTF-16': Buffer.from(body, 'utf16le'),
    'UTF-16 with its mark': Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(body, 'utf16le')]),
    'an overlong form': Buffer.concat([Buffer.from(body.slice(0, -1)), Buffer.from([0xc0, 0x80]), Buffer.from('}')]),
    'an encoded surrogate': Buffer.concat([Buffer.from('{"jsonrpc":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
  };
  test.each(Object.entries(cases))('%s gives -32700', async (_, sent) => {
    expect(rpcCode(await expectRefusal(door, await list({}, sent), 400, upstream, hits))).toBe(-32700);
  });
});

describe('H19: requests in one go are answered in order, and nothing behind the first bad one is served', () => {
  test('a broken request behind slow good ones is answered after them', async () => {
    upstream.next(after(150, defaultReply));
    const connection = await openRaw(door.port);
    connection.write(
      Buffer.concat([
        postBytes(door, '/mcp/s1', modernBody('tools/list', {}, 11), listMirrors),
        postBytes(door, '/mcp/s1', modernBody('tools/list', {}, 12), listMirrors),
        Buffer.from('BAD\r\n\r\n'),
        postBytes(door, '/mcp/s1', modernBody('tools/list', {}, 13), listMirrors),
      ]),
    );
    await connection.closed();
    const replies = connection.replies();
    expect(replies.map((reply) => [reply.status, reply.complete])).toEqual([
      [200, true],
      [200, true],
      [400, true],
    ]);
    expect(replies.slice(0, 2).map((reply) => (JSON.parse(reply.body.toString()) as { id: number }).id)).toEqual([11, 12]);
    expect(upstream.hits).toBe(hits + 2);
    connection.destroy();
  });

  test('a request behind one with a doubled header is not served', async () => {
    const connection = await openRaw(door.port);
    const doubled = requestBytes(
      'POST /mcp/s1 HTTP/1.1',
      [...postHeaders(door, listMirrors), 'authorization: Bearer other', `Content-Length: ${body.length}`],
      body,
    );
    connection.write(Buffer.concat([postBytes(door, '/mcp/s1', body, listMirrors), doubled, postBytes(door, '/mcp/s1', body, listMirrors)]));
    await connection.reply(2);
    await connection.closed();
    expect(connection.replies().map((reply) => reply.status)).toEqual([200, 400]);
    expect(upstream.hits).toBe(hits + 1);
    connection.destroy();
  });

  test('a connection may have only so many requests waiting', async () => {
    upstream.next(after(500, defaultReply));
    const connection = await openRaw(door.port);
    connection.write(Buffer.concat(Array.from({ length: 40 }, () => postBytes(door, '/mcp/s1', body, listMirrors))));
    await connection.closed();
    expect(connection.replies()).toEqual([]);
    expect(upstream.hits).toBeLessThanOrEqual(hits + 1);
    connection.destroy();
  });

  test('requests that wait behind another one end with their connection', async () => {
    upstream.next(after(300, defaultReply));
    const connection = await openRaw(door.port);
    connection.write(Buffer.concat([postBytes(door, '/mcp/s1', body, listMirrors), postBytes(door, '/mcp/s1', body, listMirrors)]));
    await upstream.received(hits + 1);
    connection.destroy();
    await until(() => upstream.requests[hits]?.abandoned);
    expect((await list({})).status).toBe(200);
    expect(upstream.hits).toBe(hits + 2);
  });

  test('each has a request id of its own', async () => {
    const connection = await openRaw(door.port);
    connection.write(
      Buffer.concat([
        postBytes(door, '/mcp/s1', body, listMirrors),
        postBytes(door, '/mcp/s1', '{', listMirrors),
        postBytes(door, '/mcp/s1', body, listMirrors),
      ]),
    );
    await connection.reply(3);
    expect(connection.replies().map((reply) => reply.status)).toEqual([200, 400, 200]);
    expect(new Set(connection.replies().map((reply) => reply.header('x-request-id'))).size).toBe(3);
    connection.destroy();
  });
});

/** What is relayed arrives as it was sent: both ways, both eras, JSON and streams, in whatever pieces it comes. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { callTool, expectHealthy, legacyBody, legacyVersion, mirrors, modernBody, modernMeta, post, postBytes } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import { openRaw, requestBytes, sendRaw } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { bigStream, bytes, defaultReply, event, json, stream } from '../support/replies.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let upstream: RecordingUpstream;
const meta = JSON.stringify(modernMeta);
const legacy = { 'MCP-Protocol-Version': legacyVersion };

beforeAll(async () => {
  upstream = await startRecordingUpstream();
  door = await startDoor({ servers: [{ origin: `http://127.0.0.1:${upstream.port}`, timeoutMs: 20_000 }] });
  await callTool(door);
});
beforeEach(() => {
  upstream.forget();
  upstream.reply = defaultReply;
});
afterAll(async () => {
  await expectHealthy(door);
  await door.stop();
  await upstream.stop();
});

/** Every content type of MCP, unknown members at every level, numbers and text that do not survive a parse. */
const odd = `{ "jsonrpc" : "2.0",\t"id":1, "result":{"z":1,"a":2,"resultType":"complete","structuredContent":{"n":123456789012345678901234567890,"neg":-0,"e":1.0E+2,"dup":1,"dup":2,"deep":${'['.repeat(200)}${']'.repeat(200)}},
 "content":[{"type":"text","text":"caf\\u00e9 \\ud83d\\ude00 \u{1f600} \\u2028 \\/ \\u0000","annotations":{"audience":["user"],"priority":0.10,"x":null}},
  {"type":"image","data":"iVBORw0KGgo=","mimeType":"image/png"},{"type":"audio","data":"UklGRg==","mimeType":"audio/wav"},
  {"type":"resource_link","uri":"file:///a%20b","name":"a","size":9007199254740993},{"type":"resource","resource":{"uri":"x:y","blob":"AA==","_meta":{"k":[]}}},{"type":"hologram","unknown":{}}],
 "isError":false,"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"},"com.example/x":[1,[2]],"__proto__":{"a":1}},"nextCursor":""},"unknown":{"member":true} }\r\n`;

describe('a reply of JSON', () => {
  test.each([
    ['modern', mirrors('tools/call', 'echo'), modernBody('tools/call', { name: 'echo' })],
    ['legacy', legacy, legacyBody('tools/call', { name: 'echo' })],
  ])('%s: every byte as the server wrote it, with a length, in chunks, or to the end of the connection', async (_, headers, body) => {
    const length = Buffer.byteLength(odd);
    const half = Buffer.from(odd).subarray(0, 333);
    const rest = Buffer.from(odd).subarray(333);
    const chunked = Buffer.concat([
      Buffer.from(`${half.length.toString(16)};ext=1\r\n`),
      half,
      Buffer.from(`\r\n${rest.length.toString(16)}\r\n`),
      rest,
      Buffer.from('\r\n0\r\nx-trailer: 1\r\n\r\n'),
    ]);
    const variants: [string, Buffer, 'keep' | 'end'][] = [
      [`content-length: ${length}`, Buffer.from(odd), 'keep'],
      ['transfer-encoding: chunked', chunked, 'keep'],
      ['connection: close', Buffer.from(odd), 'end'],
    ];
    for (const [line, raw, end] of variants) {
      upstream.next(bytes(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\n${line}\r\n\r\n`), raw]), end));
      const reply = await post(door, body, headers);
      expect([reply.status, reply.complete, reply.header('content-type')]).toEqual([200, true, 'application/json; charset=utf-8']);
      expect(reply.body.toString()).toBe(odd);
      expect(reply.header('content-length')).toBe(line.startsWith('content-length') ? String(length) : null);
    }
  });

  test('of no bytes, of one byte, and of 16 MiB', async () => {
    for (const size of [0, 1, 65_536, 16 * 1024 * 1024]) {
      const body = Buffer.alloc(size, 'x');
      upstream.next(json(body));
      const reply = await callTool(door);
      expect([reply.complete, reply.body.length, reply.body.equals(body)]).toEqual([true, size, true]);
    }
  });

  test('with any status that MCP may answer', async () => {
    for (const status of [200, 201, 400, 403, 404, 409, 429, 500, 503]) {
      upstream.next(json(odd, { status, headers: { 'retry-after': '3', 'cache-control': 'no-store' } }));
      const reply = await callTool(door);
      expect([reply.status, reply.body.toString(), reply.header('retry-after'), reply.header('cache-control')]).toEqual([status, odd, '3', 'no-store']);
    }
  });

  test('to a client of HTTP/1.0, and to one that asks for the connection to be closed', async () => {
    upstream.reply = stream([odd], 'end', { 'content-type': 'application/json' });
    const plain = postBytes(door, '/mcp/s1', modernBody('tools/call', { name: 'echo' }), mirrors('tools/call', 'echo'));
    for (const raw of [plain.toString().replace('HTTP/1.1', 'HTTP/1.0'), plain.toString().replace('\r\n', '\r\nConnection: close\r\n')]) {
      const connection = await openRaw(door.port);
      connection.write(Buffer.from(raw));
      await connection.closed();
      expect(connection.replies().map((reply) => [reply.status, reply.body.toString()])).toEqual([[200, odd]]);
      connection.destroy();
    }
  });
});

describe('a request', () => {
  test('reaches the server byte by byte as it was sent, however it came', async () => {
    const args = `{ "z":1, "a" : [ 1.0 , 123456789012345678901234567890, -0.0, 1e400 ], "dup":1,"dup":2, "s":"caf\\u00e9 \u{1f600} \\ud800 \\/", "":{"__proto__":1} }`;
    const body = `\r\n { "params":{"unknown":{"x":1},"arguments":${args},"_meta":${meta},"name":"echo"} ,\t"method":"tools/call", "id" : 1, "jsonrpc":"2.0", "extra":[] }\n\n`;
    const raw = Buffer.from(body);
    const headers = postBytes(door, '', '', mirrors('tools/call', 'echo')).toString().split('\r\n').slice(1, -3);
    const chunked = [...raw].map((byte) => Buffer.concat([Buffer.from('1\r\n'), Buffer.from([byte]), Buffer.from('\r\n')]));
    const reply = await sendRaw(
      door.port,
      requestBytes('POST /mcp/s1 HTTP/1.1', [...headers, 'Transfer-Encoding: chunked'], Buffer.concat([...chunked, Buffer.from('0\r\n\r\n')])),
    );
    expect(reply.status).toBe(200);
    expect((await callTool(door)).status).toBe(200);
    expect(upstream.requests[0]?.body.equals(raw)).toBe(true);
    expect(upstream.requests[0]?.header('content-length')).toEqual([String(raw.length)]);
    const connection = await openRaw(door.port);
    for (const byte of postBytes(door, '/mcp/s1', body, mirrors('tools/call', 'echo'))) connection.write(Buffer.from([byte]));
    expect((await connection.reply()).status).toBe(200);
    expect(upstream.requests[2]?.body.equals(raw)).toBe(true);
    connection.destroy();
  });
});

describe('a stream', () => {
  const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

  test('every byte of it, in whatever pieces the server sends and whatever it is made of', async () => {
    const line = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 80 }).map((text) => `data: ${JSON.stringify(text)}`),
      fc.constantFrom(':', ': comment', 'event: message', 'retry: 10', 'id: 1', 'id', 'id:', 'i', 'data', 'data:', 'unknown: x', 'data: \u2028', ''),
    );
    const text = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\n\n', '\r\n', '\r\n\r\n')), { maxLength: 40 })
      .map((lines) => lines.map((parts) => parts.join('')).join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }), fc.boolean(), async (whole, sizes, isModern) => {
        const raw = Buffer.from(`${whole}\n\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n`);
        const pieces: Buffer[] = [];
        for (let at = 0, turn = 0; at < raw.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          pieces.push(raw.subarray(at, at + size));
          at += size;
        }
        upstream.next(stream(pieces));
        const reply = isModern ? await callTool(door) : await post(door, legacyBody('tools/call', { name: 'echo' }), legacy);
        expect(reply.complete).toBe(true);
        // A legacy stream can be resumed: its event ids come back signed, and nothing else is touched.
        const plain = isModern ? reply.body.toString() : reply.body.toString().replace(/^(id: [^\r\n.]*)\.[\w-]{16}(\r?)$/gm, '$1$2');
        expect(isModern ? plain : plain.replaceAll(/^id: ?/gm, 'id: ')).toBe(isModern ? raw.toString() : raw.toString().replaceAll(/^id: ?/gm, 'id: '));
      }),
      { numRuns: 60 },
    );
  });

  test('of 16 MiB in many events', async () => {
    const sent: Buffer[] = [];
    upstream.next(async (request, socket) => {
      const write = socket.write.bind(socket);
      socket.write = (data: Buffer | string, ...more: []) => {
        sent.push(Buffer.from(data as string));
        return write(data, ...more);
      };
      await bigStream(16 * 1024 * 1024, 50_000)(request, socket);
    });
    const reply = await callTool(door);
    const chunks = Buffer.concat(sent).subarray(Buffer.concat(sent).indexOf('\r\n\r\n') + 4);
    const plain: Buffer[] = [];
    for (let at = 0; at < chunks.length;) {
      const end = chunks.indexOf('\r\n', at);
      const size = Number.parseInt(chunks.toString('latin1', at, end), 16);
      plain.push(chunks.subarray(end + 2, end + 2 + size));
      at = end + 4 + size;
    }
    expect(reply.complete).toBe(true);
    expect([reply.body.length, digest(reply.body)]).toEqual([Buffer.concat(plain).length, digest(Buffer.concat(plain))]);
  });

  test('an event is passed on as soon as it comes, not when the next one does', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    async function* steps(): AsyncGenerator<string> {
      yield event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } });
      await held;
      yield event({ jsonrpc: '2.0', id: 1, result: {} });
    }
    upstream.next(stream(steps()));
    const connection = await openRaw(door.port);
    connection.write(postBytes(door, '/mcp/s1', modernBody('tools/call', { name: 'echo' }), mirrors('tools/call', 'echo')));
    await until(() => connection.bytes().includes('"progress":1'));
    expect(connection.replies()[0]?.header('x-accel-buffering')).toBe('no');
    release();
    expect((await connection.reply()).body.toString()).toContain('"result"');
    connection.destroy();
  });
});

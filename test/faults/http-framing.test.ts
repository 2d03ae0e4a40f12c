/** Group H of the catalogue: what is no proper HTTP is refused at the edge, and nothing of it reaches a server. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { callTool, expectRefusal, mirrors, modernBody, postHeaders } from '../support/calls.ts';
import { openRaw, requestBytes, sendRaw } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
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

const openConnections = (): Promise<number> =>
  new Promise((resolve, reject) => door.door.server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
const head = (...lines: string[]): string[] => [...postHeaders(door, listMirrors), ...lines];
const length = `Content-Length: ${Buffer.byteLength(body)}`;

describe('H1: a message whose length is in doubt is refused and its connection closed', () => {
  const chunked = (text: string): [string[], string] => [['Transfer-Encoding: chunked'], text];
  const cases: Record<string, [string[], string]> = {
    'Content-Length and Transfer-Encoding': [[length, 'Transfer-Encoding: chunked'], `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`],
    'Transfer-Encoding: xchunked': [['Transfer-Encoding: xchunked'], `5\r\nabcde\r\n0\r\n\r\n`],
    'Transfer-Encoding: chunked, identity': [['Transfer-Encoding: chunked, identity'], `5\r\nabcde\r\n0\r\n\r\n`],
    'two Content-Lengths': [[length, 'Content-Length: 1'], body],
    'signed Content-Length': [[`Content-Length: +${body.length}`], body],
    'negative Content-Length': [['Content-Length: -1'], body],
    'huge Content-Length': [['Content-Length: 99999999999999999999999999'], body],
    'hexadecimal Content-Length': [['Content-Length: 0x10'], body],
    'chunk size that overflows': chunked('FFFFFFFFFFFFFFFFFF\r\nabc'),
    'chunk size 0x1': chunked('0x1\r\na\r\n0\r\n\r\n'),
    'chunk without CRLF': chunked('3\r\nabcX\r\n0\r\n\r\n'),
    'bare LF in the chunk size': chunked('3\nabc\n0\n\n'),
    'folded header line': [[length, 'X-Folded: a\r\n b'], body],
    'space before the colon': [[length, 'X-Space : a'], body],
    'NUL in a value': [[length, 'X-Nul: a\0b'], body],
    'CR in a value': [[length, 'X-Cr: a\rb'], body],
    'bare LF between header lines': [[length, 'X-Lf: a\nX-More: b'], body],
  };
  test.each(Object.entries(cases))('%s', async (_, [lines, sent]) => {
    const connection = await openRaw(door.port);
    connection.write(requestBytes('POST /mcp/s1 HTTP/1.1', head(...lines), sent));
    const reply = await connection.reply();
    await expectRefusal(door, reply, 400, upstream, hits);
    connection.end();
    await connection.closed(3_000);
  });

  test('a refused connection is cut even if its peer never closes', async () => {
    const connection = await openRaw(door.port);
    const others = await openConnections();
    connection.write('NONSENSE\r\n\r\n');
    expect((await connection.reply()).status).toBe(400);
    await connection.closed(3_000);
    await expect.poll(openConnections, { timeout: 5_000 }).toBeLessThan(others);
    connection.destroy();
  });
});

describe('H2: a header that may occur once is refused when it occurs twice', () => {
  test.each([
    'Authorization',
    'Host',
    'Content-Type',
    'Mcp-Session-Id',
    'Mcp-Method',
    'Mcp-Name',
    'MCP-Protocol-Version',
    'Last-Event-ID',
    'Origin',
    'X-Request-ID',
  ])('%s', async (name) => {
    const first = head().find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`)) ?? `${name}: a`;
    for (const second of [first, `${name.toLowerCase()}: other`]) {
      const lines = head(length, ...(head().includes(first) ? [] : [first]), second);
      const reply = await sendRaw(door.port, requestBytes('POST /mcp/s1 HTTP/1.1', lines, body));
      expect((await expectRefusal(door, reply, 400, upstream, hits))['error']).toBe('invalid_request');
    }
  });
});

describe('H5 and H6: headers are bounded in lines and bytes, trailers are nobody', () => {
  test('H5: a header block of more than 16 KiB gives 431', async () => {
    const reply = await sendRaw(door.port, requestBytes('POST /mcp/s1 HTTP/1.1', head(length, `X-Big: ${'x'.repeat(17 * 1024)}`), body));
    expect((await expectRefusal(door, reply, 431, upstream, hits))['error']).toBe('headers_too_large');
  });

  test('H5: more than 100 header lines give 431, and a late Authorization is not lost but refused with them', async () => {
    for (const count of [95, 100, 1500]) {
      const many = Array.from({ length: count }, (_, index) => `x${index}: 1`);
      const lines = [...postHeaders(door, { ...listMirrors, Authorization: '' }), length, ...many, 'Authorization: Bearer gwo_test_wrong'];
      const reply = await sendRaw(door.port, requestBytes('POST /mcp/s1 HTTP/1.1', lines, body));
      await expectRefusal(door, reply, 431, upstream, hits);
    }
  });

  test('H5: exactly 100 header lines are served', async () => {
    const lines = head(length);
    while (lines.length < 100) lines.push(`x${lines.length}: 1`);
    expect((await sendRaw(door.port, requestBytes('POST /mcp/s1 HTTP/1.1', lines, body))).status).toBe(200);
  });

  test('H6: a chunk extension of 20 KB gives 400, trailers of 20 KB give 431', async () => {
    const extension = requestBytes('POST /mcp/s1 HTTP/1.1', head('Transfer-Encoding: chunked'), `3;x=${'y'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n`);
    await expectRefusal(door, await sendRaw(door.port, extension), 400, upstream, hits);
    const trailers = requestBytes('POST /mcp/s1 HTTP/1.1', head('Transfer-Encoding: chunked'), `3\r\nabc\r\n0\r\nX-Trailer: ${'y'.repeat(20_000)}\r\n\r\n`);
    await expectRefusal(door, await sendRaw(door.port, trailers), 431, upstream, hits);
  });

  test('H6: a credential in a trailer is no credential, and nothing of a trailer reaches the server', async () => {
    const sent = (lines: string[]): Buffer =>
      requestBytes(
        'POST /mcp/s1 HTTP/1.1',
        lines,
        `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\nAuthorization: Bearer trailer-canary\r\nMcp-Method: tools/call\r\n\r\n`,
      );
    const anonymous = await sendRaw(door.port, sent([...postHeaders(door, { ...listMirrors, Authorization: '' }), 'Transfer-Encoding: chunked']));
    await expectRefusal(door, anonymous, 401, upstream, hits);
    expect((await sendRaw(door.port, sent(head('Transfer-Encoding: chunked')))).status).toBe(200);
    expect(upstream.requests.at(-1)?.raw.toString()).not.toContain('trailer-canary');
    expect(upstream.requests.at(-1)?.header('mcp-method')).toEqual(['tools/list']);
  });
});

describe('H9: no other protocol on this port', () => {
  test('an unknown expectation gives 417', async () => {
    const reply = await sendRaw(door.port, requestBytes('POST /mcp/s1 HTTP/1.1', head(length, 'Expect: x'), body));
    expect((await expectRefusal(door, reply, 417, upstream, hits))['error']).toBe('expectation_failed');
  });

  test('100-continue is granted when the body is read, and not before a refusal', async () => {
    const connection = await openRaw(door.port);
    connection.write(requestBytes('POST /mcp/s1 HTTP/1.1', head(length, 'Expect: 100-continue')));
    await expect.poll(() => connection.replies().map((reply) => reply.status)).toEqual([100]);
    connection.write(body);
    expect((await connection.reply()).status).toBe(200);
    connection.destroy();
    const refused = await openRaw(door.port);
    refused.write(
      requestBytes('POST /mcp/s1 HTTP/1.1', [...postHeaders(door, { ...listMirrors, Authorization: 'Bearer nobody' }), length, 'Expect: 100-continue']),
    );
    expect((await refused.reply()).status).toBe(401);
    expect(refused.replies().map((reply) => reply.status)).toEqual([401]);
    refused.destroy();
  });

  test('an h2c upgrade and the preface of HTTP/2 are refused, never tunnelled', async () => {
    const upgrade = requestBytes(
      'POST /mcp/s1 HTTP/1.1',
      head(length, 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'),
      body,
    );
    await expectRefusal(door, await sendRaw(door.port, upgrade), 400, upstream, hits);
    await expectRefusal(door, await sendRaw(door.port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), 400, upstream, hits);
    await expectRefusal(door, await sendRaw(door.port, 'PROXY TCP4 10.9.8.7 10.9.8.6 1 2\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'), 400, upstream, hits);
  });
});

test("a request without Host gives 400 in the house's form", async () => {
  const reply = await sendRaw(door.port, requestBytes('POST /mcp/s1 HTTP/1.1', [...postHeaders(door, { ...listMirrors, Host: '' }), length], body));
  expect((await expectRefusal(door, reply, 400, upstream, hits))['error']).toMatchObject({ data: { code: 'invalid_request' } });
});

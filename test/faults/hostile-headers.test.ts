/** Headers of a server that no HTTP library would send: they end in an answer, never in the process. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callTool, createLegacyServer, expectHealthy, legacyBody, mirrors, modernBody, modernServer, post } from '../support/calls.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { bytes, defaultReply } from '../support/replies.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let upstream: RecordingUpstream;

beforeAll(async () => {
  upstream = await startRecordingUpstream();
  door = await startDoor({ servers: [{ origin: `http://127.0.0.1:${upstream.port}`, timeoutMs: 500 }] });
});
afterAll(async () => {
  await door.stop();
  await upstream.stop();
});

test("a server hears its own name in Host, never the client's, in both eras (others answer 421)", async () => {
  const own = `127.0.0.1:${upstream.port}`;
  for (const [name, headers] of [
    ['modern', mirrors('tools/list')],
    ['legacy', { 'MCP-Protocol-Version': '2025-11-25' }],
  ] as const) {
    const reply = await post(door, name === 'modern' ? modernBody('tools/list') : legacyBody('tools/list'), { ...headers, Host: `localhost:${door.port}` });
    expect([name, reply.status, upstream.requests.at(-1)?.header('host')]).toEqual([name, 200, [own]]);
  }
});

const body = '{"jsonrpc":"2.0","id":1,"result":{}}';
const values: Record<string, Buffer> = {
  'UTF-8 beyond Latin-1': Buffer.from('\u20ac \u{1f600}'),
  'Latin-1': Buffer.from('\xe9', 'latin1'),
  'a control character': Buffer.from('a\x01b'),
  DEL: Buffer.from('a\x7fb'),
  'a tab': Buffer.from('a\tb'),
  'a bare CR': Buffer.from('a\rX-Injected: 1'),
  nothing: Buffer.alloc(0),
  much: Buffer.alloc(30_000, 'x'),
};
const names = ['cache-control', 'mcp-session-id', 'content-type'];

describe.each(Object.entries(values))('%s', (_, value) => {
  test.each(names)('in %s', async (name) => {
    for (const kind of ['json', 'stream', 'refused']) {
      const type = kind === 'stream' ? 'text/event-stream' : 'application/json';
      const lines = [
        ...(name === 'content-type' ? [] : [`content-type: ${type}`]),
        ...(kind === 'stream' ? ['connection: close'] : [`content-length: ${body.length}`]),
      ].map((line) => `${line}\r\n`);
      const prefix = name === 'content-type' ? `${type}; x=` : '';
      const raw = Buffer.concat([
        Buffer.from(`HTTP/1.1 ${kind === 'refused' ? 400 : 200} OK\r\n${lines.join('')}${name}: ${prefix}`),
        value,
        Buffer.from(`\r\n\r\n${kind === 'stream' ? `data: ${body}\n\n` : body}`),
      ]);
      for (const send of [
        (): ReturnType<typeof post> => callTool(door),
        (): ReturnType<typeof post> => post(door, legacyBody('initialize', { protocolVersion: '2025-11-25' })),
        (): ReturnType<typeof post> => post(door, `[${legacyBody('tools/list')}]`),
      ]) {
        upstream.next(bytes(raw, kind === 'stream' ? 'end' : 'keep'));
        const reply = await send();
        expect([200, 400, 502]).toContain(reply.status);
        expect(reply.header('x-injected')).toBeNull();
      }
    }
    await expectHealthy(door);
    expect((await callTool(door)).status).toBe(200);
  });
});

test('what a client puts into headers that are passed on breaks nothing either', async () => {
  for (const value of ['\xe9\xff', 'a\tb', '  ', 'x'.repeat(10_000)]) {
    for (const name of ['User-Agent', 'Accept', 'tracestate', 'baggage', 'Mcp-Param-X', 'Mcp-Param-', "Mcp-Param-!#$%&'*+.^_`|~"]) {
      const reply = await post(door, modernBody('tools/list'), { ...mirrors('tools/list'), [name]: value });
      expect([200, 502]).toContain(reply.status);
    }
  }
  await expectHealthy(door);
});

test('a session or a version of a server that cannot be a header ends façade calls only', async () => {
  const server = createLegacyServer();
  upstream.reply = server.reply();
  const version = '2025-11-25\\u20ac\\r\\nX-Injected: 1';
  upstream.next(server.reply());
  upstream.next(
    bytes(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${60 + version.length}\r\n\r\n${`{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"${version}"}}`.padEnd(60 + version.length)}`,
    ),
  );
  const reply = await post(door, '{}', {}, '/v1/mcp/s1/tools/list');
  expect([200, 502]).toContain(reply.status);
  expect(upstream.allBytes().includes('\r\nX-Injected')).toBe(false);
  upstream.reply = modernServer(defaultReply);
  await expectHealthy(door);
});

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { startReference } from '../../../../test/support/reference.ts';
import { bounds } from '../kernel/bounds.ts';
import { createHttpLink, type HttpLink } from './http-link.ts';
import { openLocal } from './local-connection.ts';
import { openRemote } from './open-remote.ts';

interface Spoken {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { code: number; message: string; data?: { code?: string } };
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function linkTo(
  url: string,
  more: { reconnectMs?: number } = {},
): { link: HttpLink; got: Spoken[]; raw: string[]; send(message: object): void; answer(id: unknown): Promise<Spoken> } {
  const remote = openRemote(new URL(url));
  return linked(remote.open, more, () => remote.close());
}

function linked(open: Parameters<typeof createHttpLink>[0]['open'], { reconnectMs = 0 }: { reconnectMs?: number } = {}, close: () => void = () => undefined) {
  const got: Spoken[] = [];
  const raw: string[] = [];
  const link = createHttpLink({
    open,
    headers: { host: '127.0.0.1' },
    where: 'the test',
    reconnectMs,
    deliver(message) {
      raw.push(message);
      got.push(JSON.parse(message) as Spoken);
    },
  });
  closing.push(async () => {
    await link.close();
    close();
  });
  return {
    link,
    got,
    raw,
    send: (message: object) => link.take(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }))),
    answer: (id: unknown) => until(() => got.find((one) => one.id === id && one.method === undefined), { what: `the answer to ${String(id)}` }),
  };
}

/** An HTTP server that answers as it is told. */
async function serve(onRequest: (request: IncomingMessage, response: ServerResponse, body: string) => void): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => onRequest(request, response, Buffer.concat(chunks).toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, server };
}

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const initialize = { id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } } };

describe('modern messages', () => {
  test('get the headers that mirror them; Mcp-Param-* are learned from the list, and by asking for it where the server misses one', async () => {
    const reference = await startReference('modern');
    closing.push(() => reference.stop());
    const { send, answer } = linkTo(reference.url);
    send({ id: 1, method: 'tools/call', params: { name: 'test_x_mcp_header', arguments: { region: ' münchen ' }, _meta: meta } });
    expect((await answer(1)).error).toBeUndefined();
    send({ id: '1', method: 'resources/read', params: { uri: 'test://static-text', _meta: meta } });
    expect((await answer('1')).result).toBeDefined();
  });

  test('keep their bytes: integers above 2^53, unknown members, ids of both kinds; a line break between tokens becomes a space', async () => {
    const seen: string[] = [];
    const { url } = await serve((_request, response, body) => {
      seen.push(body);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`{"jsonrpc":"2.0",\n"id":9007199254740993,"result":{"big":12345678901234567890}}`);
    });
    const { link, raw } = linkTo(url);
    const message = `{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/list","params":{"x":98765432109876543210,"_meta":${JSON.stringify(meta)}}}`;
    link.take(Buffer.from(message));
    await until(() => raw.length === 1);
    expect(seen).toEqual([message]);
    expect(raw).toEqual([`{"jsonrpc":"2.0", "id":9007199254740993,"result":{"big":12345678901234567890}}`]);
  });

  test('are cancelled by closing their stream, and nobody answers them', async () => {
    let come = false;
    let left = false;
    const { url } = await serve((_request, response) => {
      come = true;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(':\n\n');
      response.on('close', () => (left = true));
    });
    const { send, link, got } = linkTo(url);
    send({ id: 5, method: 'tools/call', params: { name: 'slow', _meta: meta } });
    await until(() => come);
    send({ method: 'notifications/cancelled', params: { requestId: 5 } });
    await until(() => left);
    expect([link.inFlight, got]).toEqual([0, []]);
  });
});

describe('legacy messages', () => {
  test('keep their session and version, come after the handshake, and a reply that the server breaks off is taken up', async () => {
    const reference = await startReference('legacy');
    closing.push(() => reference.stop());
    const { send, answer } = linkTo(reference.url);
    // All at once, as a client on a pipe may write it.
    send(initialize);
    send({ method: 'notifications/initialized' });
    send({ id: 1, method: 'tools/call', params: { name: 'test_reconnection', arguments: {} } });
    expect((await answer(0)).result).toMatchObject({ protocolVersion: '2025-11-25' });
    expect(JSON.stringify((await answer(1)).result)).toContain('text');
  });

  test('a session is ended with its link', async () => {
    const methods: string[] = [];
    const { url } = await serve((request, response, body) => {
      methods.push(`${request.method} ${String(request.headers['mcp-session-id'])} ${String(request.headers['mcp-protocol-version'])}`);
      if (request.method !== 'POST') return void response.writeHead(request.method === 'GET' ? 405 : 200).end();
      const { id } = JSON.parse(body) as { id?: number };
      if (id === undefined) return void response.writeHead(202).end();
      response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'abc' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: '2025-06-18', capabilities: {} } }));
    });
    const { send, answer, link } = linkTo(url);
    send(initialize);
    await answer(0);
    send({ method: 'notifications/initialized' });
    await until(() => methods.some((line) => line.startsWith('GET')));
    await link.close();
    expect(methods).toEqual(['POST undefined undefined', 'POST abc 2025-06-18', 'GET abc 2025-06-18', 'DELETE abc 2025-06-18']);
  });
});

test('a session that the server has lost is begun anew, with its log level and subscriptions, and the call is made once', async () => {
  const seen: string[] = [];
  let sessions = 0;
  const { url } = await serve((request, response, body) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const { id, method, params } = JSON.parse(body) as { id?: unknown; method: string; params?: { uri?: string } };
    const session = String(request.headers['mcp-session-id']);
    if (session !== 'undefined' && session !== String(sessions))
      return void response.writeHead(404).end('{"jsonrpc":"2.0","error":{"code":-32600,"message":"gone"}}');
    seen.push(`${session} ${method} ${params?.uri ?? ''}`.trim());
    if (id === undefined) return void response.writeHead(202).end();
    response.writeHead(200, { 'content-type': 'application/json', ...(method === 'initialize' ? { 'mcp-session-id': String(++sessions) } : {}) });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25', capabilities: {} } }));
  });
  const { send, answer, got } = linkTo(url);
  send(initialize);
  send({ method: 'notifications/initialized' });
  send({ id: 1, method: 'logging/setLevel', params: { level: 'info' } });
  send({ id: 2, method: 'resources/subscribe', params: { uri: 'test://a' } });
  send({ id: 3, method: 'resources/subscribe', params: { uri: 'test://b' } });
  await Promise.all([1, 2, 3].map(answer));
  send({ id: 4, method: 'resources/unsubscribe', params: { uri: 'test://a' } });
  await answer(4);
  seen.length = 0;
  sessions = 7;
  send({ id: 5, method: 'tools/call', params: { name: 'once', arguments: {} } });
  send({ id: 6, method: 'tools/list' });
  await Promise.all([answer(5), answer(6)]);
  expect(seen.slice(0, 4)).toEqual(['undefined initialize', '8 notifications/initialized', '8 logging/setLevel', '8 resources/subscribe test://b']);
  expect(seen.slice(4).sort()).toEqual(['8 tools/call', '8 tools/list']);
  expect(got.filter(({ id }) => id === 0)).toHaveLength(1);
});

test('where no session can be begun the call is told, and the next one tries again', async () => {
  let isAway = false;
  let current = '';
  const { url } = await serve((request, response, body) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const { id, method } = JSON.parse(body) as { id?: unknown; method: string };
    if (isAway && method === 'initialize') return void response.writeHead(503).end();
    if (method !== 'initialize' && request.headers['mcp-session-id'] !== current) return void response.writeHead(404).end();
    if (method === 'initialize') current += 'x';
    if (id === undefined) return void response.writeHead(202).end();
    response.writeHead(200, { 'content-type': 'application/json', ...(method === 'initialize' ? { 'mcp-session-id': current } : {}) });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25', capabilities: {} } }));
  });
  const { send, answer } = linkTo(url);
  send(initialize);
  send({ method: 'notifications/initialized' });
  await answer(0);
  isAway = true;
  current = 'lost';
  send({ id: 1, method: 'tools/list' });
  expect((await answer(1)).error).toBeDefined();
  isAway = false;
  send({ id: 2, method: 'tools/list' });
  expect((await answer(2)).result).toBeDefined();
});

describe('what goes wrong is an error of the request it concerns', () => {
  test.each([
    ['no JSON', 502, 'text/html', '<html>', -31_502],
    ['an error without an id', 401, 'application/json', '{"jsonrpc":"2.0","error":{"code":-31401,"message":"no"}}', -31_401],
    ['a REST error', 431, 'application/json', '{"error":"headers_too_large","message":"m","fix":"f"}', -31_431],
    ['an empty stream', 200, 'text/event-stream', ':\n\n', -31_502],
    ['an event that is no answer', 200, 'text/event-stream', 'data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n', -31_502],
    ['an empty reply', 202, '', '', -31_502],
  ])('%s', async (_, status, type, body, code) => {
    const { url } = await serve((_request, response) => {
      response.writeHead(status, type === '' ? {} : { 'content-type': type });
      response.end(body);
    });
    const { send, answer } = linkTo(url);
    send({ id: 'x', method: 'tools/list', params: { _meta: meta } });
    expect((await answer('x')).error?.code).toBe(code);
  });

  test('an address that nobody answers at is tried again until the time is over; what was sent is not sent twice', async () => {
    let hits = 0;
    const { url, server } = await serve((request) => {
      hits++;
      request.socket.destroy();
    });
    const { send, answer } = linkTo(url, { reconnectMs: 2_000 });
    send({ id: 1, method: 'tools/call', params: { name: 'once', _meta: meta } });
    expect((await answer(1)).error?.data?.code).toBe('upstream_reset');
    expect(hits).toBe(1);
    server.close();
    await until(() => !server.listening);
    const startedAt = performance.now();
    const away = linkTo(url, { reconnectMs: 300 });
    away.send({ id: 2, method: 'tools/call', params: { name: 'never', _meta: meta } });
    expect((await away.answer(2)).error?.data?.code).toBe('gateway_unreachable');
    expect(performance.now() - startedAt).toBeGreaterThan(100);
  });

  test('what only reads is sent again where its reply was lost', async () => {
    let hits = 0;
    const { url } = await serve((request, response, body) => {
      if (++hits === 1) return void request.socket.destroy();
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: (JSON.parse(body) as { id: number }).id, result: {} }));
    });
    const { send, answer } = linkTo(url, { reconnectMs: 2_000 });
    send({ id: 1, method: 'tools/list', params: { _meta: meta } });
    expect((await answer(1)).result).toEqual({});
    expect(hits).toBe(2);
  });

  test('invalid JSON, an id in use and too many requests are refused here', async () => {
    const { url } = await serve(() => undefined);
    const { send, link, got, answer } = linkTo(url);
    link.take(Buffer.from('{"jsonrpc":'));
    expect(got[0]?.error?.code).toBe(-32_700);
    send({ id: 1, method: 'tools/list', params: { _meta: meta } });
    send({ id: 1, method: 'tools/list', params: { _meta: meta } });
    expect((await answer(1)).error?.code).toBe(-32_600);
    for (let id = 2; id <= bounds.linkInFlightMax + 1; id++) send({ id, method: 'tools/list', params: { _meta: meta } });
    expect((await answer(bounds.linkInFlightMax + 1)).error?.data?.code).toBe('too_many_calls');
    expect(link.inFlight).toBe(bounds.linkInFlightMax);
  });
});

describe('within one process', () => {
  test("requests reach a server that listens nowhere, under the client's address; leaving is seen there, and a held reader holds the writer", async () => {
    let left = false;
    let written = 0;
    const server = createServer((request, response) => {
      if (request.url === '/big') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const chunk = `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"${'x'.repeat(60_000)}"}}\n\n`;
        const write = (): void => {
          while (written < 200) {
            written++;
            if (!response.write(chunk)) return void response.once('drain', write);
          }
        };
        write();
        response.on('close', () => (left = true));
        return;
      }
      request.resume().on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { peer: request.socket.remoteAddress } }));
      });
    });
    const small = linked(openLocal(server, '192.0.2.7', '/small'));
    small.send({ id: 1, method: 'tools/list', params: { _meta: meta } });
    expect((await small.answer(1)).result).toEqual({ peer: '192.0.2.7' });

    const big = linked(openLocal(server, '192.0.2.7', '/big'));
    big.link.hold();
    big.send({ id: 1, method: 'tools/call', params: { name: 'big', _meta: meta } });
    await until(() => written > 0);
    const before = performance.now();
    await until(() => performance.now() - before > 100);
    expect([written < 20, big.got.length]).toEqual([true, 0]);
    big.link.release();
    await until(() => big.got.length === 200);
    await big.link.close();
    await until(() => left);
  });
});

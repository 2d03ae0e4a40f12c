import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { until } from '../../../../test/support/poll.ts';
import { startRecordingUpstream } from '../../../../test/support/recording-upstream.ts';
import { modernServer } from '../../../../test/support/modern-server.ts';
import { startReference } from '../../../../test/support/reference.ts';
import { startDoor, testKey, type TestDoor, type TestDoorOptions } from '../../../../test/support/start-door.ts';
import { bounds } from '../kernel/bounds.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Spoken {
  readonly id?: unknown;
  readonly method?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { code: number; data?: { code?: string } };
}

async function door(options: Partial<TestDoorOptions> & { upstream: string }): Promise<TestDoor> {
  const started = await startDoor({
    servers: [
      { name: 's1', origin: new URL(options.upstream).origin, upstreamPath: '/mcp' },
      { name: 'open', auth: 'none', origin: new URL(options.upstream).origin },
    ],
    links: { websocket: true, sse: false },
    ...options,
  });
  closing.push(() => started.stop());
  return started;
}

async function recorded(): Promise<Awaited<ReturnType<typeof startRecordingUpstream>>> {
  const upstream = await startRecordingUpstream(modernServer());
  closing.push(() => upstream.stop());
  return upstream;
}

interface Opened {
  readonly socket: WebSocket;
  readonly got: Spoken[];
  send(message: object): void;
  answer(id: unknown): Promise<Spoken>;
  /** The code it is closed with. */
  readonly closed: Promise<number>;
}

interface Refused {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

function open(
  { port }: TestDoor,
  path = '/mcp/s1',
  { key = testKey, headers = {}, protocols = ['mcp'] }: { key?: string | null; headers?: Record<string, string>; protocols?: string[] } = {},
): Promise<Opened | Refused> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, {
    headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers },
  });
  closing.push(() => socket.terminate());
  const got: Spoken[] = [];
  socket.on('message', (data: Buffer) => got.push(JSON.parse(data.toString()) as Spoken));
  const closed = new Promise<number>((resolve) => socket.on('close', (code) => resolve(code)));
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('unexpected-response', (_request, answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> }));
    });
    socket.on('open', () =>
      resolve({
        socket,
        got,
        closed,
        send: (message) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message })),
        answer: (id) => until(() => got.find((one) => one.id === id && one.method === undefined), { what: `the answer to ${String(id)}` }),
      }),
    );
  });
}

async function opened(...args: Parameters<typeof open>): Promise<Opened> {
  const one = await open(...args);
  if ('status' in one) throw new Error(`refused: ${JSON.stringify(one)}`);
  return one;
}

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const call = (id: unknown, name = 'echo', args: object = {}): object => ({ id, method: 'tools/call', params: { name, arguments: args, _meta: meta } });

describe('MCP over WebSocket', () => {
  test('carries the modern era: each message is a recorded call of its key, and the key goes no further', async () => {
    const upstream = await recorded();
    const gate = await door({ upstream: upstream.url });
    const one = await opened(gate);
    one.send(call('a'));
    one.send(call(2));
    expect((await one.answer('a')).result).toBeDefined();
    expect((await one.answer(2)).result).toBeDefined();
    expect(upstream.requests.find(({ body }) => body.includes('tools/call'))?.header('mcp-name')).toEqual(['echo']);
    expect(upstream.allBytes().includes(testKey)).toBe(false);
    expect((await gate.journal()).toString('latin1')).toContain('key_test');
  });

  test('carries the legacy era for the official client: session, progress, and what the server asks the client', async () => {
    const reference = await startReference('legacy');
    closing.push(() => reference.stop());
    const gate = await door({ upstream: reference.url });
    const client = new LegacyClient({ name: 'ws', version: '1' }, { capabilities: { sampling: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } }));
    // Its transport sends no Authorization: the route asks for none.
    await client.connect(new WebSocketClientTransport(new URL(`ws://127.0.0.1:${gate.port}/mcp/open`)));
    expect((await client.listTools()).tools.length).toBeGreaterThan(5);
    expect(JSON.stringify(await client.callTool({ name: 'test_sampling', arguments: { prompt: 'p' } }))).toContain('sampled');
    let steps = 0;
    await client.callTool({ name: 'test_tool_with_progress', arguments: {} }, undefined, { onprogress: () => void steps++ });
    expect(steps).toBeGreaterThan(0);
    await client.close();
  });
});

describe('eras cross over a link as over HTTP', () => {
  test('a legacy client reaches a server of 2026-07-28 alone, and is asked what it asks', async () => {
    const reference = await startReference('modern');
    closing.push(() => reference.stop());
    const gate = await door({ upstream: reference.url });
    const client = new LegacyClient({ name: 'ws', version: '1' }, { capabilities: { sampling: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } }));
    await client.connect(new WebSocketClientTransport(new URL(`ws://127.0.0.1:${gate.port}/mcp/open`)));
    expect((await client.listTools()).tools.length).toBeGreaterThan(5);
    expect(JSON.stringify(await client.callTool({ name: 'test_input_required_result_sampling', arguments: {} }))).toContain('sampled');
    await client.close();
  });

  test('a modern client reaches a server with sessions alone, and answers by a retry', async () => {
    const reference = await startReference('legacy');
    closing.push(() => reference.stop());
    const one = await opened(await door({ upstream: reference.url }));
    const capable = { ...meta, 'io.modelcontextprotocol/clientCapabilities': { sampling: {} } };
    const ask = { name: 'test_sampling', arguments: { prompt: 'p' }, _meta: capable };
    one.send({ id: 1, method: 'tools/call', params: ask });
    const first = (await one.answer(1)).result as { resultType: string; requestState: string; inputRequests: Record<string, unknown> };
    expect(first.resultType).toBe('input_required');
    const [key = ''] = Object.keys(first.inputRequests);
    const answered = { model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } };
    one.send({ id: 2, method: 'tools/call', params: { ...ask, requestState: first.requestState, inputResponses: { [key]: answered } } });
    expect(JSON.stringify((await one.answer(2)).result)).toContain('sampled');
  });
});

describe('an upgrade passes the tests that a POST passes', () => {
  test.each([
    ['no key', '/mcp/s1', { key: null }, 401, 'unauthorized'],
    ['a wrong key', '/mcp/s1', { key: 'gwo_test_wrong' }, 401, 'unauthorized'],
    ['an unknown server', '/mcp/none', {}, 404, 'not_found'],
    ['another path', '/v1/health', {}, 404, 'not_found'],
    ['a foreign Host', '/mcp/s1', { headers: { host: 'evil.example' } }, 421, 'host_not_allowed'],
    ['a foreign Origin', '/mcp/s1', { headers: { origin: 'https://evil.example' } }, 403, 'origin_not_allowed'],
    ['no subprotocol', '/mcp/s1', { protocols: [] as string[] }, 400, 'invalid_request'],
    ['another subprotocol', '/mcp/s1', { protocols: ['graphql-ws'] }, 400, 'invalid_request'],
  ])('%s', async (_, path, options, status, code) => {
    const upstream = await recorded();
    const gate = await door({ upstream: upstream.url });
    expect(await open(gate, path, options)).toMatchObject({ status, body: { error: code } });
    expect(upstream.hits).toBe(0);
  });

  test('a server out of reach of the key is one that does not exist', async () => {
    const gate = await door({ upstream: (await recorded()).url, principal: { servers: ['other'] } });
    expect(await open(gate)).toMatchObject({ status: 404, body: { error: 'not_found' } });
  });

  test('off, nothing is upgraded', async () => {
    const gate = await door({ upstream: (await recorded()).url, links: { websocket: false, sse: true } });
    expect(await open(gate)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  test('a principal has a bounded number of links', async () => {
    const gate = await door({ upstream: (await recorded()).url });
    const all = await Promise.all(Array.from({ length: bounds.linksPerPrincipalMax }, () => opened(gate)));
    expect(await open(gate)).toMatchObject({ status: 429, body: { error: 'too_many_streams' } });
    all[0]?.socket.close();
    await until(async () => !('status' in (await open(gate))));
  });
});

describe('hostile frames', () => {
  test.each([
    ['binary', 1003, (socket: WebSocket) => socket.send(Buffer.from('{}'), { binary: true })],
    ['too large', 1009, (socket: WebSocket) => socket.send('x'.repeat(4 * 1024 * 1024 + 1))],
    [
      'too large in fragments',
      1009,
      (socket: WebSocket) => {
        for (let part = 0; part < 5; part++) socket.send('x'.repeat(1024 * 1024), { fin: part === 4 });
      },
    ],
    [
      'of too many fragments',
      1008,
      (socket: WebSocket) => {
        for (let part = 0; part < 2_000; part++) socket.send('x', { fin: false });
      },
    ],
    ['not UTF-8', 1007, (socket: WebSocket) => socket.send(Buffer.from([0xff, 0xfe]), { binary: false })],
  ])('%s: the link ends with the code that says so, others go on', async (_, code, send) => {
    const gate = await door({ upstream: (await recorded()).url });
    const [bad, good] = [await opened(gate), await opened(gate)];
    bad.socket.on('error', () => undefined);
    send(bad.socket);
    expect(await bad.closed).toBe(code);
    good.send(call(1));
    expect((await good.answer(1)).result).toBeDefined();
  });

  test('invalid JSON, a batch and what is no JSON-RPC are answered as errors, and the link goes on', async () => {
    const upstream = await recorded();
    const one = await opened(await door({ upstream: upstream.url }));
    one.socket.send('{"jsonrpc":');
    await until(() => one.got.some(({ error }) => error?.code === -32_700));
    one.socket.send('{"id":1}');
    await until(() => one.got.some(({ error }) => error?.code === -32_600));
    one.send({ ...call(3), method: 'tools/none' });
    expect((await one.answer(3)).error?.code).toBe(-32_601);
    expect(upstream.hits).toBe(0);
    one.send(call(4));
    expect((await one.answer(4)).result).toBeDefined();
  });

  test('what comes before the handshake is over, or instead of it, reaches nothing', async () => {
    const upstream = await recorded();
    const gate = await door({ upstream: upstream.url });
    const socket = connect(gate.port, '127.0.0.1');
    let said = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    // A frame that nobody reads may be answered by a reset.
    socket.on('error', () => undefined);
    const frame = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...call(1) }));
    const lines = [
      'GET /mcp/s1 HTTP/1.1',
      `Host: 127.0.0.1:${gate.port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      'Sec-WebSocket-Protocol: mcp',
    ];
    socket.write(
      Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from([0x81, 0xfe, frame.length >> 8, frame.length & 255, 0, 0, 0, 0]), frame]),
    );
    await until(() => said.includes('401 Unauthorized'));
    expect(said).toContain('WWW-Authenticate');
    socket.end();
    expect(upstream.hits).toBe(0);
  });
});

describe('ends', () => {
  test('a client that leaves cancels its modern calls: by a close frame, by the end of its connection, by half of it', async () => {
    for (const leave of ['close', 'terminate', 'end'] as const) {
      const upstream = await startRecordingUpstream(modernServer(() => new Promise(() => undefined)));
      closing.push(() => upstream.stop());
      const one = await opened(await door({ upstream: upstream.url }));
      one.send(call(1));
      const request = await until(() => upstream.requests.find(({ body }) => body.includes('tools/call')));
      if (leave === 'end') (Reflect.get(one.socket, '_socket') as Socket).end();
      else one.socket[leave]();
      await until(() => request.abandoned, { what: `the cancelled call after ${leave}` });
    }
  });

  test('a worker that drains lets an answer come, then says that it goes away', async () => {
    let answerIt: () => void = () => undefined;
    const upstream = await startRecordingUpstream(
      modernServer((request, socket) => new Promise((resolve) => (answerIt = () => resolve(modernServer()(request, socket))))),
    );
    closing.push(() => upstream.stop());
    const gate = await door({ upstream: upstream.url });
    const [idle, busy] = [await opened(gate), await opened(gate)];
    busy.send(call(1));
    await until(() => upstream.requests.some(({ body }) => body.includes('tools/call')));
    const drained = gate.door.drain(10_000);
    expect(await idle.closed).toBe(1001);
    expect(busy.socket.readyState).toBe(busy.socket.OPEN);
    answerIt();
    expect((await busy.answer(1)).result).toBeDefined();
    expect(await busy.closed).toBe(1001);
    await drained;
  });

  test('a reader that takes nothing holds the server back, within a bound', async () => {
    const big = 'x'.repeat(64 * 1024);
    let sent = 0;
    const upstream = await startRecordingUpstream(
      modernServer(async (_request, socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n');
        while (sent < 2_000 && !socket.destroyed) {
          sent++;
          if (!socket.write(`data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"data":"${big}"}}\n\n`))
            await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
        }
      }),
    );
    closing.push(() => upstream.stop());
    const one = await opened(await door({ upstream: upstream.url }));
    one.socket.pause();
    one.send(call(1));
    let before = -1;
    // It stands still: nothing more is taken from the server.
    await until(
      () => {
        const still = sent > 0 && sent === before;
        before = sent;
        return still;
      },
      { everyMs: 300 },
    );
    expect(sent).toBeLessThan(600);
    one.socket.resume();
    await until(() => sent === 2_000);
  });
});

/** Answers that are kept, on their way through a worker: relayed, over REST, and between eras. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CacheData } from '../../packages/gateway/src/snapshot/snapshot.ts';
import { callTool, expectHealthy, legacyBody, legacyVersion, mirrors, modernBody, modernServer, post } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import type { RawReply } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordedRequest, type RecordingUpstream } from '../support/recording-upstream.ts';
import { event, idText, json, stream, when, type Reply } from '../support/replies.ts';
import { otherKey, startDoor, type TestDoor } from '../support/start-door.ts';

const none: CacheData = { lists: false, resources: false, tools: {}, ttlMs: 0, public: false };
const transforms = [
  { tool: 'secret', request: [], mirrors: {}, headers: [], response: [{ kind: 'redact', path: 'content', pattern: '[0-9]+', with: '#' } as const] },
  { tool: null, request: [], mirrors: {}, headers: [{ from: 'X-Tenant', to: 'X-Tenant' }], response: [] },
];

let door: TestDoor;
let upstream: RecordingUpstream;
/** Its number tells one answer of the server from the next. */
let answered = 0;

const numbered =
  (more: object = {}): Reply =>
  (request, socket) => {
    const result = JSON.stringify({ resultType: 'complete', content: [{ type: 'text', text: `answer ${++answered}` }], ...more });
    return json(`{"jsonrpc":"2.0","id":${idText(request.body)},"result":${result}}`)(request, socket);
  };
const hinted = (scope = 'private'): Reply => modernServer(when(isWatch, stream([], 'open'), numbered({ ttlMs: 60_000, cacheScope: scope })));

function isWatch(request: RecordedRequest): boolean {
  return request.body.includes('"subscriptions/listen"');
}

beforeAll(async () => {
  upstream = await startRecordingUpstream();
  const origin = `http://127.0.0.1:${upstream.port}`;
  door = await startDoor({
    servers: [
      { origin, timeoutMs: 20_000, transforms, cache: { ...none, lists: true, resources: true, tools: { lookup: 60_000, secret: 60_000 } } },
      { origin, timeoutMs: 20_000 },
      { origin, timeoutMs: 20_000, cache: { ...none, lists: true, public: true } },
    ],
  });
  upstream.reply = hinted();
  for (const path of ['/mcp/s1', '/mcp/s2', '/mcp/s3']) await read(path, 'warm', {});
});
beforeEach(() => {
  upstream.forget();
  upstream.reply = hinted();
});
afterAll(async () => {
  await expectHealthy(door);
  await door.stop();
  await upstream.stop();
});

/** A list with a cursor of its own for each test: what others have kept is not in the way. */
function read(path: string, cursor: string, headers: Record<string, string>, id: unknown = 1): Promise<RawReply> {
  return post(door, modernBody('tools/list', { cursor }, id), { ...mirrors('tools/list'), ...headers }, path);
}

function resultOf(reply: RawReply): { content: { text: string }[]; ttlMs: number } {
  return (JSON.parse(reply.body.toString()) as { result: { content: { text: string }[]; ttlMs: number } }).result;
}

const asked = (): number => upstream.requests.filter((request) => !isWatch(request)).length;
const statusOf = (reply: RawReply): string | null => reply.header('cache-status');

describe('a list', () => {
  test('is asked for once, and given under each caller’s own id with what is left of its time', async () => {
    const first = await read('/mcp/s1', 'once', {}, 'first');
    const second = await read('/mcp/s1', 'once', {}, 9007199254740993n.toString());
    expect([asked(), resultOf(second).content, statusOf(first), statusOf(second)]).toEqual([
      1,
      resultOf(first).content,
      'gatewayops; fwd=miss',
      expect.stringMatching(/^gatewayops; hit; ttl=\d+$/),
    ]);
    expect(second.body.toString()).toContain('"id":"9007199254740993"');
    expect(resultOf(second).ttlMs).toBeLessThanOrEqual(60_000);
    expect((await door.journal()).toString('latin1')).toMatch(/hit/);
  });

  test('M26: of one caller is never given to another, and a caller’s mapped header makes another list', async () => {
    const mine = resultOf(await read('/mcp/s1', 'own', {}));
    const others = resultOf(await read('/mcp/s1', 'own', { Authorization: `Bearer ${otherKey}` }));
    const tenant = resultOf(await read('/mcp/s1', 'own', { 'X-Tenant': 'a' }));
    expect(new Set([mine, others, tenant].map(({ content }) => content[0]?.text)).size).toBe(3);
  });

  test('M26: that the server calls public is given to all where the configuration agrees', async () => {
    upstream.reply = hinted('public');
    const both = async (path: string, cursor: string): Promise<number> =>
      new Set(
        [await read(path, cursor, {}), await read(path, cursor, { Authorization: `Bearer ${otherKey}` })].map((reply) => resultOf(reply).content[0]?.text),
      ).size;
    expect([await both('/mcp/s3', 'public'), await both('/mcp/s1', 'public')]).toEqual([1, 2]);
  });

  test('of a server that nothing is kept of is asked for each time', async () => {
    await read('/mcp/s2', 'off', {});
    expect(statusOf(await read('/mcp/s2', 'off', {}))).toBe(null);
    expect(asked()).toBe(2);
  });

  test('that many ask for at once is asked for once', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow = hinted();
    upstream.reply = async (request, socket) => {
      await gate;
      return slow(request, socket);
    };
    const replies = Array.from({ length: 20 }, () => read('/mcp/s1', 'flight', {}));
    await upstream.received(1);
    release();
    expect(new Set((await Promise.all(replies)).map((reply) => resultOf(reply).content[0]?.text)).size).toBe(1);
    expect(asked()).toBe(1);
  });

  test('in a stream is kept like one of JSON', async () => {
    upstream.reply = modernServer(
      when(
        isWatch,
        stream([], 'open'),
        stream([
          event({ jsonrpc: '2.0', method: 'notifications/message', params: {} }),
          event({ jsonrpc: '2.0', id: 1, result: { ttlMs: 5_000, tools: [{ name: 'streamed' }] } }),
        ]),
      ),
    );
    await read('/mcp/s1', 'stream', {});
    expect((await read('/mcp/s1', 'stream', {})).body.toString()).toMatch(
      /^\{"jsonrpc":"2.0","id":1,"result":\{"ttlMs":\d+,"tools":\[\{"name":"streamed"\}\]\}\}$/,
    );
    expect(asked()).toBe(1);
  });

  test('is forgotten when the server says that it changed', async () => {
    let tell: (text: string) => void = () => undefined;
    const listening: Reply = async (request, socket) => {
      const acknowledged = {
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications: { toolsListChanged: true }, _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } },
      };
      async function* steps() {
        yield event(acknowledged);
        yield await new Promise<string>((resolve) => (tell = resolve));
      }
      await stream(steps(), 'open')(request, socket);
    };
    upstream.reply = modernServer(when(isWatch, listening, numbered({ ttlMs: 60_000 })));
    const client = post(door, modernBody('subscriptions/listen', { notifications: { toolsListChanged: true } }), mirrors('subscriptions/listen'));
    client.catch(() => undefined);
    await until(() => upstream.requests.find(isWatch), { what: 'the listen at the server' });
    const before = resultOf(await read('/mcp/s1', 'changed', {})).content;
    expect(resultOf(await read('/mcp/s1', 'changed', {})).content).toEqual(before);
    tell(event({ jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: { _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } } }));
    await until(async () => (JSON.stringify(resultOf(await read('/mcp/s1', 'changed', {})).content) === JSON.stringify(before) ? undefined : true), {
      what: 'a new list',
    });
  });

  test('is asked for anew after an error to a cursor', async () => {
    await read('/mcp/s1', 'pages', {});
    upstream.next(json({ jsonrpc: '2.0', id: 1, error: { code: -32602, message: 'Invalid cursor' } }, { status: 400 }));
    await read('/mcp/s1', 'bad', {});
    const hits = asked();
    await read('/mcp/s1', 'pages', {});
    expect(asked()).toBe(hits + 1);
  });
});

describe('a tool', () => {
  test('that is named is called once for the same arguments; a hit is recorded and costs nothing', async () => {
    await callTool(door, 'lookup', { a: 1 });
    const before = (await door.journal()).length;
    expect(statusOf(await callTool(door, 'lookup', { a: 1 }))).toMatch(/hit/);
    expect((await door.journal()).subarray(before).toString('latin1')).toMatch(/lookup[^]*cache[^]*hit/);
    await callTool(door, 'lookup', { a: 2 });
    expect(asked()).toBe(2);
  });

  test.each<[string, string, object, object]>([
    ['that is not named', 'send', {}, {}],
    ['that failed', 'lookup', { isError: true }, { failed: 1 }],
    ['that asks for input', 'lookup', { resultType: 'input_required', inputRequests: {} }, { input: 1 }],
  ])('%s is called each time', async (_, tool, more, args) => {
    upstream.reply = modernServer(when(isWatch, stream([], 'open'), numbered(more)));
    await callTool(door, tool, args);
    await callTool(door, tool, args);
    expect(asked()).toBe(2);
  });

  test('that is called again with answers to its questions is called each time', async () => {
    const retry = (): Promise<RawReply> =>
      post(door, modernBody('tools/call', { name: 'lookup', arguments: {}, inputResponses: {}, requestState: 'x' }), mirrors('tools/call', 'lookup'));
    await retry();
    expect(statusOf(await retry())).toBe(null);
    expect(asked()).toBe(2);
  });

  test('whose results rules change is given changed, whichever way it is called', async () => {
    const bodies = [];
    for (let time = 0; time < 2; time++) {
      bodies.push((await callTool(door, 'secret')).body.toString());
      bodies.push((await post(door, '{"tool":"secret"}', {}, '/v1/mcp/s1/tools/call')).body.toString());
    }
    for (const body of bodies) expect(body).toContain('"text":"answer #"');
    expect(upstream.requests.filter((request) => request.body.includes('"tools/call"')).length).toBe(2);
  });
});

test('over REST and for clients of another era answers are kept alike', async () => {
  const rest = (): Promise<RawReply> => post(door, '{"uri":"a:rest"}', {}, '/v1/mcp/s1/resources/read');
  const first = await rest();
  const second = await rest();
  expect([resultOf(second).content, statusOf(second), asked()]).toEqual([resultOf(first).content, expect.stringMatching(/hit/), 1]);
  const opened = await post(door, legacyBody('initialize', { protocolVersion: legacyVersion, capabilities: {}, clientInfo: { name: 'c', version: '1' } }));
  const session = { 'MCP-Protocol-Version': legacyVersion, 'Mcp-Session-Id': opened.header('mcp-session-id') ?? '' };
  const legacy = (id: number): Promise<RawReply> => post(door, legacyBody('tools/call', { name: 'lookup', arguments: { legacy: true } }, id), session);
  const one = await legacy(2);
  const two = await legacy(3);
  expect([resultOf(two).content, statusOf(two)]).toEqual([resultOf(one).content, expect.stringMatching(/hit/)]);
});

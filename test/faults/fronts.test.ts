/** Where client and server are of different eras: the same stops, records and endings as on the relayed way. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as Bounds from '../../packages/gateway/src/kernel/bounds.ts';
import { legacyBody, mirrors, modernBody, modernMeta, post, postBytes } from '../support/calls.ts';
import { startEraServer, type EraServer } from '../support/era-server.ts';
import { until } from '../support/poll.ts';
import { openRaw, requestBytes, sendRaw, type RawConnection, type RawReply } from '../support/raw-client.ts';
import { startDoor, testKey, type TestDoor } from '../support/start-door.ts';

vi.mock('../../packages/gateway/src/kernel/bounds.ts', async (original) => {
  const { bounds } = await original<typeof Bounds>();
  return { bounds: { ...bounds, sseKeepAliveMs: 300 } };
});

let modern: EraServer;
let legacy: EraServer;
let door: TestDoor;

async function open(actions: readonly string[] | null = null): Promise<void> {
  door = await startDoor({
    servers: [
      { name: 'modern', origin: modern.origin },
      { name: 'legacy', origin: legacy.origin },
    ],
    principal: { actions },
  });
}

beforeEach(async () => {
  [modern, legacy] = await Promise.all([startEraServer('modern'), startEraServer('legacy')]);
});
afterEach(async () => {
  await door.stop();
  await Promise.all([modern.stop(), legacy.stop()]);
});

const capabilities = { elicitation: {}, sampling: {}, roots: {} };
const askAll = { name: 'ask_all', arguments: {}, _meta: { ...modernMeta, 'io.modelcontextprotocol/clientCapabilities': capabilities } };
const callAsModern = (name: string, params: Record<string, unknown> = { name, arguments: {} }, headers: Record<string, string> = {}): Promise<RawReply> =>
  post(door, modernBody('tools/call', params), { ...mirrors('tools/call', name), ...headers }, '/mcp/legacy');

async function initialize(): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-06-18', capabilities, clientInfo: { name: 'raw', version: '1' } };
  const reply = await post(door, legacyBody('initialize', params), {}, '/mcp/modern');
  expect(jsonOf(reply)).toMatchObject({ result: { protocolVersion: '2025-06-18', serverInfo: { name: 'modern-server' } } });
  return { 'Mcp-Session-Id': reply.header('mcp-session-id') ?? '', 'MCP-Protocol-Version': '2025-06-18' };
}

/** On a busy machine a call may be silent for long. */
function jsonOf(reply: RawReply): unknown {
  const text = reply.body.toString();
  return JSON.parse(reply.header('content-type') === 'text/event-stream' ? (text.trim().split('data: ').at(-1) ?? '') : text);
}

async function getStream(session: Record<string, string>): Promise<RawConnection> {
  const stream = await openRaw(door.port);
  const headers = { Host: `127.0.0.1:${door.port}`, Authorization: `Bearer ${testKey}`, Accept: 'text/event-stream', ...session };
  stream.write(
    requestBytes(
      'GET /mcp/modern HTTP/1.1',
      Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ),
  );
  await until(() => stream.replies().length > 0);
  return stream;
}

async function recorded(text: string): Promise<number> {
  return (await door.journal()).toString('latin1').split(text).length - 1;
}

test('a question of the server is a call that waits, its answer the call that is paid for; both name server and tool', async () => {
  await open();
  const first = jsonOf(await callAsModern('ask_all', askAll)) as {
    result: { requestState: string; inputRequests: Record<string, { method: string }> };
  };
  expect([await recorded('waiting'), await recorded('\x07success')]).toEqual([1, 0]);
  const answers: Record<string, object> = {
    'elicitation/create': { action: 'accept', content: { name: 'ada' } },
    'sampling/createMessage': { role: 'assistant', model: 'm', content: { type: 'text', text: 'blue' } },
    'roots/list': { roots: [] },
  };
  const { requestState, inputRequests } = first.result;
  const inputResponses = Object.fromEntries(Object.entries(inputRequests).map(([key, { method }]) => [key, answers[method]]));
  const last = await callAsModern('ask_all', { ...askAll, requestState, inputResponses });
  expect(last.body.toString()).toContain('ada blue');
  expect([await recorded('waiting'), await recorded('\x07success'), await recorded('\x07ask_all'), await recorded('\x06legacy')]).toEqual([1, 1, 2, 2]);
});

test('what a key may not do is refused before the server is asked anything', async () => {
  await open(['tools.list']);
  expect((await callAsModern('tell')).body.toString()).toContain('"forbidden"');
  const session = await initialize();
  const refused = await post(door, legacyBody('resources/read', { uri: 'test://note' }), session, '/mcp/modern');
  expect([refused.status, refused.body.toString()]).toEqual([403, expect.stringContaining('"forbidden"')]);
  expect((await post(door, legacyBody('tools/list'), session, '/mcp/modern')).status).toBe(200);
});

test('a client that takes no event streams gets the response alone', async () => {
  await open();
  const reply = await callAsModern('tell', undefined, { Accept: 'application/json' });
  expect([reply.header('content-type'), JSON.parse(reply.body.toString())]).toMatchObject(['application/json', { id: 1, result: { resultType: 'complete' } }]);
});

test('a call that is silent for long becomes a stream with comments, for whoever stands in between', async () => {
  await open();
  const connection = await openRaw(door.port);
  connection.write(postBytes(door, '/mcp/legacy', modernBody('tools/call', { name: 'slow', arguments: {} }), mirrors('tools/call', 'slow')));
  await until(() => connection.replies()[0]?.body.toString().startsWith(':\n\n:\n\n'));
  expect(connection.replies()[0]?.header('content-type')).toBe('text/event-stream');
  connection.destroy();
  await until(() => legacy.slow.cancelled === 1);
});

test('a worker that drains ends a listen with its result and a session stream at once', async () => {
  await open();
  const session = await initialize();
  const listening = await openRaw(door.port);
  const wish = { notifications: { toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: ['test://note'] } };
  listening.write(postBytes(door, '/mcp/legacy', modernBody('subscriptions/listen', wish, 's-1'), mirrors('subscriptions/listen')));
  const stream = await getStream(session);
  await until(() => listening.replies().length > 0 && stream.replies().length > 0);
  await door.door.drain(5_000);
  const events = (await listening.reply()).body
    .toString()
    .split('\n')
    .flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6)) as unknown] : []));
  const meta = { 'io.modelcontextprotocol/subscriptionId': 's-1' };
  // The server says nothing of changed prompts: that is not honoured.
  const notifications = { toolsListChanged: true, resourceSubscriptions: ['test://note'] };
  expect(events).toEqual([
    { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications, _meta: meta } },
    { jsonrpc: '2.0', id: 's-1', result: { resultType: 'complete', _meta: meta } },
  ]);
  expect((await stream.reply()).complete).toBe(true);
  for (const connection of [listening, stream]) connection.destroy();
});

test('of two streams of a session the newer one gets the changes, and the older when it is gone', async () => {
  await open();
  const session = await initialize();
  const older = await getStream(session);
  const newer = await getStream(session);
  const told = (connection: RawConnection): number => connection.bytes().toString().split('list_changed').length - 1;
  await until(() => {
    modern.toolsChanged();
    return told(newer) > 0;
  });
  newer.destroy();
  const before = told(older);
  await until(() => {
    modern.toolsChanged();
    return told(older) > before;
  });
  expect(before).toBe(0);
  older.destroy();
});

test('M11: a session that the gateway keeps gives its events no ids: whatever Last-Event-ID says is refused, with not one event, and a new stream is not', async () => {
  await open();
  const [session, another] = [await initialize(), await initialize()];
  const forged = { ...session, 'Mcp-Session-Id': `${another['Mcp-Session-Id'] ?? ''}x` };
  const attempts: [Record<string, string>, string, number][] = [
    [session, '1', 400],
    [session, 'a_1.AAAAAAAAAAAAAAAA', 400],
    [session, '', 400],
    [session, 'x'.repeat(8_000), 400],
    [another, another['Mcp-Session-Id'] ?? '', 400],
    [forged, '1', 404],
  ];
  for (const [headers, id, status] of attempts) {
    const lines = { Host: `127.0.0.1:${door.port}`, Authorization: `Bearer ${testKey}`, Accept: 'text/event-stream', ...headers, 'Last-Event-ID': id };
    const reply = await sendRaw(
      door.port,
      requestBytes(
        'GET /mcp/modern HTTP/1.1',
        Object.entries(lines).map(([name, value]) => `${name}: ${value}`),
      ),
    );
    expect([reply.status, reply.complete, reply.header('content-type')]).toEqual([status, true, 'application/json']);
    expect(reply.body.toString()).not.toContain('data:');
    if (status === 400)
      expect(JSON.parse(reply.body.toString())).toMatchObject({ error: { code: -32600, message: expect.stringContaining('Last-Event-ID') as string } });
  }
  // Of the refused ones none has taken the changes.
  const stream = await getStream(session);
  await until(() => {
    modern.toolsChanged();
    return stream.bytes().includes('list_changed');
  });
  stream.destroy();
});

test('a legacy session is kept by the header of its version and ends with DELETE, and its calls with it', async () => {
  await open();
  const session = await initialize();
  const slow = post(door, legacyBody('tools/call', { name: 'slow', arguments: {} }, 9), session, '/mcp/modern');
  await until(() => modern.slow.waiting === 1);
  const connection = await openRaw(door.port);
  const headers = [`Host: 127.0.0.1:${door.port}`, `Authorization: Bearer ${testKey}`, ...Object.entries(session).map(([name, value]) => `${name}: ${value}`)];
  connection.write(requestBytes('DELETE /mcp/modern HTTP/1.1', headers));
  expect((await connection.reply()).status).toBe(200);
  connection.destroy();
  expect((await slow).complete).toBe(true);
  await until(() => modern.slow.cancelled === 1);
  expect((await post(door, legacyBody('ping'), session, '/mcp/modern')).status).toBe(404);
  const batch = await post(door, `[${legacyBody('ping')}]`, { 'Mcp-Session-Id': session['Mcp-Session-Id'] ?? '' }, '/mcp/modern');
  expect(batch.body.toString()).toContain('takes no batches');
});

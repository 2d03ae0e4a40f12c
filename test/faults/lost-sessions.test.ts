/** A server that has lost the session of a legacy client: another one takes its place, and the client does not know. */
import { afterEach, describe, expect, test } from 'vitest';
import { bounds } from '../../packages/gateway/src/kernel/bounds.ts';
import type { ServerData } from '../../packages/gateway/src/snapshot/snapshot.ts';
import { expectHealthy, legacyBody, legacyVersion, post, postHeaders } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import { openRaw, requestBytes, sendRaw, type RawConnection, type RawReply } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { after, bytes, defaultReply, empty, event, json, stream } from '../support/replies.ts';
import { createSessionServer, unknownSession, type SessionServer } from '../support/session-server.ts';
import { startDoor, type TestDoor, type TestDoorOptions } from '../support/start-door.ts';

const version = { 'MCP-Protocol-Version': legacyVersion };
const opening = { protocolVersion: legacyVersion, capabilities: { roots: { listChanged: true } }, clientInfo: { name: 't', version: '1' } };
const toolCall = legacyBody('tools/call', { name: 'echo', arguments: { big: 1 } }, 7).replace('"big":1', '"big":9007199254740993');
const ends: (() => Promise<unknown>)[] = [];
let server: SessionServer;
let upstream: RecordingUpstream;

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function start(data: Partial<ServerData> = {}, more: Partial<TestDoorOptions> = {}): Promise<TestDoor> {
  if (ends.length === 0) {
    server = createSessionServer();
    upstream = await startRecordingUpstream(server.reply);
    ends.push(() => upstream.stop());
  }
  const door = await startDoor({ servers: [{ origin: `http://127.0.0.1:${upstream.port}`, ...data }], ...more });
  ends.push(async () => {
    await expectHealthy(door);
    await door.stop();
  });
  return door;
}

async function open(door: TestDoor, params: object = opening): Promise<string> {
  const reply = await post(door, legacyBody('initialize', { ...params }, 0));
  const handle = reply.header('mcp-session-id');
  if (handle === null) throw new Error(`no session: ${reply.status} ${reply.body.toString()}`);
  await ask(door, handle, '{"jsonrpc":"2.0","method":"notifications/initialized"}');
  return handle;
}

const ask = (door: TestDoor, handle: string, body: string, headers: Record<string, string> = {}): Promise<RawReply> =>
  post(door, body, { ...version, 'Mcp-Session-Id': handle, ...headers });

const heard = (id: string): readonly string[] => server.sessions.get(id)?.heard ?? [];
const handshakes = (): number => server.sessions.size;
const getHeaders = (door: TestDoor, handle: string, more: Record<string, string> = {}): string[] =>
  postHeaders(door, { ...version, 'Content-Type': '', Accept: 'text/event-stream', 'Mcp-Session-Id': handle, ...more });

async function listen(door: TestDoor, handle: string, more: Record<string, string> = {}): Promise<RawConnection> {
  const connection = await openRaw(door.port);
  connection.write(requestBytes('GET /mcp/s1 HTTP/1.1', getHeaders(door, handle, more)));
  await until(() => connection.bytes().includes('hello') || connection.replies().some(({ complete }) => complete));
  ends.push(async () => connection.destroy());
  return connection;
}

const withHandshake = ['notifications/initialized', 'tools/call echo'];

describe('a call in a session that the server has lost', () => {
  test('is made in another one, with what the client said when it began, byte for byte and once', async () => {
    const door = await start();
    const handle = await open(door);
    server.forget();
    const reply = await ask(door, handle, toolCall);
    expect([reply.status, reply.header('mcp-session-id'), reply.body.includes('"id":7')]).toEqual([200, null, true]);
    expect([server.known(), server.sessions.get('session-2')?.initialize, heard('session-2')]).toEqual([['session-2'], opening, withHandshake]);
    expect(upstream.requests.at(-1)?.body.toString()).toBe(toolCall);
    // From then on it is simply the session.
    expect((await ask(door, handle, toolCall)).status).toBe(200);
    expect([handshakes(), heard('session-2').length]).toEqual([2, 3]);
    expect(door.logged.filter(({ event: name }) => name === 'session.renewed')).toHaveLength(1);
  });

  test.each([
    ['404 without a message', empty(404)],
    ['404 in chunks', bytes('HTTP/1.1 404 Gone\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n')],
    ['404 in words', json('session expired', { status: 404, headers: { 'content-type': 'text/plain' } })],
    ['400 in words', json({ jsonrpc: '2.0', id: null, error: { code: -32000, message: 'Bad Request: No valid session ID provided' } }, { status: 400 })],
    ['400 of a new process', json({ jsonrpc: '2.0', id: null, error: { code: -32000, message: 'Bad Request: Server not initialized' } }, { status: 400 })],
  ])('said by %s', async (_name, refusal) => {
    const door = await start();
    const handle = await open(door);
    server.forget();
    server.refusal = refusal;
    expect([(await ask(door, handle, toolCall)).status, heard('session-2')]).toEqual([200, withHandshake]);
  });

  test('of many at once leads to one handshake', async () => {
    const door = await start();
    const handle = await open(door);
    server.forget();
    const replies = await Promise.all(Array.from({ length: 30 }, (_, index) => ask(door, handle, legacyBody('tools/call', { name: `t${index}` }, index))));
    expect([replies.map(({ status }) => status), handshakes()]).toEqual([Array<number>(30).fill(200), 2]);
    expect(heard('session-2').toSorted()).toEqual(
      ['notifications/initialized', ...Array.from({ length: 30 }, (_, index) => `tools/call t${index}`)].toSorted(),
    );
  });

  test('in a batch of 2025-03-26 is made in another one too', async () => {
    const door = await start();
    server.version = '2025-03-26';
    const handle = await open(door, { ...opening, protocolVersion: '2025-03-26' });
    server.forget();
    const batch = `[${legacyBody('tools/call', { name: 'a' }, 1)},${legacyBody('tools/call', { name: 'b' }, 2)}]`;
    const reply = await post(door, batch, { 'Mcp-Session-Id': handle, Accept: 'application/json' });
    expect((JSON.parse(reply.body.toString()) as { id: number; result: unknown }[]).map(({ id, result }) => [id, result !== undefined])).toEqual([
      [1, true],
      [2, true],
    ]);
    expect([handshakes(), heard('session-2').length]).toEqual([2, 3]);
  });
});

test('log level and subscriptions are set up again; what was undone, refused or is too much is not', async () => {
  const door = await start();
  const handle = await open(door);
  const request = (method: string, params: Record<string, unknown>): Promise<RawReply> => ask(door, handle, legacyBody(method, params, 3));
  await request('logging/setLevel', { level: 'debug' });
  await request('logging/setLevel', { level: 'error' });
  for (const uri of ['test://a', 'test://"b"\\', 'test://gone', 'test://a']) await request('resources/subscribe', { uri });
  await request('resources/unsubscribe', { uri: 'test://gone' });
  await request('resources/subscribe', { uri: `test://${'x'.repeat(bounds.sessionSubscriptionCharsMax)}` });
  server.forget();
  await request('tools/call', { name: 'echo' });
  expect(heard('session-2').toSorted()).toEqual(
    ['notifications/initialized', 'logging/setLevel error', 'resources/subscribe test://a', 'resources/subscribe test://"b"\\', 'tools/call echo'].toSorted(),
  );
  // Once more: it is not only the first loss that is made good.
  server.forget();
  await request('tools/call', { name: 'echo' });
  expect([...heard('session-3')].toSorted()).toEqual([...heard('session-2')].toSorted());
});

describe('the stream of what a server sends unasked', () => {
  test('begins anew, and says first what may have changed', async () => {
    const door = await start();
    const handle = await open(door);
    await ask(door, handle, legacyBody('resources/subscribe', { uri: 'test://a' }));
    const before = await listen(door, handle);
    expect(before.bytes().toString()).not.toContain('list_changed');
    server.forget();
    await ask(door, handle, toolCall);
    // The old one brings nothing any more: it ends in good order, so the client opens another.
    expect((await before.reply()).complete).toBe(true);
    const text = (await listen(door, handle)).bytes().toString();
    expect(text.match(/"notifications\/[a-z_/]+"/g)).toEqual([
      '"notifications/tools/list_changed"',
      '"notifications/resources/list_changed"',
      '"notifications/resources/updated"',
      '"notifications/message"',
    ]);
  });

  test('finds out itself that the session is lost, also where it goes on after an event', async () => {
    const door = await start();
    const handle = await open(door);
    const first = await listen(door, handle);
    const eventId = /^id: (\S+)$/m.exec(first.bytes().toString())?.[1] ?? '';
    first.destroy();
    expect((await listen(door, handle, { 'Last-Event-ID': eventId })).bytes().toString()).not.toContain('list_changed');
    expect(heard('session-1').at(-1)).toBe('GET after session-1-1');
    server.forget();
    const again = await listen(door, handle, { 'Last-Event-ID': eventId });
    expect([again.bytes().includes('tools/list_changed'), heard('session-2')]).toEqual([true, ['notifications/initialized', 'GET']]);
    // The event of a session before is known as that by whoever has taken over another one.
    expect((await listen(door, handle, { 'Last-Event-ID': eventId })).bytes().includes('tools/list_changed')).toBe(true);
    expect(heard('session-2').at(-1)).toBe('GET');
  });

  test('is told from the rest of a reply, which is lost with its session', async () => {
    const door = await start();
    server.answer = stream([event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 1 } }, { id: 'a' })], 'end');
    const handle = await open(door);
    const reply = await ask(door, handle, toolCall);
    const eventId = /^id: (\S+)$/m.exec(reply.body.toString())?.[1] ?? '';
    const rest = (): Promise<RawReply> => sendRaw(door.port, requestBytes('GET /mcp/s1 HTTP/1.1', getHeaders(door, handle, { 'Last-Event-ID': eventId })));
    server.forget();
    expect([(await rest()).status, handshakes()]).toEqual([404, 1]);
    await ask(door, handle, toolCall);
    expect([(await rest()).status, handshakes(), heard('session-2')]).toEqual([404, 2, withHandshake]);
  });
});

describe('workers', () => {
  test('share what one of them has made: the others make no handshake', async () => {
    const state = new Map<string, Uint8Array>();
    const [one, other] = [await start({}, { state }), await start({}, { state })];
    const handle = await open(one);
    expect((await ask(other, handle, toolCall)).status).toBe(200);
    server.forget();
    expect((await ask(one, handle, toolCall)).status).toBe(200);
    expect((await ask(other, handle, toolCall)).status).toBe(200);
    expect([handshakes(), server.known()]).toEqual([2, ['session-2']]);
    expect([...state.values()].some((value) => Buffer.from(value).includes('session-2'))).toBe(false);
  });

  test('that have heard of none of it: what another has made may be lost as well by then', async () => {
    const state = new Map<string, Uint8Array>();
    const [one, other] = [await start({}, { state }), await start({}, { state })];
    const handle = await open(one);
    server.forget();
    expect((await ask(one, handle, toolCall)).status).toBe(200);
    server.forget();
    expect((await ask(other, handle, toolCall)).status).toBe(200);
    expect([handshakes(), server.known()]).toEqual([3, ['session-3']]);
  });

  test('that find it out at once agree on one session, and end the other', async () => {
    const state = new Map<string, Uint8Array>();
    const [one, other] = [await start({}, { state }), await start({}, { state })];
    const handle = await open(one);
    server.forget();
    const statuses = await Promise.all([one, other, one, other].map(async (door) => (await ask(door, handle, toolCall)).status));
    expect(statuses).toEqual([200, 200, 200, 200]);
    await until(() => server.known().length === 1, { what: 'the end of what nobody uses' });
    expect((await Promise.all([one, other].map((door) => ask(door, handle, toolCall)))).map(({ status }) => status)).toEqual([200, 200]);
    expect(handshakes()).toBeLessThanOrEqual(3);
  });

  test('end the session that is there now, and begin none that its client has ended', async () => {
    const state = new Map<string, Uint8Array>();
    const [one, other] = [await start({}, { state }), await start({}, { state })];
    const handle = await open(one);
    await ask(other, handle, toolCall);
    server.forget();
    await ask(one, handle, toolCall);
    const gone = await sendRaw(other.port, requestBytes('DELETE /mcp/s1 HTTP/1.1', getHeaders(other, handle)));
    expect([gone.status, server.known()]).toEqual([204, []]);
    for (const door of [one, other]) expect((await ask(door, handle, toolCall)).status).toBe(404);
    expect(handshakes()).toBe(2);
  });
});

test('a session of one node goes on at another that has the same keys, while they are changed as well; without them it is unknown there', async () => {
  const [one, two, three] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer];
  const here = await start({}, { keys: { seal: [one], events: [one] } });
  const handle = await open(here);
  for (const keys of [[one], [two, one]] as const) {
    const there = await start({}, { keys: { seal: keys, events: keys } });
    expect((await ask(there, handle, toolCall)).status).toBe(200);
    // Its server may have lost it besides: what `initialize` said is in the handle.
    server.forget();
    expect((await ask(there, handle, toolCall)).status).toBe(200);
    server.forget();
  }
  const stranger = await start({}, { keys: { seal: [three], events: [three] } });
  expect((await ask(stranger, handle, toolCall)).status).toBe(404);
});

describe('a session stays lost, which is 404 to its client,', () => {
  test('where the server is told not to be asked for another', async () => {
    const door = await start({ renewsSessions: false });
    const handle = await open(door);
    server.forget();
    expect([(await ask(door, handle, toolCall)).status, handshakes()]).toEqual([404, 1]);
  });

  test('where the server agrees on another version than the client goes by', async () => {
    const door = await start();
    const handle = await open(door);
    server.forget();
    server.version = '2025-06-18';
    const reply = await ask(door, handle, toolCall);
    expect([reply.status, reply.body.toString()]).toEqual([404, '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}']);
    await until(() => server.known().length === 0, { what: 'the end of the session that is of no use' });
  });

  test('where the client said more of itself than a handle holds', async () => {
    const door = await start();
    const handle = await open(door, { ...opening, clientInfo: { name: 'n'.repeat(bounds.sessionHandleBytesMax), version: '1' } });
    server.forget();
    expect([(await ask(door, handle, toolCall)).status, handshakes()]).toEqual([404, 1]);
  });

  test('where it is lost over and over', async () => {
    const door = await start();
    const handle = await open(door);
    for (let count = 1; count <= bounds.sessionRenewalsPerMinuteMax; count++) {
      server.forget();
      expect([count, (await ask(door, handle, toolCall)).status]).toEqual([count, 200]);
    }
    server.forget();
    expect([(await ask(door, handle, toolCall)).status, handshakes()]).toEqual([404, bounds.sessionRenewalsPerMinuteMax + 1]);
  });

  test('where the server refuses the new session as well', async () => {
    const door = await start();
    const handle = await open(door);
    upstream.reply = unknownSession;
    expect((await ask(door, handle, toolCall)).status).toBe(404);
  });

  test('where shared state does not answer', async () => {
    const state = new Map<string, Uint8Array>();
    const door = await start({}, { state });
    const handle = await open(door);
    server.forget();
    state.get = () => {
      throw new Error('no shared state');
    };
    expect([(await ask(door, handle, toolCall)).status, handshakes()]).toEqual([404, 1]);
  });
});

describe('what is no loss of a session', () => {
  test('is passed on: an unknown method, a refusal of other words, a long refusal', async () => {
    const door = await start();
    const handle = await open(door);
    const refusals = [
      json({ jsonrpc: '2.0', id: 7, error: { code: -32601, message: 'Method not found' } }, { status: 404 }),
      json({ jsonrpc: '2.0', id: null, error: { code: -32000, message: 'Bad Request: no' } }, { status: 400 }),
      json({ jsonrpc: '2.0', id: 7, error: { code: -32602, message: 'no such session of yours' } }, { status: 400 }),
      json({ jsonrpc: '2.0', id: null, error: { code: -32000, message: `session${'x'.repeat(bounds.sessionRefusalBytesMax)}` } }, { status: 400 }),
    ];
    for (const refusal of refusals) {
      upstream.next(refusal);
      const reply = await ask(door, handle, toolCall);
      expect([reply.status, reply.body.includes('"error"'), reply.complete]).toEqual([reply.status < 401 ? 400 : 404, true, true]);
    }
    expect(handshakes()).toBe(1);
  });

  test("the answer to a lost session's question is taken, and given to nobody", async () => {
    const door = await start();
    const handle = await open(door);
    server.forget();
    const reply = await ask(door, handle, '{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{}}}');
    expect([reply.status, reply.body.length]).toEqual([202, 0]);
    expect(heard('session-2')).toEqual(['notifications/initialized']);
  });
});

test('a call whose client has left meanwhile is made all the same, as any call of a legacy client', async () => {
  const door = await start();
  const handle = await open(door);
  server.forget();
  server.refusal = after(100, unknownSession);
  server.answer = defaultReply;
  const connection = await openRaw(door.port);
  const hits = upstream.hits;
  connection.write(
    requestBytes('POST /mcp/s1 HTTP/1.1', [...postHeaders(door, { ...version, 'Mcp-Session-Id': handle }), `Content-Length: ${toolCall.length}`], toolCall),
  );
  await upstream.received(hits + 1);
  connection.reset();
  await until(() => heard('session-2').includes('tools/call echo'));
});

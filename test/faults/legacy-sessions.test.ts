/** Group M of the catalogue for clients before 2026-07-28: sessions are sealed per principal and server, streams resume only for their holder. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectHealthy, expectRefusal, legacyBody, legacyVersion, post, postBytes, postHeaders, rpcCode } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import { openRaw, requestBytes, sendRaw, type RawReply } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { defaultReply, empty, event, json, stream, when, type Reply } from '../support/replies.ts';
import { otherKey, startDoor, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let upstream: RecordingUpstream;
let hits = 0;
const session = 'upstream-session-1';
const version = { 'MCP-Protocol-Version': legacyVersion };
const initialize = legacyBody('initialize', { protocolVersion: legacyVersion, capabilities: {}, clientInfo: { name: 't', version: '1' } }, 0);
const toolCall = legacyBody('tools/call', { name: 'echo', arguments: {} });
const opening: Reply = json(
  { jsonrpc: '2.0', id: 0, result: { protocolVersion: legacyVersion, capabilities: {}, serverInfo: { name: 's', version: '1' } } },
  { headers: { 'mcp-session-id': session } },
);

beforeAll(async () => {
  upstream = await startRecordingUpstream(when((request) => request.body.includes('"initialize"'), opening));
  const origin = `http://127.0.0.1:${upstream.port}`;
  door = await startDoor({ servers: [{ origin }, { origin }, { origin, auth: 'none' }] });
});
beforeEach(() => {
  hits = upstream.hits;
});
afterAll(async () => {
  await door.stop();
  await upstream.stop();
});

async function open(headers: Record<string, string> = {}, path = '/mcp/s1'): Promise<string> {
  const reply = await post(door, initialize, headers, path);
  hits = upstream.hits;
  const handle = reply.header('mcp-session-id');
  if (handle === null) throw new Error(`no session: ${reply.status} ${reply.body.toString()}`);
  return handle;
}

const get = (headers: Record<string, string>): Promise<RawReply> =>
  sendRaw(door.port, requestBytes('GET /mcp/s1 HTTP/1.1', postHeaders(door, { ...version, 'Content-Type': '', Accept: 'text/event-stream', ...headers })));

describe('M9: a session', () => {
  test("is a handle that says nothing of the server's own id, and works for its holder", async () => {
    const handle = await open();
    expect(handle).not.toContain(session);
    expect(Buffer.from(handle, 'base64url').includes(session)).toBe(false);
    const reply = await post(door, toolCall, { ...version, 'Mcp-Session-Id': handle });
    expect(reply.status).toBe(200);
    expect(upstream.requests.at(-1)?.header('mcp-session-id')).toEqual([session]);
    expect(await open()).not.toBe(handle);
  });

  test('forged, changed, cut, foreign, of another server or raw is unknown, in the same bytes', async () => {
    const handle = await open();
    const before = door.sessionsRefused.length;
    const flipped = `${handle.slice(0, 40)}${handle[40] === 'A' ? 'B' : 'A'}${handle.slice(41)}`;
    const refusals: [string, string, string, string][] = [
      ['never issued', '00000000-0000-0000-0000-000000000000', '', '/mcp/s1'],
      ['raw', session, '', '/mcp/s1'],
      ['changed', flipped, '', '/mcp/s1'],
      ['cut', handle.slice(0, -1), '', '/mcp/s1'],
      ['longer', `${handle}A`, '', '/mcp/s1'],
      ['padded', `${handle}=`, '', '/mcp/s1'],
      ['huge', 'A'.repeat(8_000), '', '/mcp/s1'],
      ['another principal', handle, `Bearer ${otherKey}`, '/mcp/s1'],
      ['another server', handle, '', '/mcp/s2'],
      ['nobody', handle, '', '/mcp/s3'],
    ];
    const bodies = new Set<string>();
    for (const [what, id, authorization, path] of refusals) {
      const headers = { ...version, 'Mcp-Session-Id': id, ...(authorization === '' ? {} : { Authorization: authorization }) };
      for (const body of [toolCall, initialize.replace('"id":0', '"id":1')]) {
        const reply = await post(door, body, headers, path);
        const shown = await expectRefusal(door, reply, 404, upstream, hits);
        expect([what, rpcCode(shown)]).toEqual([what, -31404]);
        bodies.add(reply.body.toString().replace(/req_\w+/, ''));
      }
    }
    expect(bodies.size).toBe(1);
    // The audit hears of those that an honest client would not show, and by whom.
    const told = (wanted: string): number =>
      door.sessionsRefused
        .slice(before)
        .filter(({ reason }) => reason === wanted)
        .reduce((sum, { count }) => sum + count, 0);
    await until(() => told('foreign') >= 6);
    expect(told('foreign')).toBe(6);
    expect(told('forged')).toBeGreaterThanOrEqual(2);
    expect(told('forged')).toBeLessThanOrEqual(6);
    expect(new Set(door.sessionsRefused.slice(before).map(({ peer }) => peer))).toEqual(new Set(['127.0.0.1']));
  });

  test('is closed to others for GET and DELETE as well', async () => {
    const handle = await open();
    for (const method of ['GET', 'DELETE']) {
      for (const headers of [{ 'Mcp-Session-Id': handle, Authorization: `Bearer ${otherKey}` }, { 'Mcp-Session-Id': `${handle}A` }]) {
        const reply = await sendRaw(door.port, requestBytes(`${method} /mcp/s1 HTTP/1.1`, postHeaders(door, { ...version, ...headers })));
        await expectRefusal(door, reply, 404, upstream, hits);
      }
    }
    upstream.next(empty(200));
    const ended = await sendRaw(
      door.port,
      requestBytes('DELETE /mcp/s1 HTTP/1.1', postHeaders(door, { ...version, 'Mcp-Session-Id': handle, 'Content-Type': '' })),
    );
    expect([ended.status, upstream.requests.at(-1)?.method, upstream.requests.at(-1)?.header('mcp-session-id')]).toEqual([200, 'DELETE', [session]]);
  });

  test('M10: needs its credential on every request', async () => {
    const handle = await open();
    for (const authorization of ['', 'Bearer gwo_test_expired']) {
      await expectRefusal(door, await post(door, toolCall, { ...version, 'Mcp-Session-Id': handle, Authorization: authorization }), 401, upstream, hits);
    }
  });

  test("whose id at the server is too long for a handle is refused as the server's fault", async () => {
    upstream.next(json({ jsonrpc: '2.0', id: 0, result: {} }, { headers: { 'mcp-session-id': 's'.repeat(2_000) } }));
    const reply = await post(door, initialize);
    expect([reply.status, (await expectRefusal(door, reply, 502, upstream, hits + 1))['error']]).toMatchObject([502, { data: { code: 'upstream_invalid' } }]);
  });
});

describe('M11: resumption', () => {
  const events = [
    event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 1 } }, { id: 'a_1' }),
    ': comment\r\n\r\n',
    'id:2\r\ndata:{"jsonrpc":"2.0","method":"notifications/message"}\r\n\r\n',
    event({ jsonrpc: '2.0', id: 1, result: {} }, { id: 'a_3' }),
  ];

  /** The event ids of a stream as its client sees them. */
  async function idsOf(headers: Record<string, string>): Promise<string[]> {
    upstream.next(stream(events));
    const reply = await post(door, toolCall, headers);
    hits = upstream.hits;
    const text = reply.body.toString();
    // Nothing but the ids is changed.
    expect(text.replace(/^id:.*?(\r?)$/gm, 'id:$1')).toBe(events.join('').replace(/^id:.*?(\r?)$/gm, 'id:$1'));
    return [...text.matchAll(/^id: ?(.*?)\r?$/gm)].map(([, id = '']) => id);
  }

  test('with an own event id, the server gets its own id back and what follows comes once, in order', async () => {
    const handle = await open();
    const [first = '', second = ''] = await idsOf({ ...version, 'Mcp-Session-Id': handle });
    expect([first.startsWith('a_1.'), second.startsWith('2.')]).toEqual([true, true]);
    upstream.next(stream(events.slice(2)));
    const resumed = await get({ 'Mcp-Session-Id': handle, 'Last-Event-ID': first });
    expect(upstream.requests.at(-1)?.header('last-event-id')).toEqual(['a_1']);
    expect(resumed.body.toString().match(/^data/gm)).toHaveLength(2);
  });

  test('with an event id that is forged, of another session, another principal or another server: refused, not one event', async () => {
    const mine = await open();
    const [first = ''] = await idsOf({ ...version, 'Mcp-Session-Id': mine });
    upstream.next(json({ jsonrpc: '2.0', id: 0, result: {} }, { headers: { 'mcp-session-id': 'upstream-session-2' } }));
    const another = await open();
    upstream.next(opening);
    // The server gave the same session id to someone else: the holder still differs.
    const theirs = await open({ Authorization: `Bearer ${otherKey}` });
    const attempts: Record<string, string>[] = [
      { 'Mcp-Session-Id': mine, 'Last-Event-ID': 'a_1' },
      { 'Mcp-Session-Id': mine, 'Last-Event-ID': 'a_2.AAAAAAAAAAAAAAAA' },
      { 'Mcp-Session-Id': mine, 'Last-Event-ID': first.replace('a_1', 'a_2') },
      { 'Mcp-Session-Id': mine, 'Last-Event-ID': `${first}x` },
      { 'Mcp-Session-Id': mine, 'Last-Event-ID': '' },
      { 'Mcp-Session-Id': mine, 'Last-Event-ID': 'x'.repeat(8_000) },
      { 'Mcp-Session-Id': another, 'Last-Event-ID': first },
      { 'Mcp-Session-Id': theirs, 'Last-Event-ID': first, Authorization: `Bearer ${otherKey}` },
      { 'Last-Event-ID': first },
    ];
    for (const headers of attempts) {
      const lines = postHeaders(door, { ...version, 'Content-Type': '', Accept: 'text/event-stream', ...headers });
      const reply = await sendRaw(door.port, requestBytes('GET /mcp/s1 HTTP/1.1', headers['Last-Event-ID'] === '' ? [...lines, 'Last-Event-ID:'] : lines));
      expect(rpcCode(await expectRefusal(door, reply, 400, upstream, hits))).toBe(-32600);
    }
  });

  test('at a server without sessions, event ids are bound to their principal', async () => {
    const [first = ''] = await idsOf(version);
    await expectRefusal(door, await get({ 'Last-Event-ID': first, Authorization: `Bearer ${otherKey}` }), 400, upstream, hits);
    await expectRefusal(door, await get({ 'Last-Event-ID': 'a_1' }), 400, upstream, hits);
    upstream.next(stream(events.slice(3)));
    expect((await get({ 'Last-Event-ID': first })).status).toBe(200);
    expect(upstream.requests.at(-1)?.header('last-event-id')).toEqual(['a_1']);
  });

  test('a stream that breaks after an event with an id is cut without an answer that would end the call', async () => {
    const handle = await open();
    upstream.next(stream(events.slice(0, 1), 'reset'));
    const reply = await post(door, toolCall, { ...version, 'Mcp-Session-Id': handle });
    expect([reply.status, reply.complete, reply.body.toString().includes('error')]).toEqual([200, false, false]);
  });
});

test("M12: a second GET stream of a session is the server's to decide, and no event comes twice", async () => {
  const handle = await open();
  const headers = postHeaders(door, { ...version, 'Content-Type': '', Accept: 'text/event-stream', 'Mcp-Session-Id': handle });
  upstream.next(stream([event({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })], 'open'));
  const first = await openRaw(door.port);
  first.write(requestBytes('GET /mcp/s1 HTTP/1.1', headers));
  await until(() => first.bytes().includes('list_changed'));
  upstream.next(json({ jsonrpc: '2.0', error: { code: -32000, message: 'Conflict' } }, { status: 409 }));
  expect((await sendRaw(door.port, requestBytes('GET /mcp/s1 HTTP/1.1', headers))).status).toBe(409);
  expect(
    first
      .bytes()
      .toString()
      .match(/list_changed/g),
  ).toHaveLength(1);
  const request = upstream.requests[hits];
  first.reset();
  await until(() => request?.abandoned, { timeoutMs: 1_000 });
  await expectHealthy(door);
});

test('M14: a cancellation or an answer of another principal reaches no foreign session', async () => {
  const mine = await open();
  const cancel = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
  for (const body of [
    cancel,
    '{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}',
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}',
  ]) {
    await expectRefusal(door, await post(door, body, { ...version, 'Mcp-Session-Id': mine, Authorization: `Bearer ${otherKey}` }), 404, upstream, hits);
  }
  expect((await post(door, cancel, { ...version, 'Mcp-Session-Id': mine })).status).toBe(202);
  expect(upstream.requests.at(-1)?.header('mcp-session-id')).toEqual([session]);
});

test('a client that leaves does not cancel a legacy call', async () => {
  let answered = false;
  upstream.next(async (request, socket) => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    await defaultReply(request, socket);
    answered = !socket.destroyed;
  });
  const connection = await openRaw(door.port);
  connection.write(postBytes(door, '/mcp/s1', toolCall, version));
  const request = await upstream.received(hits + 1);
  connection.reset();
  await until(() => answered || request.abandoned);
  expect([answered, request.abandoned]).toEqual([true, false]);
  await expectHealthy(door);
});

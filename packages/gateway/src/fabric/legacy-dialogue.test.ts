/** Sessions and their streams, seen from both ends: what a scripted server of 2025-11-25 is sent, and what the caller is told. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLegacyServer, modernServer, type LegacyServer } from '../../../../test/support/calls.ts';
import { askedFace, begin, callTool, serverAt, startServers, testFace, type TestServers } from '../../../../test/support/dialogues.ts';
import { until } from '../../../../test/support/poll.ts';
import { startRecordingUpstream, type RecordedRequest, type RecordingUpstream } from '../../../../test/support/recording-upstream.ts';
import * as replies from '../../../../test/support/replies.ts';
import { bounds } from '../kernel/bounds.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';

let upstream: RecordingUpstream;
let old: LegacyServer;
let servers: TestServers;
let server: Server;
beforeEach(async () => {
  upstream = await startRecordingUpstream();
  old = createLegacyServer();
  upstream.reply = old.reply();
  servers = startServers();
  server = serverAt(upstream.url, { timeoutMs: 600 });
});
afterEach(async () => {
  await servers.stop();
  await upstream.stop();
});

const text = ({ body }: RecordedRequest): string => body.toString();
const calls = (): RecordedRequest[] => upstream.requests.filter((request) => text(request).includes('"tools/call"'));
const sent = (part: string): Promise<RecordedRequest> => until(() => upstream.requests.find((request) => text(request).includes(part)));
const call = replies.when.bind(null, (request: RecordedRequest) => text(request).includes('"tools/call"'));

/** Other than `replies.when`, it leaves to the script what is said of eras. */
const whenLegacy = (...given: Parameters<typeof replies.when>): replies.Reply => replies.scriptsEras(replies.when(...given));

/** A stream whose response follows only when the test says so. */
function heldStream(first: string): { reply: replies.Reply; finish: (result?: string) => void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const reply: replies.Reply = (request, socket) =>
    replies.stream(
      (async function* () {
        yield first;
        yield replies.event(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},"result":${await promise}}`);
      })(),
    )(request, socket);
  return { reply, finish: (result = '{"content":[]}') => resolve(result) };
}

describe('a session', () => {
  test('is shared by what one client of one principal does, and by nobody else', async () => {
    const other = { ...testFace, principalId: 'key_b' };
    for (const face of [testFace, testFace, other, { ...testFace, info: '{"name":"else","version":"1"}' }, askedFace, testFace])
      await callTool(servers, server, 't', { face }).end;
    expect(calls().map((request) => request.header('mcp-session-id')[0])).toEqual([
      'session-1',
      'session-1',
      'session-2',
      'session-3',
      'session-4',
      'session-1',
    ]);
    expect(new Set(calls().map(({ body }) => replies.idText(body))).size).toBe(6);
    const initialized = upstream.requests.filter((request) => text(request).includes('"initialize"'));
    expect(JSON.parse(text(initialized[3] as RecordedRequest))).toMatchObject({
      params: { protocolVersion: '2025-11-25', capabilities: JSON.parse(askedFace.capabilities) as object, clientInfo: { name: 'tests' } },
    });
  });

  test.each([
    ['404', replies.json({ jsonrpc: '2.0', id: null, error: { code: -32_001, message: 'Session not found' } }, { status: 404 })],
    ['404 without a body', replies.empty(404)],
    [
      '400 and words',
      replies.json({ jsonrpc: '2.0', id: null, error: { code: -32_000, message: 'Bad Request: No valid session ID provided' } }, { status: 400 }),
    ],
  ])('that was lost (%s) is begun anew, once, and the request is made', async (_, lost) => {
    await callTool(servers, server, 't').end;
    upstream.reply = old.reply((request, socket) => (request.header('mcp-session-id')[0] === 'session-1' ? lost : replies.defaultReply)(request, socket));
    const many = await Promise.all(Array.from({ length: 5 }, () => callTool(servers, server, 't').end));
    expect(many.map(({ kind }) => kind)).toEqual(many.map(() => 'result'));
    expect(old.opened).toBe(2);
    upstream.reply = old.reply(lost);
    await callTool(servers, server, 't').end.then(
      ({ kind }) => expect(kind).toBe('error'),
      (fault: unknown) => expect(fault).toMatchObject({ code: 'upstream_invalid' }),
    );
  });

  test('is ended at the server when the worker closes', async () => {
    await callTool(servers, server, 't').end;
    await servers.close();
    expect(upstream.requests.some(({ method }) => method === 'DELETE')).toBe(true);
  });

  test('is asked for log messages once a level, and each caller gets what it asked for', async () => {
    const initialize = replies.json(
      { jsonrpc: '2.0', id: 1, result: { protocolVersion: '2025-11-25', capabilities: { logging: {} }, serverInfo: { name: 's', version: '1' } } },
      { headers: { 'mcp-session-id': 'logs' } },
    );
    const log = (level: string): string => replies.event({ jsonrpc: '2.0', method: 'notifications/message', params: { level, data: level } });
    const streamed: replies.Reply = (request, socket) =>
      replies.stream([log('debug'), log('warning'), replies.event(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},"result":{}}`)])(request, socket);
    upstream.reply = whenLegacy((request) => text(request).includes('"initialize"'), initialize, old.reply(call(streamed)));
    const counts: number[] = [];
    for (const logLevel of ['warning', 'error', 'debug', null, 'debug']) {
      const told = callTool(servers, server, 't', { face: { ...testFace, logLevel } });
      await told.end;
      counts.push(told.notifications.length);
    }
    expect(counts).toEqual([1, 0, 2, 0, 2]);
    const levels = upstream.requests.map((request) => /"logging\/setLevel".*"level":"(\w+)"/.exec(text(request))?.[1]).filter((level) => level !== undefined);
    expect(levels).toEqual(['warning', 'debug']);
  });
});

describe('a question of the server', () => {
  const ask = replies.event('{"jsonrpc":"2.0","id":12345678901234567890,"method":"elicitation/create","params":{"message":"Name?","big":9007199254740993}}');

  test.each([
    [{ result: '{"action":"accept","content":{"n":9007199254740993}}' }, '"result":{"action":"accept","content":{"n":9007199254740993}}'],
    [{ error: '{"code":-1,"message":"User rejected"}' }, '"error":{"code":-1,"message":"User rejected"}'],
  ])('is answered under its own id, with the bytes of the answer', async (answer, expected) => {
    const held = heldStream(ask);
    upstream.reply = old.reply(call(held.reply, replies.empty(202)));
    const told = callTool(servers, server, 't', { face: askedFace });
    await until(() => told.asks[0]);
    expect(told.asks).toEqual([{ key: '1', method: 'elicitation/create', params: '{"message":"Name?","big":9007199254740993}' }]);
    told.dialogue.answer('no such question', { result: '{}' });
    told.dialogue.answer('1', answer);
    told.dialogue.answer('1', { result: '{"action":"cancel"}' });
    const reply = await sent('12345678901234567890');
    expect(text(reply)).toBe(`{"jsonrpc":"2.0","id":12345678901234567890,${expected}}`);
    expect(reply.header('mcp-session-id')).toEqual(['session-1']);
    held.finish();
    expect(await told.end).toMatchObject({ kind: 'result', result: '{"content":[],"resultType":"complete"}' });
    expect(upstream.requests.filter((request) => text(request).includes('12345678901234567890'))).toHaveLength(1);
  });

  test('may be answered long after the time limit of the server itself', async () => {
    const held = heldStream(ask);
    upstream.reply = old.reply(call(held.reply, replies.empty(202)));
    server = serverAt(upstream.url, { timeoutMs: 150 });
    const told = callTool(servers, server, 't', { face: askedFace });
    await until(() => told.asks[0]);
    await new Promise((resolve) => setTimeout(resolve, 400));
    told.dialogue.answer('1', { result: '{"action":"cancel"}' });
    held.finish();
    expect(await told.end).toMatchObject({ kind: 'result' });
  });

  test('on the stream of the session goes to the request that is under way', async () => {
    const held = heldStream(': begun\n\n');
    const stream = replies.stream([{ waitMs: 50 }, ask], 'open');
    upstream.reply = whenLegacy(({ method }) => method === 'GET', stream, old.reply(call(held.reply, replies.empty(202))));
    const told = callTool(servers, server, 't', { face: askedFace }, () => ({ result: '{"action":"decline"}' }));
    await sent('"action":"decline"');
    held.finish();
    expect(await told.end).toMatchObject({ kind: 'result' });
    expect(told.asks).toHaveLength(1);
  });

  test.each(['elicitation/create', 'sampling/createMessage', 'roots/list', 'tasks/list'])(
    '%s that was not declared is refused there and then',
    async (method) => {
      const held = heldStream(replies.event({ jsonrpc: '2.0', id: 'q', method, params: { mode: 'url' } }));
      upstream.reply = old.reply(call(held.reply, replies.empty(202)));
      const face = { ...testFace, capabilities: '{"elicitation":{"form":{}}}' };
      const told = callTool(servers, server, 't', { face });
      expect(JSON.parse(text(await sent('"q"')))).toMatchObject({ id: 'q', error: { code: -32_601 } });
      held.finish();
      await told.end;
      expect(told.asks).toEqual([]);
    },
  );
});

describe('what a server says on the stream of its session', () => {
  const progress = (request: RecordedRequest, n: number): string =>
    replies.event(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${replies.idText(request.body)},"progress":${n}}}`);
  const log = (level: string): string => replies.event({ jsonrpc: '2.0', method: 'notifications/message', params: { level, data: level } });
  /** Calls are held until the test has said what it has to say on the session's stream. */
  function speaking(): { say: (...texts: string[]) => void; finish: () => void } {
    const held = heldStream(': begun\n\n');
    const stream = replies.spoken();
    const logging = createLegacyServer({ logging: {} });
    const settingLevel = replies.when((request) => text(request).includes('"logging/setLevel"'), replies.empty(202), call(held.reply, replies.empty(202)));
    upstream.reply = whenLegacy(({ method }) => method === 'GET', stream.reply, logging.reply(settingLevel));
    return { say: stream.say, finish: held.finish };
  }
  const withToken = (token: string): { params: string } => ({ params: `{"name":"t","_meta":{"progressToken":"${token}"}}` });

  test('reaches the call that wants it, also where its client can be asked nothing', async () => {
    const { say, finish } = speaking();
    const told = callTool(servers, server, 't', { ...withToken('p'), face: { ...testFace, logLevel: 'warning' } });
    const request = await sent('"tools/call"');
    say(log('info'), log('error'), progress(request, 1));
    await until(() => told.notifications.length >= 2);
    finish();
    await told.end;
    expect(told.notifications.map((json) => /"data":"error"|"progressToken":"p"/.exec(json)?.[0])).toEqual(['"data":"error"', '"progressToken":"p"']);
  });

  test('is heard from the first request on', async () => {
    const { say, finish } = speaking();
    const told = callTool(servers, server, 't', withToken('p'));
    await sent('"tools/call"');
    const first = upstream.requests.find(({ method, body }) => method === 'GET' || body.includes('"tools/call"'));
    expect(first?.method).toBe('GET');
    say(progress(await sent('"tools/call"'), 1));
    await until(() => told.notifications.length > 0);
    finish();
    await told.end;
  });

  test('is told once where several calls are under way: progress to its own, a log message to the one that began last and wants it', async () => {
    const { say, finish } = speaking();
    const face = { ...testFace, logLevel: 'info' };
    const one = callTool(servers, server, 't', { ...withToken('one'), face });
    await until(() => calls().length === 1);
    const two = callTool(servers, server, 't', { ...withToken('two'), face });
    await until(() => calls().length === 2);
    const [first, second] = calls() as [RecordedRequest, RecordedRequest];
    say(log('error'), progress(first, 1), progress(second, 2));
    await until(() => one.notifications.length >= 1 && two.notifications.length >= 2);
    finish();
    await Promise.all([one.end, two.end]);
    expect([one.notifications.length, two.notifications.length]).toEqual([1, 2]);
    expect([one.notifications[0], two.notifications[0], two.notifications[1]]).toEqual([
      expect.stringContaining('"progressToken":"one"'),
      expect.stringContaining('"data":"error"'),
      expect.stringContaining('"progressToken":"two"'),
    ]);
  });

  test('is not listened to by a call that wants nothing of it, nor by so many sessions that calls would find no connection', async () => {
    const { finish } = speaking();
    server = serverAt(upstream.url, { connectionsMax: 4 });
    finish();
    await callTool(servers, server, 't').end;
    const streams = (): number => upstream.requests.filter(({ method }) => method === 'GET').length;
    expect(streams()).toBe(0);
    const told = ['a', 'b', 'c'].map((principalId) => callTool(servers, server, 't', { ...withToken('p'), face: { ...testFace, principalId } }));
    await Promise.all(told.map(({ end }) => end));
    expect(streams()).toBeGreaterThan(0);
    expect(upstream.requests.filter(({ method, abandoned }) => method === 'GET' && !abandoned).length).toBeLessThanOrEqual(2);
  });
});

describe('a question that the server withdraws', () => {
  const ask = replies.event('{"jsonrpc":"2.0","id":12345678901234567890,"method":"elicitation/create","params":{"message":"Name?"}}');
  const withdrawal = replies.event('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":12345678901234567890,"reason":"found it"}}');

  test.each(['the call', 'the session'])('on the stream of %s is no question any more; the call goes on', async (where) => {
    const stream = replies.spoken();
    const held = heldStream(where === 'the call' ? ask + withdrawal : ask);
    upstream.reply = whenLegacy(({ method }) => method === 'GET', stream.reply, old.reply(call(held.reply, replies.empty(202))));
    const told = callTool(servers, server, 't', { face: askedFace });
    await until(() => told.asks[0]);
    if (where === 'the session') stream.say(withdrawal);
    await until(() => told.withdrawn[0]);
    expect(told.withdrawn).toEqual([{ key: '1', reason: 'found it' }]);
    told.dialogue.answer('1', { result: '{"action":"accept"}' });
    held.finish();
    expect(await told.end).toMatchObject({ kind: 'result' });
    expect(upstream.requests.filter((request) => text(request).includes('"accept"'))).toEqual([]);
  });
});

describe('an elicitation at an address', () => {
  const done = (id: string): string => replies.event({ jsonrpc: '2.0', method: 'notifications/elicitation/complete', params: { elicitationId: id } });
  const params = { mode: 'url', url: 'https://a.test/', message: 'm', elicitationId: 'e1' };

  test('is complete when the server says so, on whichever stream, during the call and after it, once', async () => {
    const stream = replies.spoken();
    const asking = replies.event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params });
    const held = heldStream(
      asking + replies.event({ jsonrpc: '2.0', id: 'r', method: 'elicitation/create', params: { ...params, elicitationId: 'e2' } }) + done('e1') + done('e1'),
    );
    upstream.reply = whenLegacy(({ method }) => method === 'GET', stream.reply, old.reply(call(held.reply, replies.empty(202))));
    const told = callTool(servers, server, 't', { face: askedFace }, () => ({ result: '{"action":"accept"}' }));
    await until(() => told.completed.length > 0);
    held.finish();
    await told.end;
    stream.say(done('e2'), done('e2'), done('e3'));
    await until(() => told.completed.length > 1);
    expect(told.completed).toEqual(['e1', 'e2']);
  });

  test('M22: that is no web page is taken out of an error -32042', async () => {
    const error = { code: -32_042, message: 'consent', data: { elicitations: [{ ...params, url: 'javascript:x' }, params] } };
    upstream.reply = old.reply(call((request, socket) => replies.json({ jsonrpc: '2.0', id: Number(replies.idText(request.body)), error })(request, socket)));
    const told = await callTool(servers, server, 't', { face: askedFace }).end;
    expect(told.kind === 'error' && JSON.parse(told.error)).toMatchObject({ data: { elicitations: [params] } });
    expect(told.kind === 'error' && told.error).not.toContain('javascript:');
  });

  test('asked for by an error -32042 is complete when the server says so', async () => {
    const stream = replies.spoken();
    const error = { code: -32_042, message: 'consent', data: { elicitations: [params] } };
    const refusal: replies.Reply = (request, socket) => replies.json({ jsonrpc: '2.0', id: Number(replies.idText(request.body)), error })(request, socket);
    upstream.reply = whenLegacy(({ method }) => method === 'GET', stream.reply, old.reply(call(refusal, replies.empty(202))));
    const told = callTool(servers, server, 't', { face: askedFace });
    expect(await told.end).toMatchObject({ code: -32_042 });
    stream.say(done('e1'));
    await until(() => told.completed.length > 0);
  });
});

test('a server that asks too much at once is refused what is too much', async () => {
  const asks = Array.from({ length: bounds.fabricAsksMax + 2 }, (_, id) => replies.event({ jsonrpc: '2.0', id: `q${id}`, method: 'roots/list' }));
  const held = heldStream(asks.join(''));
  upstream.reply = old.reply(call(held.reply, replies.empty(202)));
  const told = callTool(servers, server, 't', { face: askedFace });
  await sent(`"q${bounds.fabricAsksMax + 1}"`);
  expect(told.asks).toHaveLength(bounds.fabricAsksMax);
  held.finish();
  await told.end;
});

describe('a request', () => {
  test('keeps the bytes of its parameters and of its result, and loses only what the era does not know', async () => {
    const result = '{ "content":[] , "structuredContent":{"n":12345678901234567890,"dup":1,"dup":2}, "_meta":{"x":[ ]} }';
    upstream.reply = old.reply(
      call((request, socket) => replies.json(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},"result":${result}}`)(request, socket)),
    );
    const args = '{ "n":12345678901234567890, "e":1E400,"dup":1,"dup":2,"__proto__":{"a":1} }';
    const meta = '{"a.b/c": {"x":1.0},"io.modelcontextprotocol/logLevel":"info","traceparent":"00-1"}';
    const params = `{"name":"t","arguments":${args},"inputResponses":{},"requestState":"s","_meta":${meta}}`;
    const told = begin(servers, { server, method: 'tools/call', params, name: 't' });
    expect(await told.end).toMatchObject({
      result: '{"content":[],"structuredContent":{"n":12345678901234567890,"dup":1,"dup":2},"_meta":{"x":[ ]},"resultType":"complete"}',
    });
    const [request] = calls();
    expect(text(request as RecordedRequest)).toContain(`"params":{"name":"t","arguments":${args},"_meta":{"a.b/c": {"x":1.0},"traceparent":"00-0af`);
  });

  test('that is cancelled is cancelled there under the id that the server knows, and nothing follows', async () => {
    upstream.reply = old.reply(call(replies.stream([': begun\n\n'], 'open')));
    const told = callTool(servers, server, 't');
    const request = await sent('"tools/call"');
    told.dialogue.cancel();
    const notice = await sent('notifications/cancelled');
    expect(JSON.parse(text(notice))).toMatchObject({ params: { requestId: Number(replies.idText(request.body)) } });
    expect(notice.header('mcp-session-id')).toEqual(['session-1']);
    await until(() => request.abandoned);
    expect(await Promise.race([told.end, Promise.resolve('nothing')])).toBe('nothing');
  });

  test.each([
    ['before a byte', replies.silence],
    ['in its stream', replies.stream([': begun\n\n'], 'open')],
  ])('that the server leaves unanswered (%s) is a timeout, and the server is told', async (_, reply) => {
    server = serverAt(upstream.url, { timeoutMs: 150 });
    upstream.reply = old.reply(call(reply));
    await expect(callTool(servers, server, 't').end).rejects.toMatchObject({ code: 'mcp_timeout' });
    await sent('notifications/cancelled');
  });

  test('whose stream breaks is taken up again where the server gave its events ids', async () => {
    const progress = (n: number, id: string): string =>
      replies.event(
        `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${replies.idText(calls()[0]?.body ?? Buffer.alloc(0))},"progress":${n}}}`,
        { id },
      );
    const rest = (): replies.Reply =>
      replies.stream([progress(2, 'e2'), replies.event(`{"jsonrpc":"2.0","id":${replies.idText(calls()[0]?.body ?? Buffer.alloc(0))},"result":{"x":1}}`)]);
    const ofSession = replies.when(
      (request) => request.header('last-event-id').length === 0,
      replies.empty(405),
      (request, socket) => rest()(request, socket),
    );
    upstream.reply = whenLegacy(
      ({ method }) => method === 'GET',
      ofSession,
      old.reply(call(replies.stream([replies.event('', { id: 'e0', retry: 10 }), () => progress(1, 'e1')], 'reset'))),
    );
    const told = callTool(servers, server, 't', { params: '{"name":"t","_meta":{"progressToken":"p"}}' });
    expect(await told.end).toMatchObject({ result: '{"x":1,"resultType":"complete"}' });
    expect(told.notifications.map((json) => /"progressToken":"p".*"progress":(\d)/.exec(json)?.[1])).toEqual(['1', '2']);
    const resumed = upstream.requests.findLast(({ method }) => method === 'GET');
    expect([resumed?.header('last-event-id'), resumed?.header('mcp-session-id')]).toEqual([['e1'], ['session-1']]);
  });

  test.each([404, 405, 500])('whose stream broke is not made again where it cannot be taken up (%i), for it may have run', async (status) => {
    const broken = replies.stream([replies.event('', { id: 'e0', retry: 1 })], 'reset');
    upstream.reply = whenLegacy(({ method }) => method === 'GET', replies.empty(status), old.reply(call(broken)));
    await expect(callTool(servers, server, 't').end).rejects.toMatchObject({ code: 'upstream_reset' });
    expect(calls()).toHaveLength(1);
  });

  test.each([
    ['reset', 'upstream_reset'],
    ['end', 'upstream_invalid'],
  ] as const)('whose stream ends early (%s) and cannot be resumed is a fault', async (end, code) => {
    upstream.reply = old.reply(call(replies.stream([': begun\n\n'], end)));
    await expect(callTool(servers, server, 't').end).rejects.toMatchObject({ code });
  });

  test('for a resource that is not there fails with the code of 2026-07-28', async () => {
    upstream.reply = old.reply((request, socket) =>
      replies.json(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},"error":{"code":-32002,"message":"none","data":{"uri":"a:b"}}}`)(request, socket),
    );
    const told = begin(servers, { server, method: 'resources/read', params: '{"uri":"a:b"}', name: 'a:b' });
    expect(await told.end).toMatchObject({ kind: 'error', code: -32_602, httpStatus: 200, error: '{"code":-32602,"message":"none","data":{"uri":"a:b"}}' });
  });

  test.each([
    ['a body', (batch: string): replies.Reply => replies.json(batch)],
    ['an event', (batch: string): replies.Reply => replies.stream([replies.event(batch)])],
  ])('may be answered in a batch (%s), as servers of 2025-03-26 do', async (_, reply) => {
    const progress = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":ID,"progress":1,"message":"[,]"}}';
    upstream.reply = old.reply(
      call((request, socket) => {
        const batch = ` [${progress}, {"jsonrpc":"2.0","id":ID,"result":{"n":12345678901234567890}} ]`;
        return reply(batch.replaceAll('ID', replies.idText(request.body)))(request, socket);
      }),
    );
    const told = callTool(servers, server, 't', { params: '{"name":"t","_meta":{"progressToken":"p"}}' });
    expect(await told.end).toMatchObject({ result: '{"n":12345678901234567890,"resultType":"complete"}' });
    expect(told.notifications).toHaveLength(1);
  });

  test.each(['[]', '[1]', '[{"jsonrpc":"2.0"', '[[]]', '[}', '['.repeat(100_000)])('that is answered with %.20s is a fault', async (batch) => {
    upstream.reply = old.reply(call(replies.json(batch)));
    await expect(callTool(servers, server, 't').end).rejects.toMatchObject({ code: 'upstream_invalid' });
  });

  test('that needs consent at an address needs input, where the client opens addresses', async () => {
    const data = { elicitations: [{ mode: 'url', elicitationId: 'e', url: 'https://a.test/', message: 'Connect' }] };
    upstream.reply = old.reply(
      call((request, socket) =>
        replies.json({ jsonrpc: '2.0', id: Number(replies.idText(request.body)), error: { code: -32_042, message: 'consent', data } })(request, socket),
      ),
    );
    const told = await callTool(servers, server, 't', { face: askedFace, inputs: 'return' }).end;
    expect(told.kind === 'result' && JSON.parse(told.result)).toEqual({
      resultType: 'input_required',
      inputRequests: { consent_1: { method: 'elicitation/create', params: { mode: 'url', url: 'https://a.test/', message: 'Connect' } } },
    });
    expect(await callTool(servers, server, 't', { inputs: 'return' }).end).toMatchObject({ kind: 'error', code: -32_603 });
    expect(await callTool(servers, server, 't', { face: askedFace }).end).toMatchObject({ kind: 'error', code: -32_042 });
  });
});

test.each([400, 404])('a server that has been replaced by one of 2026-07-28, and says so with %i, is spoken to in its words at once', async (status) => {
  await callTool(servers, server, 't').end;
  const error = { code: -32_022, message: 'no', data: { supported: ['2026-07-28'], requested: '2025-11-25' } };
  upstream.reply = replies.scriptsEras((request, socket) => {
    if (request.header('mcp-protocol-version')[0] === '2026-07-28') return modernServer()(request, socket);
    const isHandshake = text(request).includes('"initialize"');
    return (status === 404 && !isHandshake ? replies.empty(404) : replies.json({ jsonrpc: '2.0', id: 1, error }, { status: 400 }))(request, socket);
  });
  expect(await callTool(servers, server, 't').end).toMatchObject({ kind: 'result' });
});

test('a server that has been replaced by one of the other era is spoken to in its own words at once', async () => {
  await callTool(servers, server, 't').end;
  const refused = replies.json(
    { jsonrpc: '2.0', id: 1, error: { code: -32_022, message: 'no', data: { supported: ['2026-07-28'], requested: '2025-11-25' } } },
    { status: 400 },
  );
  upstream.reply = replies.scriptsEras((request, socket) =>
    (request.header('mcp-protocol-version')[0] === '2026-07-28' ? modernServer() : refused)(request, socket),
  );
  expect(await callTool(servers, server, 't').end).toMatchObject({ kind: 'result' });
  upstream.reply = replies.scriptsEras((request, socket) => {
    const isModern = request.header('mcp-protocol-version')[0] === '2026-07-28';
    const uninitialized = replies.json({ jsonrpc: '2.0', id: null, error: { code: -32_000, message: 'Server not initialized' } }, { status: 400 });
    return (isModern ? uninitialized : old.reply())(request, socket);
  });
  expect(await callTool(servers, server, 't').end).toMatchObject({ kind: 'result' });
  expect(old.opened).toBe(2);
});

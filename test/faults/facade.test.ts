/** The REST façade over the wire: S0's bodies and codes, arguments and results byte for byte, both eras behind it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLegacyServer, expectHealthy, legacyVersion, modernServer, modernVersion, post, postBytes } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import { openRaw, type RawReply } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream, type RecordedRequest } from '../support/recording-upstream.ts';
import * as replies from '../support/replies.ts';
import { otherKey, startDoor, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let upstream: RecordingUpstream;
let old: RecordingUpstream;
const oldServer = createLegacyServer();

beforeAll(async () => {
  upstream = await startRecordingUpstream(modernServer());
  old = await startRecordingUpstream(oldServer.reply());
  const servers = [
    { origin: `http://127.0.0.1:${upstream.port}`, timeoutMs: 700 },
    { name: 'old', origin: `http://127.0.0.1:${old.port}`, timeoutMs: 700 },
    { name: 'patient', origin: `http://127.0.0.1:${upstream.port}`, timeoutMs: 60_000 },
  ];
  door = await startDoor({ servers });
  await rest('tools/list');
});
beforeEach(() => {
  upstream.reply = modernServer();
  old.reply = oldServer.reply();
});
afterAll(async () => {
  await expectHealthy(door);
  await door.stop();
  await Promise.all([upstream.stop(), old.stop()]);
});

function rest(operation: string, body = '{}', headers: Record<string, string> = {}, server = 's1'): Promise<RawReply> {
  return post(door, body, headers, `/v1/mcp/${server}/${operation}`);
}

const bodyOf = (reply: RawReply): Record<string, unknown> => JSON.parse(reply.body.toString()) as Record<string, unknown>;
const lastCall = (of: RecordingUpstream): RecordedRequest | undefined =>
  of.requests.findLast((request) => /"method":"(?:tools|resources|prompts)\//.test(request.body.toString()));

describe('a call', () => {
  test('gives { result, metadata: { trace_id, latency_ms, cost } } as S0 has it', async () => {
    const reply = await rest('tools/call', '{"tool":"read_file","arguments":{"path":"/a"}}');
    expect([reply.status, reply.header('content-type')]).toEqual([200, 'application/json']);
    expect(bodyOf(reply)).toEqual({
      result: { resultType: 'complete', content: [{ type: 'text', text: 'ok' }] },
      metadata: { trace_id: reply.header('x-trace-id'), latency_ms: expect.any(Number), cost: 0.001 },
    });
    expect(reply.header('x-trace-id')).toMatch(/^tr_[0-9a-f]{32}$/);
    expect(reply.header('x-request-id')).toMatch(/^req_/);
  });

  test.each([
    ['tools/call', '{"tool":"t","arguments":{}}', { name: 't', arguments: {} }, 't'],
    ['tools/call', '{"tool":"t"}', { name: 't' }, 't'],
    ['tools/list', '{}', {}, undefined],
    ['tools/list', '{"cursor":""}', { cursor: '' }, undefined],
    ['resources/list', '{"cursor":"c"}', { cursor: 'c' }, undefined],
    ['resources/read', '{"uri":"file:///ü"}', { uri: 'file:///ü' }, `=?base64?${Buffer.from('file:///ü').toString('base64')}?=`],
    ['prompts/list', '{}', {}, undefined],
    ['prompts/get', '{"name":"p","arguments":{"a":"b"}}', { name: 'p', arguments: { a: 'b' } }, 'p'],
  ])('%s %s, to a server of each era', async (operation, body, params, name) => {
    expect((await rest(operation, body)).status).toBe(200);
    const modern = lastCall(upstream);
    expect(JSON.parse(modern?.body.toString() ?? '')).toMatchObject({
      method: operation,
      params: { ...params, _meta: { 'io.modelcontextprotocol/protocolVersion': modernVersion } },
    });
    expect([modern?.header('mcp-method'), modern?.header('mcp-name'), modern?.header('mcp-protocol-version')]).toEqual([
      [operation],
      name === undefined ? [] : [name],
      [modernVersion],
    ]);
    expect((await rest(operation, body, {}, 'old')).status).toBe(200);
    const legacy = lastCall(old);
    expect(JSON.parse(legacy?.body.toString() ?? '')).toMatchObject({ method: operation, params });
    expect([legacy?.header('mcp-session-id'), legacy?.header('mcp-protocol-version'), legacy?.header('mcp-method')]).toEqual([
      [`session-${oldServer.opened}`],
      [legacyVersion],
      [],
    ]);
  });

  test('arguments and result pass byte for byte', async () => {
    const args = '{ "n":123456789012345678901234567890, "f":-0.0,"e":1E400, "dup":1,"dup":2, "s":"\\ud800 \\u2028 é", "__proto__":{"a":1}, "deep":[[[[]]]] }';
    const result =
      '{ "resultType":"complete","content":[{"type":"audio","data":"AA=="}] , "structuredContent":{"n":9007199254740993,"f":1.10},"_meta":{"x":[ ]},"isError":true }';
    upstream.reply = modernServer((request, socket) =>
      replies.json(` {"jsonrpc":"2.0", "result" :${result} ,"id":${replies.idText(request.body)}} `)(request, socket),
    );
    const reply = await rest('tools/call', `{"arguments":${args},"tool":"t"}`);
    expect(reply.status).toBe(200);
    expect(lastCall(upstream)?.body.toString()).toContain(`"arguments":${args}`);
    expect(reply.body.toString().startsWith(`{"result":${result},"metadata":{`)).toBe(true);
  });

  test('arguments that a tool wants repeated in headers are so, though the caller knows nothing of it', async () => {
    const inputSchema = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } };
    upstream.reply = modernServer((request, socket) => {
      const id = Number(replies.idText(request.body));
      if (request.body.includes('"tools/list"'))
        return replies.json({ jsonrpc: '2.0', id, result: { resultType: 'complete', tools: [{ name: 'located', inputSchema }] } })(request, socket);
      if (request.header('mcp-param-region').length > 0) return replies.defaultReply(request, socket);
      return replies.json({ jsonrpc: '2.0', id, error: { code: -32_020, message: 'Mcp-Param-Region is missing' } }, { status: 400 })(request, socket);
    });
    expect((await rest('tools/call', '{"tool":"located","arguments":{"region":"Österreich"}}')).status).toBe(200);
    expect(lastCall(upstream)?.header('mcp-param-region')).toEqual([`=?base64?${Buffer.from('Österreich').toString('base64')}?=`]);
  });

  test("a result that comes as a stream is the stream's last message", async () => {
    upstream.reply = modernServer(
      replies.stream([
        replies.event({ jsonrpc: '2.0', method: 'notifications/progress', params: {} }),
        (request) => replies.event(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},"result":{"x":1}}`),
      ]),
    );
    expect(bodyOf(await rest('tools/call', '{"tool":"t"}'))['result']).toEqual({ x: 1, resultType: 'complete' });
  });

  test('many at once in one legacy session have ids of their own and each gets its own answer', async () => {
    old.reply = oldServer.reply(async (request, socket) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
      const message = JSON.parse(request.body.toString()) as { params: { arguments: { nonce: number } } };
      await replies.result(`nonce ${message.params.arguments.nonce}`)(request, socket);
    });
    const before = old.hits;
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, nonce) => (await rest('tools/call', `{"tool":"t","arguments":{"nonce":${nonce}}}`, {}, 'old')).body.toString()),
    );
    answers.forEach((answer, nonce) => expect(answer).toContain(`"nonce ${nonce}"`));
    const ids = old.requests.slice(before).map((request) => replies.idText(request.body));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('a session at a legacy server', () => {
  test('that was lost is opened anew, once, and the call is made', async () => {
    const lost = replies.json({ jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } }, { status: 404 });
    expect((await rest('tools/call', '{"tool":"t"}', {}, 'old')).status).toBe(200);
    const known = oldServer.opened;
    old.reply = oldServer.reply((request, socket) =>
      (request.header('mcp-session-id')[0] === `session-${known}` ? lost : replies.defaultReply)(request, socket),
    );
    const many = await Promise.all(Array.from({ length: 10 }, () => rest('tools/call', '{"tool":"t"}', {}, 'old')));
    expect(many.map((reply) => reply.status)).toEqual(many.map(() => 200));
    expect(oldServer.opened).toBe(known + 1);
    old.reply = oldServer.reply(lost);
    expect((await rest('tools/call', '{"tool":"t"}', {}, 'old')).status).toBe(502);
  });
});

test('U9: a caller without an X-Request-ID who leaves cancels the call in the way of the era', async () => {
  upstream.reply = modernServer(replies.silence);
  old.reply = oldServer.reply(replies.silence);
  for (const [server, of] of [
    ['s1', upstream],
    ['old', old],
  ] as const) {
    const before = of.hits;
    const connection = await openRaw(door.port);
    connection.write(postBytes(door, `/v1/mcp/${server}/tools/call`, '{"tool":"leaving"}'));
    const request = await until(() => of.requests.slice(before).find(({ body }) => body.includes('leaving')));
    connection.reset();
    await until(() => request.abandoned || of.requests.some(({ body }) => body.includes('notifications/cancelled')), { timeoutMs: 1_000 });
  }
});

test('A19: a caller whose key is revoked in the midst of a call hears of it, with an X-Request-ID and without one, and the server is told', async () => {
  const headers = { Authorization: `Bearer ${otherKey}` };
  expect((await rest('tools/call', '{"tool":"t"}', headers, 'patient')).status).toBe(200);
  upstream.reply = replies.silence;
  const hits = upstream.hits;
  const calls = [headers, { ...headers, 'X-Request-ID': 'revoked-in-flight' }].map((sent) => rest('tools/call', '{"tool":"t"}', sent, 'patient'));
  await upstream.received(hits + 2);
  door.revoke(otherKey);
  for (const reply of await Promise.all(calls)) expect([reply.status, bodyOf(reply)]).toMatchObject([401, { error: 'unauthorized', fix: expect.any(String) }]);
  await until(() => upstream.requests.slice(-2).every(({ abandoned }) => abandoned), { what: 'the end of both at the server' });
});

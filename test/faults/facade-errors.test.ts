/** The REST façade over the wire: S0's error codes, and what a caller learns of a server that fails. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLegacyServer, expectHealthy, expectRefusal, modernServer, post } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import type { RawReply } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import * as replies from '../support/replies.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let scoped: TestDoor;
let upstream: RecordingUpstream;
let old: RecordingUpstream;
const oldServer = createLegacyServer();
let hits = 0;

beforeAll(async () => {
  upstream = await startRecordingUpstream(modernServer());
  old = await startRecordingUpstream(oldServer.reply());
  const servers = [
    { origin: `http://127.0.0.1:${upstream.port}`, timeoutMs: 700 },
    { name: 'old', origin: `http://127.0.0.1:${old.port}`, timeoutMs: 700 },
    { name: 'gone', origin: 'http://127.0.0.1:1' },
  ];
  door = await startDoor({ servers });
  scoped = await startDoor({ servers, principal: { servers: ['s1'], actions: ['tools.list'] } });
  await rest('tools/list');
});
beforeEach(() => {
  upstream.reply = modernServer();
  old.reply = oldServer.reply();
  hits = upstream.hits;
});
afterAll(async () => {
  await expectHealthy(door);
  await Promise.all([door.stop(), scoped.stop()]);
  await Promise.all([upstream.stop(), old.stop()]);
});

function rest(operation: string, body = '{}', headers: Record<string, string> = {}, server = 's1', to = door): Promise<RawReply> {
  return post(to, body, headers, `/v1/mcp/${server}/${operation}`);
}

const bodyOf = (reply: RawReply): Record<string, unknown> => JSON.parse(reply.body.toString()) as Record<string, unknown>;

describe('errors', () => {
  async function code(reply: RawReply, status: number, arrived = 0): Promise<unknown> {
    const body = await expectRefusal(door, reply, status, upstream, hits + arrived);
    hits = upstream.hits;
    expect(body).toMatchObject({
      message: expect.any(String),
      fix: expect.any(String),
      docs: `docs/reference/faults.md#${String(body['error'])}`,
      request_id: reply.header('x-request-id'),
    });
    return body['error'];
  }

  test('a malformed body', async () => {
    const bodies: [string, string][] = [
      ['{', 'parse_error'],
      ['', 'parse_error'],
      ['[]', 'invalid_request'],
      ['null', 'invalid_request'],
      ['{"arguments":{}}', 'invalid_request'],
      ['{"tool":1}', 'invalid_request'],
      ['{"tool":null}', 'invalid_request'],
      ['{"tool":"t","arguments":[]}', 'invalid_request'],
      ['{"tool":"t","arguments":"{}"}', 'invalid_request'],
      ['{"tool":"t","argument":{}}', 'invalid_request'],
      ['{"tool":"t","tool":"u"}', 'invalid_request'],
      ['{"tool":"t","t\\u006fol":"u"}', 'invalid_request'],
      ['{"tool":"t","__proto__":{}}', 'invalid_request'],
      ['{"tool":"t","_meta":{}}', 'invalid_request'],
      [`{"tool":"t","arguments":${'['.repeat(70)}${']'.repeat(70)}}`, 'invalid_request'],
    ];
    for (const [body, expected] of bodies) expect([body, await code(await rest('tools/call', body), 400)]).toEqual([body, expected]);
    expect(await code(await rest('tools/list', '{"cursor":1}'), 400)).toBe('invalid_request');
    expect(await code(await rest('tools/list', '{"tool":"t"}'), 400)).toBe('invalid_request');
  });

  test('an unknown member is named, with those that there are', async () => {
    expect(bodyOf(await rest('tools/call', '{"tool":"t","argumnts":{}}'))['message']).toMatch(/`argumnts`.*`tool`, `arguments`/);
  });

  test('no credential, a server that does not exist, an operation that does not exist', async () => {
    expect(await code(await rest('tools/call', '{"tool":"t"}', { Authorization: '' }), 401)).toBe('unauthorized');
    expect(await code(await rest('tools/call', '{"tool":"t"}', {}, 'unknown'), 404)).toBe('not_found');
    for (const [server, headers] of [
      ['unknown', {}],
      ['s1', { Authorization: '' }],
      ['s1', { 'Content-Type': 'text/plain' }],
    ] as const) {
      const reply = await rest('tools/call', '{"tool":"t"}', { 'X-Trace-ID': 'a-run', ...headers }, server);
      expect([reply.status >= 400, reply.header('x-trace-id')]).toEqual([true, 'a-run']);
    }
    for (const operation of ['tools/read', 'tools/delete', 'tools', 'tools/call/x', 'prompts/call', '../tools/list'])
      expect(await code(await rest(operation), 404)).toBe('not_found');
  });

  test('a key that is scoped to servers gets 403 for any other name, existing or not, in the same bytes', async () => {
    const bodies = new Set<string>();
    for (const server of ['old', 'gone', 'unknown', 's1x']) {
      const reply = await rest('tools/list', '{}', {}, server, scoped);
      expect((await expectRefusal(scoped, reply, 403, upstream, hits))['error']).toBe('forbidden');
      bodies.add(reply.body.toString().replace(/req_\w+/, ''));
    }
    expect(bodies.size).toBe(1);
    const journal = (await scoped.journal()).toString('latin1');
    expect([journal.match(/forbidden/g)?.length, journal.match(/blocked/g)?.length]).toEqual([4, 4]);
    expect((await expectRefusal(scoped, await rest('tools/call', '{"tool":"t"}', {}, 's1', scoped), 403, upstream, hits))['error']).toBe('forbidden');
    expect((await rest('tools/list', '{}', {}, 's1', scoped)).status).toBe(200);
  });

  test("an error of the server is 502 mcp_error with what it said; a tool's own error is 200", async () => {
    upstream.reply = modernServer((request, socket) =>
      replies.json(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},"error":{"code":-32602,"message":"Unknown tool: t","data":{"x":1}}}`)(
        request,
        socket,
      ),
    );
    const reply = await rest('tools/call', '{"tool":"t"}');
    expect([await code(reply, 502, 1), bodyOf(reply)['cause']]).toEqual(['mcp_error', { code: -32602, message: 'Unknown tool: t' }]);
    upstream.reply = modernServer(replies.result('no', { isError: true }));
    expect((await rest('tools/call', '{"tool":"t"}')).status).toBe(200);
  });

  test.each([
    ['silence', replies.silence, 504, 'mcp_timeout'],
    ['a reset', replies.resetBeforeHeaders, 502, 'upstream_reset'],
    ['half a reply', replies.cut(100, 10, 'reset'), 502, 'upstream_reset'],
    ['a redirect', replies.redirect('http://127.0.0.1:1/'), 502, 'upstream_redirect'],
    ['HTML', replies.json('<p>SECRET-OF-UPSTREAM', { status: 500, headers: { 'content-type': 'text/html' } }), 502, 'upstream_invalid'],
    ['no JSON', replies.json('SECRET-OF-UPSTREAM'), 502, 'upstream_invalid'],
    ['a notification only', replies.stream([replies.event({ jsonrpc: '2.0', method: 'notifications/progress' })]), 502, 'upstream_invalid'],
    ['neither result nor error', replies.json({ jsonrpc: '2.0', id: 1 }), 502, 'upstream_invalid'],
  ])('%s', async (_, reply, status, expected) => {
    upstream.reply = modernServer(reply);
    expect(await code(await rest('tools/call', '{"tool":"t"}'), status, 1)).toBe(expected);
  });

  test('a server that cannot be reached', async () => {
    expect(await code(await rest('tools/list', '{}', {}, 'gone'), 502)).toBe('upstream_unreachable');
  });

  test('a tool that asks for input: 502 mcp_error at once', async () => {
    upstream.reply = modernServer(
      replies.json({ jsonrpc: '2.0', id: 1, result: { resultType: 'input_required', inputRequests: { a: { method: 'elicitation/create' } } } }),
    );
    expect(await code(await rest('tools/call', '{"tool":"t"}'), 502, 1)).toBe('mcp_error');
  });

  test('a tool of before 2026-07-28 that asks is told that nobody can answer, and its answer to that is the result', async () => {
    const asking = replies.stream(
      (async function* () {
        yield replies.event({ jsonrpc: '2.0', id: 'p', method: 'ping' });
        yield replies.event({ jsonrpc: '2.0', id: 'e1', method: 'elicitation/create', params: { message: 'Name?' } });
        await until(() => old.requests.some(({ body }) => body.includes('"e1"') && body.includes('-32601')));
        await until(() => old.requests.some(({ body }) => body.includes('"p"') && body.includes('"result":{}')));
        const call = old.requests.find(({ body }) => body.includes('"asking"'));
        yield replies.event(`{"jsonrpc":"2.0","id":${replies.idText(call?.body ?? Buffer.alloc(0))},"result":{"content":[],"isError":true}}`);
      })(),
    );
    old.reply = oldServer.reply(replies.when(({ body }) => body.includes('"asking"'), asking, replies.empty(202)));
    const reply = await rest('tools/call', '{"tool":"asking"}', {}, 'old');
    expect([reply.status, bodyOf(reply)['result']]).toEqual([200, { content: [], isError: true, resultType: 'complete' }]);
  });
});

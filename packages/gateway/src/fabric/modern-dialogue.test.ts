/** Requests to a scripted server of 2026-07-28, seen from both ends. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { askedFace, begin, callTool, serverAt, startServers, testFace, type TestServers } from '../../../../test/support/dialogues.ts';
import { until } from '../../../../test/support/poll.ts';
import { startRecordingUpstream, type RecordedRequest, type RecordingUpstream } from '../../../../test/support/recording-upstream.ts';
import * as replies from '../../../../test/support/replies.ts';
import { bounds } from '../kernel/bounds.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';

let upstream: RecordingUpstream;
let servers: TestServers;
let server: Server;
beforeEach(async () => {
  // Asked for its era, it says that it is of this one.
  upstream = await startRecordingUpstream();
  servers = startServers();
  server = serverAt(upstream.url, { timeoutMs: 600 });
});
afterEach(async () => {
  await servers.stop();
  await upstream.stop();
});

const text = ({ body }: RecordedRequest): string => body.toString();
const calls = (): RecordedRequest[] => upstream.requests.filter((request) => text(request).includes('"tools/call"'));
const paramsOf = (request: RecordedRequest | undefined): Record<string, unknown> =>
  (JSON.parse(request ? text(request) : '{}') as { params: Record<string, unknown> }).params;

function answer(member: string): replies.Reply {
  return (request, socket) => replies.json(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},${member}}`)(request, socket);
}

describe('M22: an address that is no web page', () => {
  const bad = ['javascript:alert(1)', 'JavaScript:x', 'file:///etc/passwd', 'data:text/html,x', 'data:image/svg+xml,x', 'vbscript:x', 'https:', 7];
  const good = ['https://a.test/i.png', 'data:image/png;base64,AA=='];
  const icons = [...bad, ...good].map((src) => ({ src }));
  const kept = good.map((src) => ({ src }));

  test('is no icon of what a server lists, links to or is; all else keeps its bytes', async () => {
    const tool = '{"name":"t","inputSchema":{"default":12345678901234567890,"icons":["javascript:x"]},"icons":ICONS}';
    const info = '{"name":"s","version":"1","websiteUrl":"javascript:x","icons":ICONS}';
    const given = `{ "resultType":"complete","ttlMs":1,"cacheScope":"private","tools":[ ${tool} ],"_meta":{"io.modelcontextprotocol/serverInfo":${info}}}`;
    upstream.reply = answer(`"result":${given.replaceAll('ICONS', JSON.stringify(icons))}`);
    const told = await begin(servers, { server, method: 'tools/list', inputs: 'return' }).end;
    const expected = given.replaceAll('ICONS', JSON.stringify(kept)).replace('"websiteUrl":"javascript:x",', '');
    expect(told.kind === 'result' && told.result).toBe(expected);
    for (const member of ['\\u0069cons', 'icons']) {
      upstream.reply = answer(`"result":{"resultType":"complete","content":[{"type":"resource_link","uri":"a:b","${member}":[{"src":"javascript:x"}]}]}`);
      const called = await callTool(servers, server, 't', { inputs: 'return' }).end;
      expect(called.kind === 'result' && called.result).not.toContain('javascript:');
    }
  });

  test('is asked of nobody: the call fails', async () => {
    for (const url of bad) {
      const params = { mode: 'url', message: 'm', url };
      upstream.reply = answer(`"result":${JSON.stringify({ resultType: 'input_required', inputRequests: { k: { method: 'elicitation/create', params } } })}`);
      for (const inputs of ['return', 'ask'] as const)
        await expect(callTool(servers, server, 't', { face: askedFace, inputs }).end).rejects.toMatchObject({ code: 'upstream_invalid' });
    }
  });
});

describe('a request', () => {
  test('has the claims of its client in the envelope and its headers mirror it', async () => {
    const face = { ...askedFace, logLevel: 'info' };
    const params = '{"name":"é","arguments":{"n":12345678901234567890},"_meta":{"a.b/c":1,"traceparent":"00-1"}}';
    await begin(servers, { server, method: 'tools/call', params, name: 'é', face, mirrored: ['Mcp-Param-Region', 'x'] }).end;
    const [request] = calls();
    expect(request?.header('mcp-name')).toEqual([`=?base64?${Buffer.from('é').toString('base64')}?=`]);
    expect([request?.header('mcp-method'), request?.header('mcp-protocol-version'), request?.header('mcp-param-region')]).toEqual([
      ['tools/call'],
      ['2026-07-28'],
      ['x'],
    ]);
    expect(request && text(request)).toContain('"arguments":{"n":12345678901234567890}');
    expect(paramsOf(request)['_meta']).toEqual({
      'a.b/c': 1,
      traceparent: request?.header('traceparent')[0],
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'tests', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': JSON.parse(askedFace.capabilities) as object,
      'io.modelcontextprotocol/logLevel': 'info',
    });
  });

  test('is told each notification as it comes, and the result byte for byte', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const result = '{ "resultType":"complete", "n":12345678901234567890,"dup":1,"dup":2,"s":"\\u00e9" }';
    const notification = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":12345678901234567890,"progress":1}}';
    upstream.reply = (request, socket) =>
      replies.stream(
        (async function* () {
          yield replies.event(notification);
          await promise;
          yield replies.event(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},"result":${result}}`);
        })(),
      )(request, socket);
    const told = callTool(servers, server, 't');
    await until(() => told.notifications[0]);
    expect(told.notifications).toEqual([notification]);
    resolve();
    expect(await told.end).toMatchObject({ kind: 'result', result });
  });

  test('that is cancelled loses its connection, and nothing follows', async () => {
    upstream.reply = replies.stream([': begun\n\n'], 'open');
    const told = callTool(servers, server, 't');
    const request = await upstream.received(1);
    told.dialogue.cancel();
    await until(() => request.abandoned);
    expect(await Promise.race([told.end, Promise.resolve('nothing')])).toBe('nothing');
  });

  test('that is cancelled before it was sent is not sent', async () => {
    callTool(servers, server, 't').dialogue.cancel();
    await callTool(servers, server, 'other').end;
    expect(calls()).toHaveLength(1);
  });

  test.each([
    [400, -32_602],
    [404, -32_601],
    [400, -32_021],
    [200, -32_603],
  ])('is told the error of the server with its status %i', async (status, code) => {
    const error = `{"code":${code},"message":"no","data":{"n":12345678901234567890}}`;
    upstream.reply = (request, socket) => replies.json(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},"error":${error}}`, { status })(request, socket);
    expect(await callTool(servers, server, 't').end).toMatchObject({ kind: 'error', code, httpStatus: status, error });
  });

  test.each([
    ['silence', replies.silence, 'mcp_timeout'],
    ['a redirect', replies.redirect('http://127.0.0.1:1/'), 'upstream_redirect'],
    ['a refused credential', replies.json('{}', { status: 401 }), 'upstream_refused'],
    ['no JSON', replies.json('{"jsonrpc":'), 'upstream_invalid'],
    ['a stream of no JSON', replies.stream(['data: x\n\n']), 'upstream_invalid'],
    ['a stream that ends early', replies.stream([': x\n\n']), 'upstream_invalid'],
    ['an error page', replies.json('<p>', { status: 500, headers: { 'content-type': 'text/html' } }), 'upstream_invalid'],
  ])('to a server that answers with %s is a fault', async (_, reply, code) => {
    upstream.reply = reply;
    await expect(callTool(servers, server, 't').end).rejects.toMatchObject({ code });
  });
});

test.each([
  ['a body', replies.cut(2 * bounds.fabricMessageBytesMax, bounds.fabricMessageBytesMax + 1, 'stall')],
  ['an event', replies.stream([`data: ${' '.repeat(bounds.fabricMessageBytesMax)}`, ' '], 'open')],
])('%s of more than the bound is a fault, and is not read to its end', async (_, reply) => {
  upstream.reply = reply;
  await expect(callTool(servers, server, 't').end).rejects.toMatchObject({ code: 'upstream_invalid' });
  await until(() => calls()[0]?.abandoned);
});

test('a stream of many messages has no such bound', async () => {
  upstream.reply = replies.bigStream(bounds.fabricMessageBytesMax + 1_000_000, 4 * 1024 * 1024);
  expect(await callTool(servers, server, 't').end).toMatchObject({ kind: 'result' });
});

describe('a server that needs input', () => {
  const needed = (n: number): string =>
    `"result":{"resultType":"input_required","requestState":"s${n}\\u00e9","inputRequests":{"q":{"method":"elicitation/create","params":{"n":12345678901234567890}}}}`;

  test('gets the same parameters again, with the answers and its state as it was written, under a new id', async () => {
    for (const member of [needed(1), needed(2)]) upstream.next(answer(member));
    const params = '{"name":"t","arguments":{"n":12345678901234567890},"requestState":"old","inputResponses":{"old":{}}}';
    const told = begin(servers, { server, method: 'tools/call', params, name: 't', face: askedFace }, () => ({
      result: '{"action":"accept","content":{"n":1.0}}',
    }));
    await told.end;
    expect(told.asks.map(({ key, params: asked }) => [key, asked])).toEqual([
      ['1.q', '{"n":12345678901234567890}'],
      ['2.q', '{"n":12345678901234567890}'],
    ]);
    const [first, second, third] = calls();
    expect(first && text(first)).toContain('"requestState":"old"');
    for (const [request, state] of [
      [second, 's1'],
      [third, 's2'],
    ] as const)
      expect(request && text(request)).toContain(
        `"arguments":{"n":12345678901234567890},"requestState":"${state}\\u00e9","inputResponses":{"q":{"action":"accept","content":{"n":1.0}}}`,
      );
    expect(new Set(calls().map(({ body }) => replies.idText(body))).size).toBe(3);
  });

  test('and gives nothing but a state gets it back at once', async () => {
    upstream.next(answer('"result":{"resultType":"input_required","requestState":"s"}'));
    expect(await callTool(servers, server, 't').end).toMatchObject({ kind: 'result' });
    expect(paramsOf(calls()[1])).toMatchObject({ name: 't', requestState: 's' });
  });

  test('is told of a person who could not be asked; without a completion there is no retry', async () => {
    const error = '{"code":-1,"message":"no"}';
    upstream.next(answer(needed(1)));
    await callTool(servers, server, 't', { face: askedFace }, () => ({ error })).end;
    expect(paramsOf(calls()[1])).toMatchObject({ inputResponses: { q: { action: 'cancel' } } });
    upstream.next(answer('"result":{"resultType":"input_required","inputRequests":{"q":{"method":"sampling/createMessage"}}}'));
    expect(await callTool(servers, server, 't', { face: askedFace }, () => ({ error })).end).toMatchObject({ kind: 'error', code: -1, error });
  });

  test.each([
    ['what was not declared', needed(1), testFace],
    ['nothing', '"result":{"resultType":"input_required"}', askedFace],
    ['what is no question', '"result":{"resultType":"input_required","inputRequests":{"q":{"method":"tools/call"}}}', askedFace],
    [
      'too much at once',
      `"result":${JSON.stringify({ resultType: 'input_required', inputRequests: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [n, { method: 'roots/list' }])) })}`,
      askedFace,
    ],
    ['again and again', needed(1), askedFace],
  ])('and asks for %s is a fault', async (_, member, face) => {
    upstream.reply = answer(member);
    const told = callTool(servers, server, 't', { face }, () => ({ result: '{}' }));
    await expect(told.end).rejects.toMatchObject({ code: 'upstream_invalid' });
    expect(calls().length).toBeLessThan(12);
  });
});

describe('headers that a tool asks for', () => {
  const schema = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' }, size: { type: 'integer', 'x-mcp-header': 'Size' } } };

  beforeEach(() => {
    upstream.reply = (request, socket) => {
      const body = text(request);
      if (body.includes('"tools/list"')) {
        const page = body.includes('"cursor":"2"') ? { tools: [{ name: 't', inputSchema: schema }] } : { tools: [], nextCursor: '2' };
        return answer(`"result":${JSON.stringify({ resultType: 'complete', ttlMs: 0, cacheScope: 'private', ...page })}`)(request, socket);
      }
      if (request.header('mcp-param-region')[0] === 'west' && request.header('mcp-param-size')[0] === '7') return replies.result('ok')(request, socket);
      const error = '"error":{"code":-32020,"message":"Mcp-Param-Region is missing"}';
      return replies.json(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},${error}}`, { status: 400 })(request, socket);
    };
  });
  const params = '{"name":"t","arguments":{"region":"west","size":7}}';

  test('are looked up for a caller who gave none, and remembered', async () => {
    for (let round = 0; round < 2; round++) expect(await callTool(servers, server, 't', { params }).end).toMatchObject({ kind: 'result' });
    expect(upstream.requests.map((request) => /"method":"([^"]+)"/.exec(text(request))?.[1])).toEqual([
      'tools/call',
      'tools/list',
      'tools/list',
      'tools/call',
      'tools/call',
    ]);
  });

  test('are the business of a caller who gave some; and what they cannot mend is told', async () => {
    expect(await callTool(servers, server, 't', { params, mirrored: ['Mcp-Param-Region', 'west'] }).end).toMatchObject({ kind: 'error', code: -32_020 });
    expect(upstream.hits).toBe(1);
    expect(await callTool(servers, server, 't', { params: '{"name":"t"}' }).end).toMatchObject({ kind: 'error', code: -32_020 });
  });
});

describe('which eras a server serves', () => {
  const legacyAnswer = replies.json({ jsonrpc: '2.0', id: null, error: { code: -32_000, message: 'Server not initialized' } }, { status: 400 });
  const odd = { supportedVersions: ['2025-11-25'] };

  test.each([
    ['an error of before', legacyAnswer, false],
    ['the same with another code', replies.json({ jsonrpc: '2.0', id: 1, error: { code: -32_601, message: 'no' } }), false],
    ['404', replies.empty(404), false],
    ['no JSON', replies.json('ok'), false],
    ['silence', replies.silence, false],
    ['versions of before only', answer(`"result":${JSON.stringify(odd)}`), false],
    ['a version error that names none of now', answer(`"error":{"code":-32022,"message":"no","data":{"supported":["2025-11-25"]}}`), false],
    ['a version error that names one of now', answer(`"error":{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}`), true],
    ['a version to come', answer('"error":{"code":-32022,"message":"no","data":{"supported":["2027-01-01"]}}'), true],
    ['a missing header', answer('"error":{"code":-32020,"message":"no"}'), true],
  ])('is read from its answer: %s', async (_, reply, modern) => {
    upstream.reply = replies.scriptsEras(replies.when((request) => text(request).includes('"server/discover"'), reply, replies.empty(400)));
    expect(await servers.findIfServes(server, 'modern')).toBe(modern);
    expect(await servers.findIfServes(server, 'legacy')).toBe(!modern);
  });

  test.each([
    ['503', replies.empty(503), 'upstream_invalid'],
    ['a reset', replies.resetBeforeHeaders, 'upstream_reset'],
    ['a refused credential', replies.empty(401), 'upstream_refused'],
  ])('is not known where it could not answer: %s', async (_, reply, code) => {
    upstream.reply = replies.scriptsEras(reply);
    await expect(servers.findIfServes(server, 'modern')).rejects.toMatchObject({ code });
    expect(servers.serves(server, 'modern')).toBeNull();
  });
});

/** Rules of `transforms` on their way through a worker: relayed, in batches, over REST. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TransformData } from '../../packages/gateway/src/snapshot/transform-data.ts';
import { callTool, expectHealthy, legacyBody, legacyVersion, mirrors, modernBody, modernMeta, modernServer, post } from '../support/calls.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import type { RawReply } from '../support/raw-client.ts';
import { event, idText, json, scriptsEras, stream } from '../support/replies.ts';
import { startEraServer, type EraServer } from '../support/era-server.ts';
import { plainEndpointData } from '../support/server-data.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

const none = { tool: null, request: [], mirrors: {}, headers: [], response: [] };
const transforms: TransformData[] = [
  {
    ...none,
    tool: 'query*',
    request: [
      { kind: 'rename', path: 'q', to: 'query' },
      { kind: 'default', path: 'limit', value: '10' },
      { kind: 'set', path: 'tenant', value: '"acme"' },
      { kind: 'restrict', path: 'region', enum: ['eu', 'us'], pattern: null, min: null, max: null },
    ],
    mirrors: { tenant: 'Tenant' },
  },
  { ...none, headers: [{ from: 'X-Tenant', to: 'X-Customer' }] },
  {
    ...none,
    tool: 'secret*',
    response: [
      { kind: 'redact', path: 'content.*.text', pattern: '[0-9]{4}', with: '####' },
      { kind: 'remove', path: 'debug' },
    ],
  },
];

let door: TestDoor;
let upstream: RecordingUpstream;
let real: EraServer;

beforeAll(async () => {
  [upstream, real] = await Promise.all([startRecordingUpstream(modernServer()), startEraServer('modern')]);
  const origin = `http://127.0.0.1:${upstream.port}`;
  door = await startDoor({
    endpoints: [plainEndpointData(['real']), plainEndpointData(['s1'], { name: 'v/tenants', path: '/mcp/v/tenants' })],
    servers: [
      { origin, timeoutMs: 20_000, transforms },
      { origin, timeoutMs: 20_000 },
      {
        name: 'real',
        origin: real.origin,
        timeoutMs: 20_000,
        cache: { lists: false, resources: false, tools: { tell: 60_000 }, ttlMs: 0, public: false },
        transforms: [
          {
            ...none,
            tool: 'tell',
            request: [
              { kind: 'restrict', path: 'region', enum: ['eu'], pattern: null, min: null, max: null },
              { kind: 'remove', path: 'region' },
            ],
            response: [{ kind: 'redact', path: 'content', pattern: 'done', with: '[redacted]' }],
          },
        ],
      },
    ],
  });
  await callTool(door);
  await post(door, modernBody('tools/call', { name: 'echo' }), mirrors('tools/call', 'echo'), '/mcp/s2');
});
beforeEach(() => {
  upstream.forget();
  upstream.reply = modernServer();
});
afterAll(async () => {
  await expectHealthy(door);
  await door.stop();
  await Promise.all([upstream.stop(), real.stop()]);
});

const sent = (index = 0): string => upstream.requests[index]?.body.toString('utf8') ?? '';

describe('arguments', () => {
  const body = `{ "jsonrpc":"2.0", "id" : 1,"method":"tools/call","params":{"name":"query_all","arguments":{ "q" : "x", "n":12345678901234567890 } ,"extra":[1.0],"_meta":${JSON.stringify(modernMeta)}}}`;

  test('are changed where a rule says so, and every other byte reaches the server as it was', async () => {
    const reply = await post(door, body, mirrors('tools/call', 'query_all'));
    expect(reply.status).toBe(200);
    expect(sent()).toBe(body.replace('"q"', '"query"').replace('890 }', '890,"limit":10,"tenant":"acme" }'));
    expect((await door.journal()).toString('latin1')).toContain('rename q to query\ndefault limit\nset tenant');
  });

  test('of a tool that no rule is for, and at a server without rules, stay as they are', async () => {
    await post(door, body.replace('query_all', 'other'), mirrors('tools/call', 'other'));
    await post(door, body, mirrors('tools/call', 'query_all'), '/mcp/s2');
    expect([sent(0), sent(1)]).toEqual([body.replace('query_all', 'other'), body]);
  });

  test('that are not allowed are refused in a form that a model can read, and do not reach the server', async () => {
    const reply = await callTool(door, 'query', { region: 'mars' });
    expect(reply.status).toBe(200);
    const { result } = JSON.parse(reply.body.toString()) as {
      result: { isError: boolean; content: { text: string }[]; _meta: Record<string, { code: string }> };
    };
    expect([result.isError, result._meta['gatewayops/error']?.code]).toEqual([true, 'argument_not_allowed']);
    expect((await door.journal()).toString('latin1')).toContain('restrict region');
    expect(result.content[0]?.text).toContain('The argument region is not allowed: it must be one of "eu", "us".');
    expect(upstream.hits).toBe(0);
  });

  test('over REST are changed and refused alike', async () => {
    const call = (args: string) => post(door, `{"tool":"query","arguments":${args}}`, { 'X-Tenant': 'a' }, '/v1/mcp/s1/tools/call');
    expect((await call('{"q":1.00}')).status).toBe(200);
    expect(sent(upstream.hits - 1)).toContain('"arguments":{"query":1.00,"limit":10,"tenant":"acme"}');
    const refused = await call('{"region":"mars"}');
    expect([refused.status, JSON.parse(refused.body.toString())]).toEqual([403, expect.objectContaining({ error: 'argument_not_allowed' })]);
  });

  test('in a batch are changed and refused alike', async () => {
    const batch = `[${legacyBody('tools/call', { name: 'query', arguments: { q: 1 } }, 1)},${legacyBody('tools/call', { name: 'query', arguments: { region: 'mars' } }, 2)}]`;
    const reply = await post(door, batch, { 'MCP-Protocol-Version': '2025-03-26', Accept: 'application/json' });
    expect(reply.body.toString()).toContain('argument_not_allowed');
    expect([upstream.hits, sent()]).toEqual([1, legacyBody('tools/call', { name: 'query', arguments: { query: 1, limit: 10, tenant: 'acme' } }, 1)]);
  });
});

describe('headers', () => {
  test('that mirror an argument follow it, those of others stay', async () => {
    await callTool(
      door,
      'query',
      { q: 'text', tenant: 'mine', region: 'eu' },
      { 'Mcp-Param-Q': 'text', 'Mcp-Param-Tenant': 'mine', 'Mcp-Param-Region': 'eu', 'Mcp-Param-Else': 'x' },
    );
    const [request] = upstream.requests;
    expect(['q', 'tenant', 'region', 'else'].map((name) => request?.header(`mcp-param-${name}`))).toEqual([['text'], ['acme'], ['eu'], ['x']]);
  });

  test('of callers are passed on where a rule names them, and only those', async () => {
    await callTool(door, 'any', {}, { 'X-Tenant': 'a b', 'X-Other': 'no', Cookie: 'a=b' });
    const [request] = upstream.requests;
    expect([
      request?.header('x-customer'),
      request?.header('x-tenant'),
      request?.header('x-other'),
      request?.header('cookie'),
      request?.header('authorization'),
    ]).toEqual([['a b'], [], [], [], []]);
    await callTool(door, 'any');
    expect(upstream.requests[1]?.header('x-customer')).toEqual([]);
  });

  test('that come twice are refused', async () => {
    const raw = await post(door, modernBody('tools/call', { name: 'any' }), { ...mirrors('tools/call', 'any'), 'X-Tenant': 'a\r\nx-tenant: b' });
    expect([raw.status, upstream.hits]).toEqual([400, 0]);
  });
});

describe('results', () => {
  const result = '{"debug":{"x":1},"content":[{"type":"text","text":"card 1234 and 12"}],"n":1.0,"resultType":"complete"}';
  const redacted = '{"content":[{"type":"text","text":"card #### and 12"}],"n":1.0,"resultType":"complete"}';

  test('of JSON are changed, with the length that they have then', async () => {
    upstream.reply = json(`{"jsonrpc":"2.0", "id":1,"result":${result} }`);
    const reply = await callTool(door, 'secret');
    expect([reply.complete, reply.body.toString()]).toEqual([true, `{"jsonrpc":"2.0", "id":1,"result":${redacted} }`]);
    expect((await door.journal()).toString('latin1')).toContain('response redact content.*.text\nresponse remove debug');
    upstream.reply = json(`{"jsonrpc":"2.0", "id":1,"result":${result} }`);
    expect((await callTool(door, 'other')).body.toString()).toContain(result);
  });

  test('of a stream are changed; what comes before goes on at once, without ids that could bring the rest unchanged', async () => {
    const progress = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1234}}';
    const text = `id: 1\ndata: ${progress}\n\n: comment\n\nevent: message\r\nid: 2\r\ndata: {"jsonrpc":"2.0","id":1,\r\ndata: "result":${result}}\r\n\r\n`;
    for (const pieces of [[text], text.split('')]) {
      upstream.reply = stream(pieces, 'end');
      const reply = await callTool(door, 'secret');
      const body = reply.body.toString();
      expect(body).toContain(`data: ${progress}\n\n`);
      expect(body).not.toContain('id: ');
      const data = body
        .split('\n\n')
        .at(-2)
        ?.split('\n')
        .filter((line) => line.startsWith('data: '))
        .map((line) => line.slice(6))
        .join('\n');
      expect(JSON.stringify(JSON.parse(data ?? ''))).toBe(JSON.stringify(JSON.parse(`{"jsonrpc":"2.0","id":1,"result":${redacted}}`)));
    }
  });

  test('that cannot be changed are not passed on', async () => {
    upstream.reply = json('{"result":');
    expect((await callTool(door, 'secret')).status).toBe(502);
    upstream.reply = json(`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"1234 ${'x'.repeat(5 * 1024 * 1024)}"}]}}`);
    const long = await callTool(door, 'secret');
    expect([long.status, long.body.toString()]).toEqual([502, expect.stringContaining('larger than')]);
    const twice = { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text: '1234' }] } };
    for (const reply of [
      json([twice]),
      stream([event([twice])], 'end'),
      stream([event(JSON.stringify([twice]).replace('"result"', '"\\u0072esult"'))], 'end'),
    ]) {
      upstream.reply = reply;
      expect((await callTool(door, 'secret')).body.toString()).toContain('upstream_invalid');
    }
    upstream.reply = json(JSON.stringify(twice).replace('"result"', '"\\u0072esult"'), { status: 404 });
    expect((await callTool(door, 'secret')).body.toString()).not.toContain('1234');
    upstream.reply = stream([event('{"result":')], 'end');
    expect((await callTool(door, 'secret')).body.toString()).toContain('upstream_invalid');
  });

  test('over REST are changed alike', async () => {
    upstream.reply = modernServer(json(`{"jsonrpc":"2.0","id":2,"result":${result}}`));
    const reply = await post(door, '{"tool":"secret"}', {}, '/v1/mcp/s1/tools/call');
    expect(reply.body.toString()).toContain(`{"result":${redacted},"metadata"`);
  });
});

test('a client of another era than the server meets the same rules', async () => {
  const result = '{"content":[{"type":"text","text":"card 1234"}],"debug":1,"resultType":"complete"}';
  upstream.reply = modernServer((request, socket) => json(`{"jsonrpc":"2.0","id":${idText(request.body)},"result":${result}}`)(request, socket));
  const opened = await post(door, legacyBody('initialize', { protocolVersion: legacyVersion, capabilities: {}, clientInfo: { name: 'c', version: '1' } }));
  const session = { 'MCP-Protocol-Version': legacyVersion, 'Mcp-Session-Id': opened.header('mcp-session-id') ?? '', 'X-Tenant': 'mine' };
  await post(door, legacyBody('tools/call', { name: 'query', arguments: { q: 1 } }, 2), session);
  expect(sent(upstream.hits - 1)).toContain('"arguments":{"query":1,"limit":10,"tenant":"acme"}');
  expect(upstream.requests.at(-1)?.header('x-customer')).toEqual(['mine']);
  const hits = upstream.hits;
  const refused = await post(door, legacyBody('tools/call', { name: 'query', arguments: { region: 'mars' } }, 3), session);
  expect([refused.status, refused.body.toString()]).toEqual([200, expect.stringContaining('argument_not_allowed')]);
  expect(upstream.hits).toBe(hits);
  const redacted = await post(door, legacyBody('tools/call', { name: 'secret' }, 4), session);
  expect(redacted.body.toString()).toContain('"text":"card ####"');
  expect(redacted.body.toString()).not.toContain('debug');
});

test('behind the aggregate the rules of the real server and tool hold, and its answers are kept', async () => {
  const call = (args: object): Promise<RawReply> =>
    post(door, modernBody('tools/call', { name: 'real__tell', arguments: args }), mirrors('tools/call', 'real__tell'), '/mcp');
  expect((await call({ region: 'mars' })).body.toString()).toContain('argument_not_allowed');
  for (const expected of ['gatewayops; fwd=miss', expect.stringMatching(/^gatewayops; hit/)]) {
    const reply = await call({ region: 'eu' });
    expect([reply.header('cache-status'), reply.body.toString()]).toEqual([expected, expect.stringContaining('"text":"[redacted]"')]);
  }
});

describe('a header that goes with every message', () => {
  /** A server that lists by the header. */
  beforeEach(() => {
    upstream.reply = scriptsEras((request, socket) => {
      const { method } = JSON.parse(request.body.toString()) as { method: string };
      if (method !== 'tools/list' && method !== 'server/discover') return modernServer()(request, socket);
      const [customer = 'none'] = request.header('x-customer');
      const said = method === 'tools/list' ? { tools: [{ name: `of_${customer}`, inputSchema: { type: 'object' } }] } : { capabilities: { tools: {} } };
      const result = { resultType: 'complete', supportedVersions: ['2026-07-28'], ttlMs: 60_000, cacheScope: 'private', ...said };
      return json(`{"jsonrpc":"2.0","id":${idText(request.body)},"result":${JSON.stringify(result)}}`)(request, socket);
    });
  });

  const list = async (headers: Record<string, string>): Promise<{ names: string[]; status: string | undefined }> => {
    const reply = await post(door, modernBody('tools/list'), { ...mirrors('tools/list'), ...headers }, '/mcp/v/tenants');
    const { result } = JSON.parse(reply.body.toString()) as { result: { tools: { name: string }[] } };
    return { names: result.tools.map(({ name }) => name), status: reply.header('cache-status')?.replace(/ttl=\d+/, 'ttl=n') };
  };

  test('reaches the lists of many servers as one, which are kept for callers of the same header alone', async () => {
    expect(await list({ 'X-Tenant': 'acme' })).toEqual({ names: ['s1__of_acme'], status: 'gatewayops; fwd=miss' });
    expect(await list({ 'X-Tenant': 'other' })).toEqual({ names: ['s1__of_other'], status: 'gatewayops; fwd=miss' });
    expect(await list({})).toEqual({ names: ['s1__of_none'], status: 'gatewayops; fwd=miss' });
    expect(await list({ 'X-Tenant': 'acme' })).toEqual({ names: ['s1__of_acme'], status: 'gatewayops; hit; ttl=n' });
    const call = (name: string): Promise<RawReply> =>
      post(door, modernBody('tools/call', { name, arguments: {} }), { ...mirrors('tools/call', name), 'X-Tenant': 'acme' }, '/mcp/v/tenants');
    expect((await call('s1__of_acme')).status).toBe(200);
    expect((await call('s1__of_other')).body.toString()).toContain('Unknown tool: s1__of_other');
  });

  test('and whether a list was at hand stand in the trace of the list', async () => {
    await list({ 'X-Tenant': 'traced' });
    const before = (await door.journal()).length;
    await list({ 'X-Tenant': 'traced' });
    await list({});
    const [first = '', second = ''] = (await door.journal()).subarray(before).toString('latin1').split('success').slice(1);
    expect([first.includes('header X-Tenant'), first.includes('\x03hit')]).toEqual([true, true]);
    expect([second.includes('header X-Tenant'), second.includes('\x03hit')]).toEqual([false, true]);
  });

  test('given twice is refused, and nothing is listed', async () => {
    const reply = await post(door, modernBody('tools/list'), { ...mirrors('tools/list'), 'X-Tenant': 'a\r\nx-tenant: b' }, '/mcp/v/tenants');
    expect([reply.status, reply.body.toString()]).toEqual([400, expect.stringContaining('X-Tenant')]);
    expect(upstream.requests.some(({ body }) => body.includes('tools/list'))).toBe(false);
  });
});

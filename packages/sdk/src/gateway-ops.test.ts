import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../test/support/poll.ts';
import * as sdk from './index.ts';

const { GatewayOps } = sdk;
const apiKey = 'gwo_test_0123456789';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Step = (response: ServerResponse, seen: Seen) => void;

/** A gateway whose every answer is written by the test; what comes beyond its script is cut off. */
let server: Server;
let url: string;
let seen: Seen[];
let script: Step[];

beforeEach(async () => {
  seen = [];
  script = [];
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      seen.push(one);
      (script.shift() ?? cut)(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const cut: Step = (response) => response.socket?.destroy();
const never: Step = () => undefined;
function json(body: unknown, status = 200, headers: Record<string, string> = {}): Step {
  return (response) =>
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req_1', 'x-trace-id': 'tr_1', ...headers }).end(JSON.stringify(body));
}
function faultAnswer(error: string, status: number, headers: Record<string, string> = {}, more: object = {}): Step {
  return json({ error, message: `It is ${error}.`, fix: 'Mend it.', docs: 'x', request_id: 'req_1', ...more }, status, headers);
}
function events(...parts: string[]): Step {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const part of parts) response.write(part);
  };
}
function then(first: Step, last: (response: ServerResponse) => void): Step {
  return (response, one) => {
    first(response, one);
    setImmediate(() => last(response));
  };
}
const client = (options: sdk.GatewayOpsOptions = {}): sdk.GatewayOps => new GatewayOps({ gatewayUrl: url, apiKey, ...options });
const answer = { result: { content: [{ type: 'text', text: 'hi' }] }, metadata: { trace_id: 'tr_1', latency_ms: 1, cost: 0.001 } };

describe('a request', () => {
  test('carries the key, the trace and what the caller adds, and its names and query in the address', async () => {
    script = [json({ user: {} }), json({ users: [], cursor: null, has_more: false })];
    const one = client({ gatewayUrl: `${url}/gw/`, traceId: 'run-1', headers: { 'x-a': '1', Authorization: 'nothing' } });
    await one.users.get('ana b/ü');
    await one.users.list({ team_id: 'a&b', limit: 5 }, { traceId: 'run-2', headers: { 'x-b': '2' } }).page();
    expect(seen.map(({ method, url }) => [method, url])).toEqual([
      ['GET', '/gw/v1/users/ana%20b%2F%C3%BC'],
      ['GET', '/gw/v1/users?team_id=a%26b&limit=5'],
    ]);
    expect(seen[0]?.headers).toMatchObject({ authorization: `Bearer ${apiKey}`, 'x-trace-id': 'run-1', 'x-a': '1' });
    expect(seen[1]?.headers).toMatchObject({ 'x-trace-id': 'run-2', 'x-b': '2' });
  });

  test('gives its headers and ids when asked, and fails in one place only', async () => {
    script = [json({ team: { id: 't' } }, 200, { etag: '"3"' }), faultAnswer('unknown_object', 404)];
    const { data, response, requestId, traceId } = await client().teams.get('t').withResponse();
    expect([data.team.id, response.headers.get('etag'), requestId, traceId]).toEqual(['t', '"3"', 'req_1', 'tr_1']);
    await expect(client().teams.get('x').withResponse()).rejects.toBeInstanceOf(sdk.NotFoundError);
  });

  test('says the version that was read, and that nothing is to be changed', async () => {
    script = [json({ outcome: 'planned', team: {} }), json({}), (response) => response.writeHead(204).end(), json({})];
    await client().teams.update('t', { name: 'T' }, { ifMatch: '"3"', dryRun: true });
    await client().teams.delete('t', { ifMatch: '"4"', revokeKeys: true });
    expect(await client().policies.delete('p', { ifMatch: '"5"' })).toBeUndefined();
    await client().views.update('v', { shared_with: 'everyone' }, { ifMatch: '"6"' });
    expect(seen.map(({ method, url, headers, body }) => [method, url, headers['if-match'], body])).toEqual([
      ['PATCH', '/v1/teams/t?dry_run=true', '"3"', '{"name":"T"}'],
      ['DELETE', '/v1/teams/t?revoke_keys=true', '"4"', ''],
      ['DELETE', '/v1/policies/p', '"5"', ''],
      ['PATCH', '/v1/views/v', '"6"', '{"shared_with":"everyone"}'],
    ]);
  });

  test.each(['..', '.', ''])('with the name %j is refused before it leads elsewhere', async (name) => {
    await expect(client().teams.get(name)).rejects.toBeInstanceOf(sdk.UsageError);
    await expect(client().mcp.call({ server: name, tool: 't' })).rejects.toBeInstanceOf(sdk.UsageError);
    expect(seen).toEqual([]);
  });

  test('about the configuration names the object, what is said of it and the version that was read', async () => {
    script = Array.from({ length: 5 }, () => json({ outcome: 'planned' }));
    const one = client();
    await one.rateLimits.create({ name: 'default', spec: { limit: 5, window: '1m' } }, { dryRun: true });
    await one.virtualServers.replace('research', { servers: ['search'] }, { ifMatch: '"3"' });
    await one.tools.delete('search/query', { ifMatch: '"4"', dryRun: true });
    await one.organizations.delete('org_acme', { ifMatch: '"1"', cascade: true });
    await one.config.apply({ document: 'servers: []', base: '12.40.3' });
    expect(seen.map(({ method, url, headers, body }) => [method, url, headers['if-match'], body])).toEqual([
      ['POST', '/v1/rate-limits?dry_run=true', undefined, '{"name":"default","spec":{"limit":5,"window":"1m"}}'],
      ['PUT', '/v1/virtual-servers/research', '"3"', '{"spec":{"servers":["search"]}}'],
      ['DELETE', '/v1/tools/search%2Fquery?dry_run=true', '"4"', ''],
      ['DELETE', '/v1/organizations/org_acme?cascade=true', '"1"', ''],
      ['POST', '/v1/config/apply', undefined, '{"document":"servers: []","base":"12.40.3"}'],
    ]);
  });

  test('follows no redirect, which would take the key with it', async () => {
    script = [(response) => response.writeHead(302, { location: `${url}/elsewhere` }).end()];
    await expect(client().me.get()).rejects.toMatchObject({ name: 'UnreadableAnswerError', status: 302 });
    expect(seen).toHaveLength(1);
  });

  test('to something that is no gateway says so', async () => {
    script = [(response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')];
    await expect(client().me.get()).rejects.toMatchObject({ name: 'UnreadableAnswerError', code: 'gateway_unreachable' });
  });
});

describe('what goes wrong on the way', () => {
  test('a read is sent again, a change of what is there is not', async () => {
    script = [cut, faultAnswer('unavailable', 503, { 'retry-after': '0' }), json({ kind: 'key' })];
    expect(await client().me.get()).toEqual({ kind: 'key' });
    expect(seen).toHaveLength(3);
    script = [cut, json({})];
    await expect(client().keys.revoke('key_1')).rejects.toBeInstanceOf(sdk.ConnectionError);
    expect(seen).toHaveLength(4);
  });

  test('what makes something is sent again with its Idempotency-Key, also while the first is under way', async () => {
    script = [cut, faultAnswer('idempotency_key_in_use', 409, { 'retry-after': '0' }), json({ key: { id: 'key_1' } }, 201), json({}), json({})];
    expect(await client().keys.create({ name: 'x' })).toEqual({ key: { id: 'key_1' } });
    await client().keys.create({ name: 'x' });
    await client().keys.create({ name: 'x' }, { idempotencyKey: 'mine' });
    const [first, second, third, other, named] = seen.map(({ headers }) => headers['idempotency-key']);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect([second, third, named]).toEqual([first, first, 'mine']);
    expect(other).not.toBe(first);
  });

  test('a call of a tool is sent again with its id, also while the first is under way', async () => {
    const underWay = faultAnswer('request_in_flight', 409, { 'retry-after': '0' });
    script = [cut, underWay, underWay, json(answer)];
    const { result } = await client({ retries: 1 }).mcp.call({ server: 's', tool: 't', arguments: { a: 1 } });
    expect(result.content).toEqual([{ type: 'text', text: 'hi' }]);
    const ids = seen.map(({ headers }) => headers['x-request-id']);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(seen.map(({ url, body }) => `${url} ${body}`))).toEqual(new Set(['/v1/mcp/s/tools/call {"tool":"t","arguments":{"a":1}}']));
    script = [json(answer), json(answer)];
    await client().mcp.call({ server: 's', tool: 't' }, { requestId: 'mine' });
    await client().mcp.call({ server: 's', tool: 't' });
    expect(seen.slice(4).map(({ headers }) => headers['x-request-id'])).toEqual(['mine', expect.not.stringMatching('mine')]);
  });

  test('retries end, at the number that was asked for', async () => {
    script = [
      faultAnswer('rate_limit_exceeded', 429, { 'retry-after': '0' }),
      faultAnswer('rate_limit_exceeded', 429, { 'retry-after': '0' }, { limit: 3 }),
      json({}),
    ];
    await expect(client({ retries: 1 }).me.get()).rejects.toMatchObject({ name: 'RateLimitError', retryAfterMs: 0, details: { limit: 3 } });
    await expect(client({ retries: 0 }).me.get()).resolves.toEqual({});
    script = [cut];
    await expect(client({ retries: 0 }).me.get()).rejects.toBeInstanceOf(sdk.ConnectionError);
    script = [faultAnswer('rate_limit_exceeded', 429, { 'retry-after': '3600' })];
    await expect(client().me.get()).rejects.toMatchObject({ retryAfterMs: 3_600_000 });
    expect(seen).toHaveLength(5);
  });

  test('the time of a request is for all its tries', async () => {
    script = [never, faultAnswer('unavailable', 503, { 'retry-after': '30' })];
    const late = client({ timeoutMs: 1_500 }).me.get();
    late.catch(() => undefined);
    // Its time must not be over before it is there: it would take the answer of the next.
    await until(() => seen.length === 1, { what: 'the request' });
    await expect(late).rejects.toMatchObject({ name: 'TimedOutError', retryable: true });
    await expect(client().me.get({ timeoutMs: 5_000 })).rejects.toBeInstanceOf(sdk.UnavailableError);
    expect(seen).toHaveLength(2);
  });

  test('a caller who aborts gets their own reason, also while it waits for its next try', async () => {
    const reason = new Error('enough');
    expect(
      await client()
        .me.get({ signal: AbortSignal.abort(reason) })
        .catch((error: unknown) => error),
    ).toBe(reason);
    expect(seen).toEqual([]);
    const leaving = new AbortController();
    script = [faultAnswer('unavailable', 503, { 'retry-after': '20' })];
    const asked = client().me.get({ signal: leaving.signal });
    await until(() => seen.length === 1);
    leaving.abort(reason);
    expect(await asked.catch((error: unknown) => error)).toBe(reason);
  });
});

describe('lists', () => {
  test('go on by their cursor, page by page as they are read', async () => {
    const page = (names: string[], cursor: string | null): Step => json({ teams: names.map((id) => ({ id })), cursor, has_more: cursor !== null });
    script = [page(['a', 'b'], 'c1'), page([], 'c2'), page(['c'], null)];
    const found: string[] = [];
    for await (const team of client().teams.list({ q: 'x' })) found.push(team.id);
    expect(found).toEqual(['a', 'b', 'c']);
    expect(seen.map(({ url }) => url)).toEqual(['/v1/teams?q=x', '/v1/teams?q=x&cursor=c1', '/v1/teams?q=x&cursor=c2']);
    script = [page(['a', 'b'], 'c1')];
    expect((await client().teams.list().take(2)).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(seen).toHaveLength(4);
  });

  test('take a question, also in their body, and go on with it', async () => {
    script = [
      json({ traces: [{ id: 'tr_1' }], cursor: 'next', has_more: true }),
      json({ traces: [{ id: 'tr_2' }], cursor: null, has_more: false }),
      json({ policies: [], cursor: null, has_more: false }),
    ];
    const start_time = '2026-01-01T00:00:00Z';
    const found = await client().traces.search({ start_time, end_time: start_time, query: 'tool:x' }).take(5);
    await client().policies.list({ q: 'no', sort: '-name', effect: 'deny' }).page();
    expect(found.map(({ id }) => id)).toEqual(['tr_1', 'tr_2']);
    expect(seen.map(({ method, url, body }) => [method, url, body === '' ? '' : (JSON.parse(body) as { cursor?: string }).cursor])).toEqual([
      ['POST', '/v1/traces/search', undefined],
      ['POST', '/v1/traces/search', 'next'],
      ['GET', '/v1/policies?q=no&sort=-name&effect=deny', ''],
    ]);
  });

  test('of a server that names the same page for ever end', async () => {
    const same = json({ ...answer, result: { tools: [{ name: 'a' }], nextCursor: 'again' } });
    script = [same, same, same];
    await expect(client().mcp.listTools('s').take(10)).rejects.toMatchObject({ name: 'UnreadableAnswerError' });
    expect(seen.map(({ body }) => body)).toEqual(['{}', '{"cursor":"again"}']);
  });
});

describe('a call that is streamed', () => {
  const call = { server: 's', tool: 'größer', arguments: {} };
  const streamed =
    (more: (token: string) => string[]): Step =>
    (response, one) => {
      const { params } = JSON.parse(one.body) as { params: { _meta: { progressToken: string } } };
      events(...more(params._meta.progressToken))(response, one);
      response.end();
    };
  const message = (body: object): string => `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...body })}\n\n`;
  const collect = async (options?: sdk.RequestOptions): Promise<sdk.CallEvent[]> => {
    const found: sdk.CallEvent[] = [];
    for await (const event of client().mcp.stream(call, options)) found.push(event);
    return found;
  };

  test('shows its own progress and then its result', async () => {
    script = [
      streamed((token) => [
        message({ method: 'notifications/progress', params: { progressToken: 'other', progress: 9 } }),
        message({ method: 'notifications/progress', params: { progressToken: token, progress: 1, total: 2, message: 'half' } }),
        message({ id: 1, result: { content: [] } }),
      ]),
    ];
    expect(await collect()).toEqual([
      { type: 'progress', progress: 1, total: 2, message: 'half' },
      { type: 'result', result: { content: [] }, traceId: null },
    ]);
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
    expect(seen[0]?.body).toContain(`"io.modelcontextprotocol/clientInfo":{"name":"@gatewayops/sdk","version":"${version}"}`);
    expect(seen[0]?.headers).toMatchObject({ 'mcp-method': 'tools/call', 'mcp-name': '=?base64?Z3LDtsOfZXI=?=', 'mcp-protocol-version': '2026-07-28' });
  });

  test('is one event where the server streams nothing, and never sent twice', async () => {
    script = [json({ jsonrpc: '2.0', id: 1, result: { content: [] } }), cut, json({})];
    expect(await collect()).toEqual([{ type: 'result', result: { content: [] }, traceId: 'tr_1' }]);
    await expect(collect()).rejects.toBeInstanceOf(sdk.ConnectionError);
    expect(seen).toHaveLength(2);
  });

  test('fails with the class of what happened', async () => {
    const refusal = { content: [{ type: 'text', text: 'No.' }], isError: true, _meta: { 'gatewayops/error': { code: 'policy_denied', request_id: 'r' } } };
    script = [
      json({ jsonrpc: '2.0', id: 1, result: refusal }),
      json({ jsonrpc: '2.0', id: 1, error: { code: -31_401, message: 'Who?', data: { code: 'unauthorized', fix: 'Send a key.' } } }, 401),
      streamed(() => [message({ id: 1, error: { code: -32_602, message: 'Unknown tool' } })]),
      streamed(() => []),
    ];
    await expect(collect()).rejects.toMatchObject({ name: 'PermissionError', code: 'policy_denied', message: 'No.' });
    await expect(collect()).rejects.toMatchObject({ name: 'AuthenticationError', fix: 'Send a key.' });
    await expect(collect()).rejects.toMatchObject({ name: 'UpstreamError', code: 'mcp_error', message: 'Unknown tool' });
    await expect(collect()).rejects.toMatchObject({ name: 'UnreadableAnswerError' });
  });
});

describe('a live stream', () => {
  const calls = (...ids: string[]): string => ids.map((id) => `id: ${id}\nevent: call\ndata: {"tool":"${id}"}\n\n`).join('');

  test('goes on behind the last call, through lost connections of which it tells, and a gateway that restarts', async () => {
    script = [
      then(events('event: open\ndata: {"replayed":0}\n\n', calls('a', 'b'), 'event: heartbeat\ndata: {"dropped":0}\n\n'), (response) => response.destroy()),
      faultAnswer('draining', 503, { 'retry-after': '0' }),
      then(events(calls('c'), 'event: end\ndata: {"reason":"draining"}\n\n'), (response) => response.end()),
      events(calls('d')),
    ];
    const found: string[] = [];
    const onLost = (): void => void found.push('lost');
    for await (const event of client().traces.tail({ query: 'status:error', events: ['calls', 'metrics'] }, { onLost })) {
      found.push(event.type === 'call' ? event.id : event.type);
      if (found.at(-1) === 'd') break;
    }
    expect(found).toEqual(['open', 'a', 'b', 'lost', 'lost', 'c', 'lost', 'd']);
    expect(seen.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'b', 'b', 'c']);
    expect(seen[0]?.url).toBe('/v1/stream?query=status%3Aerror&events=calls%2Cmetrics');
  });

  test('closes its connection when its loop is left', async () => {
    let closed = false;
    script = [
      (response, one) => {
        response.on('close', () => (closed = true));
        events(calls('a'))(response, one);
      },
    ];
    for await (const event of client().traces.tail()) if (event.type === 'call') break;
    await until(() => closed);
  });

  test('ends for a key that is good no more, for a query that is none, and after its reconnects', async () => {
    const next = (options?: sdk.LiveOptions): Promise<unknown> => client().traces.tail({}, options)[Symbol.asyncIterator]().next();
    script = [events('event: end\ndata: {"reason":"unauthorized"}\n\n'), faultAnswer('query_invalid', 400), cut, cut];
    await expect(next()).rejects.toBeInstanceOf(sdk.AuthenticationError);
    await expect(next()).rejects.toBeInstanceOf(sdk.InvalidRequestError);
    await expect(next({ reconnects: 1 })).rejects.toBeInstanceOf(sdk.ConnectionError);
    expect(seen).toHaveLength(4);
  });

  test('of a caller who aborts ends with their reason', async () => {
    const leaving = new AbortController();
    script = [events(calls('a'))];
    const stream = client().traces.tail({}, { signal: leaving.signal })[Symbol.asyncIterator]();
    await stream.next();
    const waiting = stream.next();
    leaving.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});

describe('options', () => {
  test('come from the environment where none are given', async () => {
    process.env['GATEWAYOPS_URL'] = url;
    process.env['GATEWAYOPS_API_KEY'] = `${apiKey}\n`;
    try {
      script = [json({})];
      await new GatewayOps().me.get();
      expect(seen[0]?.headers.authorization).toBe(`Bearer ${apiKey}`);
    } finally {
      delete process.env['GATEWAYOPS_URL'];
      delete process.env['GATEWAYOPS_API_KEY'];
    }
    expect(() => new GatewayOps()).toThrow(sdk.UsageError);
  });

  test.each([
    { gatewayUrl: 'gateway' },
    { gatewayUrl: 'ftp://gateway' },
    { gatewayUrl: 'https://user:secret@gateway' },
    { apiKey: `${apiKey}\nx` },
    { timeoutMs: 0 },
    { retries: -1 },
  ])('%j is refused without showing a secret', (options) => {
    const made = (): sdk.GatewayOps => client(options);
    expect(made).toThrow(sdk.UsageError);
    expect(made).not.toThrow(/0123456789|secret/);
  });

  test('the key is in no log of the client or its errors', async () => {
    script = [faultAnswer('unauthorized', 401)];
    const one = client({ retries: 0 });
    const errors = [await one.me.get().catch((error: unknown) => error), await one.me.get().catch((error: unknown) => error)];
    expect(inspect([one, errors], { depth: 20, showHidden: true })).not.toContain(apiKey);
  });
});

test('the package offers these values', () => {
  expect(Object.keys(sdk).sort()).toEqual([
    'ApprovalRequiredError',
    'AuthenticationError',
    'ConflictError',
    'ConnectionError',
    'FaultError',
    'GatewayOps',
    'GatewayOpsError',
    'InvalidRequestError',
    'NotFoundError',
    'PermissionError',
    'RateLimitError',
    'TimedOutError',
    'UnavailableError',
    'UnreadableAnswerError',
    'UpstreamError',
    'UsageError',
    'WebhookError',
    'verifyWebhook',
  ]);
});

test('a file comes as it is, without a bound on the time to read it', async () => {
  script = [(response) => void response.writeHead(200, { 'content-type': 'text/csv' }).write('a,b\n')];
  const response = await client().audit.openExport({ start_time: 'a', end_time: 'b' }, { timeoutMs: 1_000 });
  expect(new TextDecoder().decode((await response.body?.getReader().read())?.value)).toBe('a,b\n');
});

describe('around requests', () => {
  test('middleware sees each that is sent, may change it and the answer, and never sees the key', async () => {
    script = [faultAnswer('unavailable', 503, { 'retry-after': '0' }), json({ kind: 'key' })];
    const met: string[] = [];
    const outer: sdk.Middleware = async (request, next) => {
      met.push(`${request.attempt} ${request.method} ${new URL(request.url).pathname} ${String(request.headers.get('authorization'))}`);
      const response = await next({ ...request, headers: new Headers({ ...Object.fromEntries(request.headers), 'x-outer': '1' }) });
      met.push(String(response.status));
      return response;
    };
    const inner: sdk.Middleware = (request, next) => {
      met.push(`inner ${String(request.headers.get('x-outer'))}`);
      return next(request);
    };
    expect(await client({ middleware: [outer, inner] }).me.get()).toEqual({ kind: 'key' });
    expect(met).toEqual(['1 GET /v1/me null', 'inner 1', '503', '2 GET /v1/me null', 'inner 1', '200']);
    expect(seen.map(({ headers }) => [headers['x-outer'], headers.authorization])).toEqual([
      ['1', `Bearer ${apiKey}`],
      ['1', `Bearer ${apiKey}`],
    ]);
  });

  test('middleware may answer itself, and sends the key nowhere else', async () => {
    const answering = client({ middleware: [async () => Response.json({ kind: 'kept' })] });
    expect(await answering.me.get()).toEqual({ kind: 'kept' });
    script = [json({})];
    await client({ gatewayUrl: `${url}/gw`, middleware: [(request, next) => next({ ...request, url: `${url}/elsewhere` })] }).me.get();
    expect(seen.map((one) => [one.url, one.headers.authorization])).toEqual([['/elsewhere', undefined]]);
  });

  test('the log says requests and what is sent again by its level, and never the key or a body', async () => {
    const said: string[] = [];
    const say = (level: string) => (text: string) => void said.push(`${level} ${text}`);
    const logger = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
    for (const logLevel of ['off', 'info', 'debug'] as const) {
      script = [cut, json({ key: {} })];
      await client({ logLevel, logger }).keys.create({ name: 'hidden-name' });
    }
    expect(said).toEqual([
      expect.stringMatching(/^info gatewayops: POST \/v1\/auth\/keys is sent again in \d+ ms: The gateway at /),
      expect.stringMatching(/^info gatewayops: POST \/v1\/auth\/keys is sent again in /),
      expect.stringMatching(/^debug gatewayops: POST \/v1\/auth\/keys 200 in \d+ ms, req_1$/),
    ]);
    expect(said.join()).not.toMatch(/hidden-name|gwo_/);
    expect(() => client({ logLevel: 'loud' as 'debug' })).toThrow(sdk.UsageError);
  });
});

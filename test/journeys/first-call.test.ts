import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canFindOwners } from '../support/connection-owner.ts';
import { ledgerRows } from '../support/ledger-rows.ts';
import { modernServer } from '../support/modern-server.ts';
import { nodePath, repositoryFolder } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { type Answer, jsonOf, modernRequest, post, toolCall } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { startReference } from '../support/reference.ts';
import { result } from '../support/replies.ts';
import { removeGatewayFolders, type RunningGateway, startGateway, temporaryFolder } from '../support/start-gateway.ts';
import { openWorkerConnections } from '../support/worker-connections.ts';

/** The journey: fresh state, official clients of both eras and the façade, stdio and HTTP servers, trace, cost, key's end. */
let reference: Awaited<ReturnType<typeof startReference>>;
let billed: RecordingUpstream;
let gateway: RunningGateway;
let filesFolder: string;

const usage = { input_tokens: 1_200, output_tokens: 340 };

beforeAll(async () => {
  [reference, billed] = await Promise.all([startReference(), startRecordingUpstream(modernServer(result('billed', { _meta: { usage } })))]);
  filesFolder = join(temporaryFolder(), 'files');
  mkdirSync(filesFolder);
  writeFileSync(join(filesFolder, 'hello.txt'), 'hello from a file');
  const program = (name: string): string => join(repositoryFolder, 'node_modules', '@modelcontextprotocol', name, 'dist', 'index.js');
  gateway = await startGateway({
    config: {
      workers: 2,
      servers: [
        { name: 'everything', transport: 'stdio', command: [nodePath, program('server-everything')] },
        { name: 'files', transport: 'stdio', command: [nodePath, program('server-filesystem'), filesFolder], processes: 'shared' },
        { name: 'reference', url: reference.url },
        { name: 'billed', url: billed.url },
      ],
      pricing: {
        default: { per_call: 0.001, per_token_input: 0.00001, per_token_output: 0.00003 },
        overrides: [
          { server: 'reference', per_call: 0.002 },
          { server: 'files', tool: 'read_text_file', per_call: 0.01 },
          { server: 'billed', tool: 'nano', per_call: 0.000000001 },
        ],
      },
    },
  });
  await until(async () => (await post(`${gateway.url}/readyz`)).text.includes('"servers":{"ready":4,'), { what: 'the stdio servers', timeoutMs: 30_000 });
}, 90_000);

afterAll(async () => {
  await gateway?.stop();
  await Promise.all([reference?.stop(), billed?.stop()]);
  removeGatewayFolders();
});

interface Key {
  readonly id: string;
  readonly secret: string;
  readonly prefix: string;
}

async function newKey(...args: string[]): Promise<Key> {
  const made = await gateway.cli('keys', 'create', '-o', 'json', ...args);
  expect([made.code, made.stderr.includes('"error"')]).toEqual([0, false]);
  return JSON.parse(made.stdout) as Key;
}

const facade = (server: string, operation: string, body: object, key: string | null, headers: Record<string, string> = {}): Promise<Answer> =>
  post(`${gateway.url}/v1/mcp/${server}/${operation}`, body, { key, headers });

async function api<Body>(path: string): Promise<Body> {
  const answer = await post(`${gateway.url}${path}`, undefined, { key: gateway.apiKey });
  expect([path, answer.status]).toEqual([path, 200]);
  return JSON.parse(answer.text) as Body;
}

interface Trace {
  readonly id: string;
  readonly status: string;
  readonly total_cost: number;
  readonly span_count: number;
  readonly context: Record<string, string | null>;
  readonly spans: readonly {
    readonly id: string;
    readonly server: string;
    readonly tool: string | null;
    readonly operation: string;
    readonly status: string;
    readonly cost: number;
    readonly priced_by: string | null;
    readonly tokens: { readonly input: number; readonly output: number; readonly source: string } | null;
    readonly era: string | null;
    readonly surface: string;
    readonly fault: string | null;
    readonly stopped_at: string | null;
    readonly stops: Record<string, number | null>;
  }[];
}

/** Once the trace has so many spans. */
function traceOf(id: string, spans: number): Promise<Trace> {
  return until(
    async () => {
      const answer = await post(`${gateway.url}/v1/traces/${id}`, undefined, { key: gateway.apiKey });
      if (answer.status === 404) return null;
      const { trace } = JSON.parse(answer.text) as { trace: Trace };
      return trace.span_count >= spans && trace;
    },
    { what: `${spans} spans of ${id}`, timeoutMs: 20_000, everyMs: 50 },
  );
}

async function withLegacyClient<Value>(server: string, key: string, traceId: string, work: (client: LegacyClient) => Promise<Value>): Promise<Value> {
  const client = new LegacyClient({ name: 'legacy-agent', version: '1' });
  const transport = new LegacyTransport(new URL(`${gateway.mcp}/${server}`), {
    requestInit: { headers: { authorization: `Bearer ${key}`, 'x-trace-id': traceId } },
  });
  await client.connect(transport);
  try {
    return await work(client);
  } finally {
    await transport.terminateSession();
    await client.close();
  }
}

async function withModernClient<Value>(
  server: string,
  key: string,
  traceId: string,
  mode: 'auto' | { readonly pin: string },
  work: (client: ModernClient) => Promise<Value>,
): Promise<Value> {
  const client = new ModernClient({ name: 'modern-agent', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(
    new ModernTransport(new URL(`${gateway.mcp}/${server}`), { requestInit: { headers: { authorization: `Bearer ${key}`, 'x-trace-id': traceId } } }),
  );
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** The tokens of a tool that reports none are counted after its call. At any moment a trace costs what its calls do. */
function isCounted({ spans, total_cost: total }: Trace): boolean {
  expect(total).toBeCloseTo(
    spans.reduce((cost, span) => cost + span.cost, 0),
    9,
  );
  return spans.some(({ tokens }) => tokens?.source === 'counted');
}

/** What they cost, by the default prices. */
function countedCost({ spans }: Trace): number {
  return spans.reduce((sum, { tokens }) => sum + (tokens?.source === 'counted' ? tokens.input * 0.00001 + tokens.output * 0.00003 : 0), 0);
}

describe('a first call', () => {
  let key: Key;
  beforeAll(async () => {
    key = await newKey('--name', 'journey', '--team', 'team_eng', '--user', 'usr_ada', '--agent', 'journey-agent');
  });

  test('by the legacy SDK client reaches a stdio and an HTTP server; its trace has every call, the price of its tool or server, who and where', async () => {
    const echoed = await withLegacyClient('everything', key.secret, 'legacy-stdio', async (client) => {
      expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo');
      return client.callTool({ name: 'echo', arguments: { message: 'over stdio' } });
    });
    expect(echoed.content).toEqual([{ type: 'text', text: 'Echo: over stdio' }]);
    const text = await withLegacyClient('reference', key.secret, 'legacy-http', (client) => client.callTool({ name: 'test_simple_text', arguments: {} }));
    expect(text.content).toEqual([{ type: 'text', text: 'This is a simple text response for testing.' }]);
    const file = await withLegacyClient('files', key.secret, 'legacy-files', (client) =>
      client.callTool({ name: 'read_text_file', arguments: { path: join(filesFolder, 'hello.txt') } }),
    );
    expect(JSON.stringify(file.content)).toContain('hello from a file');

    for (const [id, server, tool, cost, pricedBy] of [
      ['legacy-stdio', 'everything', 'echo', 0.001, 'default'],
      ['legacy-http', 'reference', 'test_simple_text', 0.002, 'server'],
      ['legacy-files', 'files', 'read_text_file', 0.01, 'tool'],
    ] as const) {
      const trace = await until(
        async () => {
          const found = await traceOf(id, 4);
          // Each worker's journal goes its own way to the ledger: the end may be there before what it ends.
          const seen = new Set(found.spans.map(({ operation }) => operation));
          return (
            isCounted(found) &&
            ['mcp.initialize', 'mcp.notifications.initialized', 'mcp.tools.call', 'mcp.session.delete'].every((operation) => seen.has(operation)) &&
            found
          );
        },
        { what: `every call of the session of ${id}` },
      );
      const call = trace.spans.find(({ operation }) => operation === 'mcp.tools.call');
      expect(call?.cost).toEqual(expect.closeTo(cost + countedCost(trace), 9));
      expect(trace).toMatchObject({
        total_cost: call?.cost,
        context: { client_trace_id: id, user_id: 'usr_ada', team_id: 'team_eng', agent_name: 'journey-agent', key_id: key.id },
      });
      const operations = trace.spans.map(({ operation }) => operation);
      for (const operation of ['mcp.initialize', 'mcp.notifications.initialized', 'mcp.tools.call']) expect(operations).toContain(operation);
      expect(call).toMatchObject({ server, tool, priced_by: pricedBy, status: 'success', era: 'legacy', surface: 'mcp', stopped_at: null });
      for (const stop of ['auth', 'access', 'limit', 'guard', 'server', 'reply']) expect([stop, call?.stops[stop]]).toEqual([stop, expect.any(Number)]);
      expect(trace.spans.filter((span) => span !== call).every((span) => span.cost === 0 && span.priced_by === null)).toBe(true);
    }
  });

  test('by the modern SDK client, pinned or by negotiation, reaches a modern server statelessly and a legacy program behind the bridge', async () => {
    const pinned = await withModernClient('reference', key.secret, 'modern-http', { pin: '2026-07-28' }, async (client) => {
      expect((await client.listTools()).tools.length).toBeGreaterThan(10);
      return client.callTool({ name: 'test_simple_text', arguments: {} });
    });
    expect(pinned.content).toEqual([{ type: 'text', text: 'This is a simple text response for testing.' }]);
    const negotiated = await withModernClient('everything', key.secret, 'modern-stdio', 'auto', (client) =>
      client.callTool({ name: 'echo', arguments: { message: 'negotiated' } }),
    );
    expect(negotiated.content).toEqual([{ type: 'text', text: 'Echo: negotiated' }]);
    const trace = await until(
      async () => {
        const found = await traceOf('modern-http', 3);
        return isCounted(found) && found;
      },
      { what: 'the tokens of the call' },
    );
    expect(trace.spans.map(({ operation, era }) => [operation, era])).toEqual([
      ['mcp.server.discover', 'modern'],
      ['mcp.tools.list', 'modern'],
      ['mcp.tools.call', 'modern'],
    ]);
    expect([trace.status, trace.total_cost, trace.context['client_name']]).toEqual(['success', expect.closeTo(0.002 + countedCost(trace), 9), 'modern-agent']);
  });

  test('by the façade reaches all of them; the answer, the trace and the price list say the same cost, to the nano-dollar', async () => {
    const calls = [
      ['everything', { tool: 'echo', arguments: { message: 'rest' } }, 0.001, 'default'],
      ['files', { tool: 'read_text_file', arguments: { path: join(filesFolder, 'hello.txt') } }, 0.01, 'tool'],
      ['reference', { tool: 'test_simple_text', arguments: {} }, 0.002, 'server'],
      // Reported tokens: 0.001 + 1200 × 0.00001 + 340 × 0.00003.
      ['billed', { tool: 'search', arguments: {} }, 0.0232, 'default'],
      ['billed', { tool: 'nano', arguments: {} }, 0.022200001, 'tool'],
    ] as const;
    for (const [index, [server, body, cost]] of calls.entries()) {
      const traceId = `facade-${index}`;
      const answer = await facade(server, 'tools/call', body, key.secret, { 'x-trace-id': traceId });
      expect([answer.status, answer.headers['x-trace-id']]).toEqual([200, traceId]);
      const { result: said, metadata } = JSON.parse(answer.text) as {
        result: { content: unknown[] };
        metadata: { trace_id: string; latency_ms: number; cost: number };
      };
      expect(said.content).toHaveLength(1);
      expect(metadata).toEqual({ trace_id: traceId, latency_ms: expect.any(Number) as unknown, cost });
      expect(answer.text).toContain(`"cost":${String(cost)}}`);
    }
    for (const [index, [server, body, cost, pricedBy]] of calls.entries()) {
      const isReported = server === 'billed';
      const trace = await until(
        async () => {
          const found = await traceOf(`facade-${index}`, 1);
          return (isReported || isCounted(found)) && found;
        },
        { what: 'the tokens of the call' },
      );
      const tokens = isReported ? { input: usage.input_tokens, output: usage.output_tokens, source: 'reported' } : { source: 'counted' };
      expect([trace.total_cost, trace.spans]).toMatchObject([
        isReported ? cost : expect.closeTo(cost + countedCost(trace), 9),
        [{ server, tool: body.tool, cost: trace.total_cost, priced_by: pricedBy, tokens, surface: 'rest', status: 'success' }],
      ]);
    }
    // A trace of the caller's: its parent is kept, its id goes on to the server.
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await facade('billed', 'tools/call', { tool: 'search', arguments: {} }, key.secret, { traceparent });
    const parented = await traceOf('tr_0af7651916cd43dd8448eb211c80319c', 1);
    expect(parented.spans).toMatchObject([{ parent_id: 'sp_b7ad6b7169203331' }]);
    const sent = billed.requests.at(-1)?.header('traceparent')[0] ?? '';
    expect(sent).toBe(`00-0af7651916cd43dd8448eb211c80319c-${parented.spans[0]?.id.slice(3)}-01`);
  });

  test('is read back by the command line as the API has it; costs and the use of the key add up', async () => {
    const shown = await gateway.cli('traces', 'get', 'facade-4', '-o', 'json');
    expect(shown.code).toBe(0);
    expect(JSON.parse(shown.stdout)).toEqual(await api('/v1/traces/facade-4'));
    expect(shown.stdout).toContain('"total_cost":0.022200001');

    const window = { start_time: new Date(Date.now() - 3_600_000).toISOString(), end_time: new Date(Date.now() + 1_000).toISOString() };
    const listed = await api<{ traces: { id: string; server: string; tool: string; total_cost: number }[]; has_more: boolean }>(
      `/v1/traces?${new URLSearchParams(window).toString()}`,
    );
    const byCli = JSON.parse((await gateway.cli('traces', 'list', '-o', 'json')).stdout) as typeof listed;
    const ids = listed.traces.map(({ id }) => id);
    expect(byCli.traces.map(({ id }) => id)).toEqual(ids);
    expect([new Set(ids).size, listed.has_more]).toEqual([ids.length, false]);
    expect(listed.traces.find(({ id }) => id === 'tr_0af7651916cd43dd8448eb211c80319c')).toMatchObject({
      server: 'billed',
      tool: 'search',
      total_cost: 0.0232,
    });
    const lines = (await gateway.cli('traces', 'list', '-o', 'ndjson')).stdout.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(ids);

    // The test may run across midnight.
    const [from = '', to = ''] = [-86_400_000, 86_400_000].map((ms) => new Date(Date.now() + ms).toISOString().slice(0, 10));
    type Costs = { summary: { total_cost: number; total_calls: number; currency: string }; breakdown: { group: string; cost: number; calls: number }[] };
    // Three by the legacy client, two by the modern one, six by the façade; of the eight that reported no tokens these are counted afterwards.
    const counted = await until(
      async () => {
        const sums = await ledgerRows<{ server: string; calls: string; input: string; output: string }>(
          gateway.stateFolder,
          'SELECT toString(server) AS server, count() AS calls, sum(input_tokens) AS input, sum(output_tokens) AS output FROM counted_tokens GROUP BY server',
        );
        return sums.reduce((calls, sum) => calls + Number(sum.calls), 0) === 8 && sums;
      },
      { what: 'the counted tokens', timeoutMs: 60_000 },
    );
    const base: Readonly<Record<string, readonly [nano: number, calls: number]>> = {
      billed: [68_600_001, 3],
      everything: [3_000_000, 3],
      files: [20_000_000, 2],
      reference: [6_000_000, 3],
    };
    const nanoOf = (server: string, nano: number): number =>
      counted.filter((sum) => sum.server === server).reduce((all, { input, output }) => all + Number(input) * 10_000 + Number(output) * 30_000, nano);
    const byServer = Object.fromEntries(Object.entries(base).map(([server, [nano, calls]]) => [server, [nanoOf(server, nano) / 1e9, calls]]));
    const total = Object.entries(base).reduce((sum, [server, [nano]]) => sum + nanoOf(server, nano), 0) / 1e9;
    const costs = await api<Costs>(`/v1/costs/summary?start_date=${from}&end_date=${to}&group_by=server`);
    expect(Object.fromEntries(costs.breakdown.map(({ group, cost, calls }) => [group, [cost, calls]]))).toEqual(byServer);
    expect(costs.summary).toMatchObject({ total_cost: total, total_calls: 11, currency: 'USD' });
    const summed = await gateway.cli('costs', 'summary', '--from', from, '--to', to, '--group-by', 'server', '-o', 'json');
    expect(JSON.parse(summed.stdout)).toEqual(costs);

    const { key: used } = await api<{ key: { usage: { calls: number; cost: number }; last_used: string } }>(`/v1/auth/keys/${key.id}`);
    expect(used.usage.cost).toBe(total);
    expect(used.usage.calls).toBeGreaterThan(11);
    expect(Math.abs(Date.parse(used.last_used) - Date.now())).toBeLessThan(120_000);
  });
});

describe('a key', () => {
  const speak = (secret: string, server = 'billed'): Promise<Answer> => {
    const { body, headers } = toolCall('search');
    return post(`${gateway.mcp}/${server}`, body, { key: secret, headers });
  };

  test.skipIf(!canFindOwners)('that is revoked is refused by every worker from the moment the revocation is answered', async () => {
    const key = await newKey('--name', 'to be revoked');
    const connections = await openWorkerConnections(gateway, 2);
    const seen: { readonly worker: number; readonly status: number; readonly askedAt: number }[] = [];
    let stopped = false;
    const hammers = [...connections.byWorker].flatMap(([worker, agents]) =>
      agents.map(async (agent) => {
        while (!stopped) {
          const askedAt = performance.now();
          const { body, headers } = toolCall('search');
          const { status } = await post(`${gateway.mcp}/billed`, body, { key: key.secret, agent, headers });
          seen.push({ worker, status, askedAt });
        }
      }),
    );
    const answeredBy = (status: number, since: number): boolean =>
      [...connections.byWorker.keys()].every((worker) => seen.some((one) => one.worker === worker && one.status === status && one.askedAt >= since));
    await until(() => answeredBy(200, 0), { what: 'calls by both workers' });
    const revoked = await post(`${gateway.url}/v1/auth/keys/${key.id}`, undefined, { method: 'DELETE', key: gateway.apiKey });
    const revokedAt = performance.now();
    await until(() => answeredBy(401, revokedAt), { what: 'refusals by both workers' });
    stopped = true;
    await Promise.all(hammers);
    connections.close();
    expect([revoked.status, JSON.parse(revoked.text)]).toMatchObject([200, { key: { id: key.id, status: 'revoked' } }]);
    expect(seen.filter(({ status, askedAt }) => askedAt >= revokedAt && status !== 401)).toEqual([]);
    expect(new Set(seen.map(({ status }) => status))).toEqual(new Set([200, 401]));

    const refused = await speak(key.secret);
    expect([refused.status, refused.headers['www-authenticate'], jsonOf(refused)]).toMatchObject([
      401,
      'Bearer realm="gatewayops"',
      { error: { code: -31_401, data: { code: 'unauthorized' } } },
    ]);
    const rest = await facade('billed', 'tools/call', { tool: 'search' }, key.secret);
    expect([rest.status, JSON.parse(rest.text)]).toMatchObject([
      401,
      { error: 'unauthorized', message: expect.stringMatching(/^Invalid or missing API key/) as string },
    ]);
    await expect(withLegacyClient('everything', key.secret, 'revoked', async () => undefined)).rejects.toThrow(/401|Unauthorized|unauthorized/);
  });

  test('that is rotated: the new secret works, the old one too and says until when', async () => {
    const before = await newKey('--name', 'to be rotated');
    expect((await speak(before.secret)).status).toBe(200);
    const rotated = JSON.parse((await gateway.cli('keys', 'rotate', before.id, '-o', 'json')).stdout) as Key;
    expect([rotated.id, rotated.secret === before.secret]).toEqual([before.id, false]);
    for (const ask of [(secret: string) => speak(secret), (secret: string) => facade('billed', 'tools/call', { tool: 'search' }, secret)]) {
      const [old, fresh] = await Promise.all([ask(before.secret), ask(rotated.secret)]);
      expect([old.status, fresh.status, fresh.headers['deprecation']]).toEqual([200, 200, undefined]);
      const [, seconds] = /^@(\d+)$/.exec(String(old.headers['deprecation'])) ?? [];
      expect(Math.abs(Number(seconds) - (Date.now() / 1000 + 86_400))).toBeLessThan(60);
    }
    // The one before the old one ends with a second rotation.
    const again = JSON.parse((await gateway.cli('keys', 'rotate', before.id, '-o', 'json')).stdout) as Key;
    expect((await Promise.all([before, rotated, again].map(({ secret }) => speak(secret)))).map(({ status }) => status)).toEqual([401, 200, 200]);
  });

  test('that expires works until then and not after', async () => {
    const expiresAt = Date.now() + 2_500;
    const made = await post(
      `${gateway.url}/v1/auth/keys`,
      { name: 'short', expires_at: new Date(expiresAt).toISOString(), scopes: {} },
      { key: gateway.apiKey },
    );
    const { key } = JSON.parse(made.text) as { key: Key };
    const seen: { readonly status: number; readonly askedMs: number; readonly answeredMs: number }[] = [];
    await until(
      async () => {
        const askedMs = Date.now();
        const { status } = await speak(key.secret);
        seen.push({ status, askedMs, answeredMs: Date.now() });
        return status === 401;
      },
      { what: 'the key to expire' },
    );
    expect(seen[0]?.status).toBe(200);
    for (const { status, askedMs, answeredMs } of seen) {
      if (answeredMs < expiresAt) expect(status).toBe(200);
      if (askedMs >= expiresAt) expect(status).toBe(401);
    }
    const { key: listed } = await api<{ key: { status: string } }>(`/v1/auth/keys/${key.id}`);
    expect(listed.status).toBe('expired');
  });
});

describe('a scoped key', () => {
  let scoped: Key;
  beforeAll(async () => {
    scoped = await newKey('--name', 'scoped', '--server', 'billed', '--action', 'tools.list');
  });

  /** What may differ from one refusal to the next is its request id. */
  const fingerprint = ({ status, headers, text }: Answer): unknown => [
    status,
    Object.keys(headers)
      .filter((name) => name !== 'date')
      .sort(),
    text.replaceAll(/req_[0-9a-f]+/g, 'req'),
  ];

  test('gets the same 404 from /mcp for a server out of its reach as for one that is not there', async () => {
    const { body, headers } = modernRequest('tools/list');
    const [hidden, missing] = await Promise.all(
      ['reference', 'no-such-server'].map((server) => post(`${gateway.mcp}/${server}`, body, { key: scoped.secret, headers })),
    );
    expect(hidden?.status).toBe(404);
    expect(hidden && fingerprint(hidden)).toEqual(missing && fingerprint(missing));
  });

  test("gets S0's 403 from the façade for every other name, there or not", async () => {
    const answers = await Promise.all(['reference', 'no-such-server'].map((server) => facade(server, 'tools/list', {}, scoped.secret)));
    for (const answer of answers) expect([answer.status, JSON.parse(answer.text)]).toMatchObject([403, { error: 'forbidden' }]);
    const [hidden, missing] = answers.map(fingerprint);
    expect(hidden).toEqual(missing);
  });

  test('lists, and may not call: 403 on the façade, a tool result that a model can read over MCP, nothing upstream, both recorded', async () => {
    const before = billed.requests.filter(({ body }) => body.includes('tools/call')).length;
    expect((await facade('billed', 'tools/list', {}, scoped.secret)).status).toBe(200);
    const rest = await facade('billed', 'tools/call', { tool: 'search' }, scoped.secret, { 'x-trace-id': 'scoped-rest' });
    expect([rest.status, JSON.parse(rest.text)]).toMatchObject([403, { error: 'forbidden', message: expect.stringContaining('tools.call') as unknown }]);
    const called = await withModernClient('billed', scoped.secret, 'scoped-mcp', { pin: '2026-07-28' }, async (client) => {
      expect((await client.listTools()).tools).toHaveLength(1);
      return client.callTool({ name: 'echo', arguments: {} });
    });
    expect(called).toMatchObject({ isError: true, _meta: { 'gatewayops/error': { code: 'forbidden' } } });
    const { body, headers } = modernRequest('resources/list');
    const other = await post(`${gateway.mcp}/billed`, body, { key: scoped.secret, headers });
    expect([other.status, jsonOf(other)]).toMatchObject([403, { id: 1, error: { code: -31_403, data: { code: 'forbidden' } } }]);
    expect(billed.requests.filter(({ body }) => body.includes('tools/call'))).toHaveLength(before);

    expect((await traceOf('scoped-rest', 1)).spans).toMatchObject([{ status: 'blocked', stopped_at: 'access', fault: 'forbidden', cost: 0 }]);
    const spans = (await traceOf('scoped-mcp', 3)).spans.filter(({ operation }) => operation === 'mcp.tools.call');
    expect(spans).toMatchObject([{ status: 'blocked', stopped_at: 'access', fault: 'forbidden', cost: 0 }]);
  });

  test('may not use the control API beyond what it holds', async () => {
    for (const path of ['/v1/auth/keys', '/v1/traces/scoped-rest', '/v1/servers']) {
      const answer = await post(`${gateway.url}${path}`, undefined, { key: scoped.secret });
      expect([path, answer.status, JSON.parse(answer.text)]).toMatchObject([path, 403, { error: 'forbidden' }]);
    }
  });
});

test('a call that is refused before its message is known has a trace all the same, of its own or the one that its headers name', async () => {
  const send = (path: string, body: string, headers: Record<string, string>): ReturnType<typeof post> =>
    post(`${gateway.url}${path}`, body, { key: gateway.apiKey, headers });
  const parent = { traceparent: `00-${'c'.repeat(32)}-00f067aa0ba902b7-01` };
  const broken = await send('/mcp/billed', '{', {});
  const answers = [
    broken,
    await send('/mcp/billed', 'a=b', { 'content-type': 'application/x-www-form-urlencoded', ...parent }),
    await send('/v1/mcp/billed/tools/call', '{"tool":7}', { 'x-trace-id': 'refused-rest' }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([400, 415, 400]);
  const own = String(broken.headers['x-trace-id']);
  const refused = { server: 'billed', status: 'error', stopped_at: 'access', cost: 0 };
  expect((await traceOf(own, 1)).spans).toMatchObject([{ ...refused, operation: 'mcp', fault: 'parse_error', http_status: 400, request: { size_bytes: 1 } }]);
  expect((await traceOf(`tr_${'c'.repeat(32)}`, 1)).spans).toMatchObject([{ ...refused, operation: 'mcp', fault: 'unsupported_media_type', http_status: 415 }]);
  expect((await traceOf('refused-rest', 1)).spans).toMatchObject([{ ...refused, operation: 'mcp.tools.call', surface: 'rest', fault: 'invalid_request' }]);
});

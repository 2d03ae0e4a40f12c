import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../test/support/control.ts';
import { startLedger, type TestLedger } from '../../../../test/support/ledger.ts';
import { createKey } from '../control/keys/create-key.ts';
import { recordFilePrices } from '../control/prices/record-file-prices.ts';

let ledger: TestLedger;
let control: TestControl;
beforeAll(async () => {
  ledger = await startLedger();
  control = await startControl({ ledger: () => ledger.reader });
  // Calls of long ago fall to retention.
  control.clock.advance(Math.floor(Date.now() / 1000) * 1000 - control.clock.nowMs());
}, 300_000);
afterAll(async () => {
  await control.end();
  await ledger.end();
});

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly text: string;
  readonly json: Record<string, never>;
}
async function ask(method: string, path: string, options: Parameters<TestControl['request']>[2] = {}): Promise<Answer> {
  const response = await control.request(method, path, { front: 'admin', ...options });
  const text = await response.text();
  return { status: response.status, etag: response.headers.get('etag'), text, json: JSON.parse(text) as Record<string, never> };
}
/** The newest version; each test makes further ones. */
const newest = async (): Promise<number> => Number(/^"(\d+)"$/.exec((await ask('GET', '/v1/costs/prices?limit=1')).etag ?? '')?.[1]);
const put = (body: unknown, match: string | null, query = ''): Promise<Answer> =>
  ask('PUT', `/v1/costs/prices${query}`, { body, headers: match === null ? {} : { 'if-match': match } });

test('a list is set as it is read, to the last decimal, and every version stays', async () => {
  const before = await ask('GET', '/v1/costs/prices');
  expect(before.etag).toBe('"0"');
  expect(before.json).toMatchObject({ prices: { version: 0, managed_by: 'api', file: null, default: {}, overrides: [] }, versions: [], has_more: false });

  const first = await put({ default: { per_call: 0.001, per_second: '0.000000001' }, overrides: [{ server: 'search', per_call: '9007199.254740991' }] }, '"0"');
  expect(first.status).toBe(200);
  expect(first.json).toMatchObject({ outcome: 'changed', version: { version: 1, source: 'api', created_by: 'operator' } });
  expect(first.text).toContain('"per_call":9007199.254740991');
  control.clock.advance(1000);
  const second = await put({ default: { per_call: 0.002 }, overrides: [{ server: 'search', tool: 'query', per_token_input: 1e-9 }] }, '"1"');
  expect(second.json['changes']).toEqual([
    { server: null, tool: null, price: 'per_call', from: 0.001, to: 0.002 },
    { server: null, tool: null, price: 'per_second', from: 1e-9, to: null },
    { server: 'search', tool: null, price: 'per_call', from: 9007199.254740991, to: null },
    { server: 'search', tool: 'query', price: 'per_token_input', from: null, to: 1e-9 },
  ]);
  const after = await ask('GET', '/v1/costs/prices?limit=1');
  expect(after.etag).toBe('"2"');
  expect(after.json).toMatchObject({ prices: { version: 2, default: { per_call: 0.002 } }, versions: [{ version: 2 }], cursor: '2', has_more: true });
  const rest = await ask('GET', '/v1/costs/prices?cursor=2');
  expect(rest.json).toMatchObject({ versions: [{ version: 1, default: { per_call: 0.001 } }], has_more: false });
  expect(control.dependencies.prices.served()).toMatchObject({ version: 2 });
});

test('two who change it at once: one is told that the other was faster, and nothing of theirs is kept', async () => {
  expect((await put({}, null)).json).toMatchObject({ error: 'precondition_required' });
  expect((await put({}, 'W/"0"')).status).toBe(400);
  const from = await newest();
  const both = await Promise.all([put({ default: { per_call: 1 } }, `"${from}"`), put({ default: { per_call: 2 } }, `"${from}"`)]);
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
  expect(both.find(({ status }) => status === 412)?.json).toMatchObject({ error: 'precondition_failed', version: from + 1 });
  expect(await newest()).toBe(from + 1);
});

test('a list of a time to come holds from then on, and by itself', async () => {
  const version = await newest();
  await put({ default: { per_call: 1.5 } }, `"${version}"`);
  const from = new Date(control.clock.nowMs() + 60_000).toISOString();
  expect((await put({ default: { per_call: 5 }, effective_from: from }, `"${version + 1}"`)).status).toBe(200);
  expect(control.dependencies.prices.served().version).toBe(version + 1);
  control.clock.advance(60_000);
  await control.dependencies.prices.refresh();
  expect(control.dependencies.prices.served()).toMatchObject({ version: version + 2, list: { default: { perCallNano: 5_000_000_000n } } });
  const past = new Date(control.clock.nowMs() - 1).toISOString();
  expect((await put({ effective_from: past }, `"${version + 2}"`)).json).toMatchObject({ error: 'invalid_params' });
});

test('a dry run says what the list would have made of the last days, and changes nothing', async () => {
  const version = (await newest()) + 1;
  await put({ default: { per_call: 0.001, per_token_output: 0.00001 } }, `"${version - 1}"`);
  const at = BigInt(control.clock.nowMs() - 86_400_000) * 1000n;
  const call = (index: number, more = {}): Record<string, string | number | bigint> => ({
    org_id: 'org_default',
    trace_id: String(index),
    span_id: String(index),
    started_at: at + BigInt(index),
    method: 'tools/call',
    server: 'search',
    tool: 'query',
    currency: 'USD',
    status: 'success',
    priced_by: 'default',
    duration_us: 1_500_000,
    output_tokens: 7,
    cost: 1_070_000,
    ...more,
  });
  await ledger.insert([call(1), call(2), call(3, { priced_by: 'cache', cost: 0 }), call(4, { priced_by: 'reported', cost: 9 })]);
  const dry = await put({ default: { per_call: 0.001 }, overrides: [{ server: 'search', per_second: 0.000000003 }] }, `"${version}"`, '?dry_run=true');
  expect(dry.json).toMatchObject({
    outcome: 'planned',
    version: { version: version + 1 },
    effect: { days: 30, calls: 2, cost_before: 0.00214, cost_after: 0.002000009, truncated: false },
  });
  expect(dry.etag).toBe(`"${version}"`);
  expect(await newest()).toBe(version);
  expect((await put({ default: { per_call: 0.001, per_token_output: '0.00001' } }, `"${version}"`)).json).toMatchObject({ outcome: 'unchanged' });
});

test.each([
  ['an unknown server', { overrides: [{ server: 'nowhere', per_call: 1 }] }],
  [
    'two prices of one tool',
    {
      overrides: [
        { server: 'search', tool: 'q', per_call: 1 },
        { server: 'search', tool: 'q', per_call: 2 },
      ],
    },
  ],
  ['a tenth decimal', { default: { per_call: '0.0000000001' } }],
  ['less than nothing', { default: { per_call: -1 } }],
  ['a number that a float cannot hold', { default: { per_call: 9007199.254740991 } }],
  ['another word', { default: { per_hour: 1 } }],
  ['a currency that is none', { currency: 'usd' }],
])('a list with %s is refused with its reason', async (_, list) => {
  const answer = await put(list, `"${await newest()}"`);
  expect(answer.status).toBe(400);
  expect(answer.json['message']).not.toBe('');
});

test('where the file says the prices it is changed there, and the history holds what the file said', async () => {
  const version = (await newest()) + 1;
  const pricing = { currency: 'EUR', default: { perCallNano: 1n }, overrides: [] };
  const managed = control.variant({ ledger: () => ledger.reader, config: { ...control.dependencies.config, file: '/etc/gateway.yaml', pricing } });
  await recordFilePrices(managed.context(), pricing);
  await recordFilePrices(managed.context(), pricing);
  const response = await managed.request('PUT', '/v1/costs/prices', { front: 'admin', body: {}, headers: { 'if-match': `"${version}"` } });
  expect([response.status, await response.json()]).toMatchObject([
    409,
    { error: 'managed_by_file', message: expect.stringContaining('/etc/gateway.yaml') as string, fix: expect.stringContaining('pricing') as string },
  ]);
  const shown = (await (await managed.request('GET', '/v1/costs/prices?limit=2', { front: 'admin' })).json()) as Record<string, unknown>;
  expect(shown).toMatchObject({
    prices: { managed_by: 'file', file: '/etc/gateway.yaml' },
    versions: [{ version, source: 'file', currency: 'EUR' }, { source: 'api' }],
  });
});

test('only who may change prices does, and who may read costs sees them', async () => {
  const { secret } = await createKey(control.context(), {
    name: 'reader',
    scopes: { servers: null, actions: ['costs.read'] },
    metadata: {},
    expiresAtMs: null,
    environment: null,
  });
  expect((await ask('GET', '/v1/costs/prices', { front: 'public', bearer: secret })).status).toBe(200);
  expect((await ask('PUT', '/v1/costs/prices', { front: 'public', bearer: secret, body: {}, headers: { 'if-match': '"0"' } })).json).toMatchObject({
    error: 'forbidden',
  });
});

test('a price is made, read, changed and deleted by itself; each change is another version of the list, and only of the one that was read', async () => {
  await put({ currency: 'EUR', default: { per_call: 0.001 }, overrides: [{ server: 'search', per_call: 1 }] }, `"${await newest()}"`);
  const first = await newest();
  const one = '/v1/prices/search%2Fquery';
  const match = (version: number) => ({ headers: { 'if-match': `"${version}"` } });
  expect((await ask('GET', one)).json).toMatchObject({ error: 'unknown_object' });
  // What it would have cost, before it is made.
  expect((await ask('POST', '/v1/prices?dry_run=true', { body: { name: 'search/query', spec: { per_call: 2 } } })).json).toMatchObject({
    outcome: 'planned',
    effect: { days: 30, truncated: false },
  });
  expect(await ask('POST', '/v1/prices', { body: { name: 'search/query', spec: { per_call: '0.000000001' } } })).toMatchObject({
    status: 201,
    etag: `"${first + 1}"`,
    json: { outcome: 'changed', version: first + 1 },
  });
  expect((await ask('POST', '/v1/prices', { body: { name: 'search', spec: { per_call: 2 } } })).json).toMatchObject({ error: 'already_exists' });
  expect((await ask('POST', '/v1/prices', { body: { name: 'nowhere', spec: { per_call: 2 } } })).json).toMatchObject({ error: 'invalid_params' });
  expect((await ask('POST', '/v1/prices', { body: { name: 'search/', spec: { per_call: 2 } } })).json).toMatchObject({ error: 'invalid_params' });
  expect((await ask('PUT', one, { body: { spec: { per_second: 3 } }, ...match(first) })).json).toMatchObject({ error: 'precondition_failed' });
  expect((await ask('PUT', one, { body: { spec: { per_second: 3 } }, ...match(first + 1) })).json).toMatchObject({ outcome: 'changed', version: first + 2 });
  expect(await ask('GET', one)).toMatchObject({
    etag: `"${first + 2}"`,
    json: { price: { name: 'search/query', spec: { per_second: 3 }, currency: 'EUR', source: 'registry', file: null, line: null } },
  });
  expect(((await ask('GET', '/v1/prices')).json['prices'] as unknown as { name: string }[]).map(({ name }) => name)).toEqual([
    'default',
    'search',
    'search/query',
  ]);
  expect((await ask('DELETE', one, match(first + 2))).json).toMatchObject({ outcome: 'changed' });
  expect((await ask('DELETE', '/v1/prices/default', match(first + 3))).json).toMatchObject({ outcome: 'changed' });
  expect((await ask('GET', '/v1/prices/default')).json).toMatchObject({ price: { spec: {} } });
  expect((await ask('DELETE', one, match(first + 4))).json).toMatchObject({ error: 'unknown_object' });
  const { registry } = control.dependencies;
  const { organizationId } = control.context();
  const { sequence } = await registry.audit.head(organizationId);
  const events = await registry.audit.range(organizationId, { after: sequence - 4, limit: 10 });
  expect(events.map(({ action }) => action)).toEqual(Array.from({ length: 4 }, () => 'prices.changed'));
});

test('an estimate counts what is sent, takes the rest from what is recorded, and says so', async () => {
  await put({ default: { per_call: 0.001, per_token_input: 0.00001, per_token_output: 0.00003, per_second: 0.002 } }, `"${await newest()}"`);
  const at = BigInt(control.clock.nowMs() - 3_600_000) * 1000n;
  const calls = [1, 2, 3].map((index) => ({
    org_id: 'org_default',
    trace_id: `e${index}`,
    span_id: `e${index}`,
    started_at: at + BigInt(index),
    method: 'tools/call',
    server: 'filesystem',
    tool: 'read',
    currency: 'USD',
    status: 'success',
    priced_by: 'none',
    duration_us: 1_000_000 * index,
    output_tokens: index === 3 ? 11 : 10,
    cost: 0,
  }));
  await ledger.insert(calls);
  const { json } = await ask('POST', '/v1/costs/estimate', { body: { server: 'filesystem', tool: 'read', arguments: { path: 'hello world' } } });
  const { estimate } = json as unknown as {
    estimate: { lines: { price: string; quantity: number; cost: number; from: string }[]; recorded: Record<string, unknown>; cost: number };
  };
  expect(estimate).toMatchObject({ currency: 'USD', priced_by: 'default', price_version: await newest(), tokenizer: 'o200k_base' });
  expect(estimate.lines.map(({ price, from, quantity }) => [price, from, quantity])).toEqual([
    ['per_call', 'fixed', 1],
    // {"path":"hello world"}
    ['per_token_input', 'counted', estimate.lines[1]?.quantity],
    ['per_token_output', 'recorded', 10.333333333],
    ['per_second', 'recorded', 2],
  ]);
  expect(estimate.lines[1]?.quantity).toBeGreaterThan(3);
  expect(estimate.lines[2]?.cost).toBe(0.00031);
  expect(estimate.recorded).toMatchObject({ calls: 3, mean_seconds: 2 });
  const { p50, p99 } = estimate.recorded['latency_ms'] as { p50: number; p99: number };
  expect(Math.abs(p50 / 2000 - 1)).toBeLessThan(0.011);
  expect(p99).toBeGreaterThanOrEqual(p50);

  const unknown = await ask('POST', '/v1/costs/estimate', { body: { server: 'filesystem', tool: 'never' } });
  expect(unknown.json['estimate']).toMatchObject({ recorded: { calls: 0, latency_ms: null, mean_output_tokens: null } });
  expect((unknown.json as unknown as { estimate: { lines: { from: string }[] } }).estimate.lines.map(({ from }) => from)).toEqual([
    'fixed',
    'counted',
    'unknown',
    'unknown',
  ]);
  expect((await ask('POST', '/v1/costs/estimate', { body: { server: 'nowhere', tool: 'x' } })).json).toMatchObject({ error: 'unknown_object' });
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../test/support/control.ts';
import { startLedger, type TestCall, type TestLedger } from '../../../../test/support/ledger.ts';
import { systemClock } from '../kernel/clock.ts';
import { randomBase62 } from '../kernel/id.ts';
import { parseQuery } from '../query/parse-query.ts';
import type { LedgerStore } from '../store/ledger/ledger-store.ts';
import { listTraces } from '../store/ledger/traces.ts';

let ledger: TestLedger;
let control: TestControl;
beforeAll(async () => {
  ledger = await startLedger();
  control = await startControl({ ledger: () => ledger.reader });
});
afterAll(async () => {
  await control.end();
  await ledger.end();
});

let calls = 0;
/** `date` is a day of the last weeks: older rows fall to retention. */
function priced(date: string, costNano: number | bigint, more: TestCall = {}): TestCall {
  const id = (++calls).toString(16);
  return {
    org_id: 'org_default',
    trace_id: id.padStart(32, '0'),
    span_id: id.padStart(16, '0'),
    started_at: BigInt(Date.parse(date)) * 1000n,
    method: 'tools/call',
    server: 'search',
    currency: 'USD',
    status: 'success',
    priced_by: 'default',
    cost: costNano,
    ...more,
  };
}
const today = Math.floor(Date.now() / 86_400_000);
const dayAt = (ago: number): string => new Date((today - ago) * 86_400_000).toISOString().slice(0, 10);

async function summary(query: Record<string, string>): Promise<{ readonly status: number; readonly text: string; readonly json: Record<string, unknown> }> {
  const response = await control.request('GET', `/v1/costs/summary?${new URLSearchParams(query).toString()}`, { front: 'admin' });
  const text = await response.text();
  return { status: response.status, text, json: JSON.parse(text) as Record<string, unknown> };
}
const one = (ago: number, query: Record<string, string> = {}): ReturnType<typeof summary> =>
  summary({ start_date: dayAt(ago), end_date: dayAt(ago), ...query });

test('a period without calls is zero and has no groups', async () => {
  expect((await one(1)).json).toEqual({
    summary: {
      total_cost: 0,
      total_calls: 0,
      unpriced_calls: 0,
      errors: 0,
      input_tokens: 0,
      output_tokens: 0,
      currency: 'USD',
      period: { start: dayAt(1), end: dayAt(1) },
      previous: null,
    },
    breakdown: [],
    truncated: false,
  });
});

test('sums are exact to the last digit, in the ledger and in the text of the answer', async () => {
  await ledger.insert(Array.from({ length: 10_000 }, () => priced(dayAt(2), 1)));
  expect((await one(2)).text).toContain('"total_cost":0.00001,');
  await ledger.insert([priced(dayAt(3), 100_000_000), priced(dayAt(3), 200_000_000)]);
  expect((await one(3)).text).toContain('"total_cost":0.3,');
  // More digits than a binary number of 64 bits holds.
  await ledger.insert([priced(dayAt(4), 123_456_789_000_000_001n), priced(dayAt(4), 900_000_000_000_000_000n)]);
  expect((await one(4)).text).toContain('"total_cost":1023456789.000000001,');
});

test('both days of a period are in it whole, and only calls with a price are counted', async () => {
  const [from, to] = [dayAt(12), dayAt(10)];
  await ledger.insert([
    priced(`${dayAt(13)}T23:59:59.999Z`, 1_000_000_000),
    priced(`${from}T00:00:00Z`, 2_000_000_000),
    priced(`${to}T23:59:59.999Z`, 3_000_000_000),
    priced(`${dayAt(9)}T00:00:00Z`, 5_000_000_000),
    priced(`${from}T12:00:00Z`, 0, { priced_by: '', method: 'tools/list' }),
    priced(`${from}T12:00:00Z`, 0),
    priced(`${from}T12:00:00Z`, 7_000_000_000, { currency: 'EUR' }),
  ]);
  expect((await summary({ start_date: from, end_date: to })).json).toMatchObject({
    summary: { total_cost: 5, total_calls: 3, currency: 'USD', period: { start: from, end: to } },
    breakdown: [
      { group: from, cost: 2, calls: 2, share_percent: 40 },
      { group: to, cost: 3, calls: 1, share_percent: 60 },
    ],
    truncated: false,
  });
  expect((await summary({ start_date: from, end_date: to, currency: 'EUR' })).json).toMatchObject({
    summary: { total_cost: 7, total_calls: 1, currency: 'EUR' },
  });
});

test('groups: weeks by their Monday, months, and everything a call belongs to, dearest first', async () => {
  const date = dayAt(20);
  await ledger.insert([
    priced(date, 1_000_000, { team_id: 'team_a', user_id: 'usr_a', server: 'files', tool: 'read', agent: 'x', key_id: 'key_a' }),
    priced(date, 2_000_000, { team_id: 'team_a', user_id: 'usr_b', server: 'search', tool: 'query', agent: 'y', key_id: 'key_b' }),
    priced(date, 4_000_000, { server: 'search', tool: 'query' }),
  ]);
  const groups = async (by: string): Promise<unknown> =>
    ((await one(20, { group_by: by })).json['breakdown'] as { group: string; cost: number }[]).map(({ group, cost }) => [group, cost]);
  const monday = new Date(date);
  monday.setUTCDate(monday.getUTCDate() - ((monday.getUTCDay() + 6) % 7));
  expect(await groups('day')).toEqual([[date, 0.007]]);
  expect(await groups('week')).toEqual([[monday.toISOString().slice(0, 10), 0.007]]);
  expect(await groups('month')).toEqual([[date.slice(0, 7), 0.007]]);
  expect(await groups('team')).toEqual([
    [null, 0.004],
    ['team_a', 0.003],
  ]);
  expect(await groups('user')).toEqual([
    [null, 0.004],
    ['usr_b', 0.002],
    ['usr_a', 0.001],
  ]);
  expect(await groups('server')).toEqual([
    ['search', 0.006],
    ['files', 0.001],
  ]);
  expect(await groups('tool')).toEqual([
    ['search/query', 0.006],
    ['files/read', 0.001],
  ]);
  expect(await groups('agent')).toEqual([
    [null, 0.004],
    ['y', 0.002],
    ['x', 0.001],
  ]);
  expect(await groups('key')).toEqual([
    [null, 0.004],
    ['key_b', 0.002],
    ['key_a', 0.001],
  ]);
});

test('periods that are none are refused', async () => {
  for (const query of [
    { start_date: '2026-02-30', end_date: '2026-03-01' },
    { start_date: '2026-03-02', end_date: '2026-03-01' },
    { start_date: '1990-01-01', end_date: '2026-01-01' },
    { start_date: '2026-03-01' },
  ]) {
    expect((await summary(query as Record<string, string>)).status).toBe(400);
  }
  expect((await one(1, { group_by: 'moon' })).status).toBe(400);
});

test('a trace says what each of its priced spans cost', async () => {
  const trace = 'ab'.repeat(16);
  await ledger.insert([
    priced(`${dayAt(5)}T01:00:00Z`, 1, { trace_id: trace, tool: 'query', priced_by: 'tool', span_id: 'a'.repeat(16), input_tokens: 3, output_tokens: 4 }),
    priced(`${dayAt(5)}T01:00:01Z`, 0, { trace_id: trace, method: 'tools/list', priced_by: '' }),
    priced(`${dayAt(5)}T01:00:02Z`, 100_000_000, { trace_id: trace, tool: 'get', span_id: 'b'.repeat(16) }),
  ]);
  const answer = await (await control.request('GET', `/v1/costs/trace/tr_${trace}`, { front: 'admin' })).text();
  expect(JSON.parse(answer)).toEqual({
    trace_id: `tr_${trace}`,
    total_cost: 0.100000001,
    currency: 'USD',
    breakdown: [
      {
        span_id: `sp_${'a'.repeat(16)}`,
        server: 'search',
        tool: 'query',
        cost: 1e-9,
        priced_by: 'tool',
        price_version: 0,
        input_tokens: 3,
        output_tokens: 4,
        duration_ms: 0,
      },
      {
        span_id: `sp_${'b'.repeat(16)}`,
        server: 'search',
        tool: 'get',
        cost: 0.1,
        priced_by: 'default',
        price_version: 0,
        input_tokens: 0,
        output_tokens: 0,
        duration_ms: 0,
      },
    ],
    truncated: false,
  });
  expect(answer).toContain('"cost":0.000000001,');
});

test('the use of keys is counted by key, within one organization', async () => {
  const at = Date.parse(`${dayAt(6)}T10:00:00.123Z`);
  await ledger.insert([
    priced(new Date(at).toISOString(), 10, { key_id: 'key_used' }),
    priced(new Date(at - 5000).toISOString(), 1_000_000_000, { key_id: 'key_used' }),
    priced(new Date(at).toISOString(), 99, { key_id: 'key_used', org_id: 'org_other' }),
  ]);
  const usage = await ledger.reader.keyUsage('org_default', ['key_used', 'key_unused']);
  expect([...usage]).toEqual([['key_used', { calls: 2, lastUsedMs: at, costNano: 1_000_000_010n }]]);
  expect((await ledger.reader.keyUsage('org_default', [])).size).toBe(0);
});

test('an agent was seen from its first call to its last, within one organization', async () => {
  const first = Date.parse(`${dayAt(9)}T10:00:00.123Z`);
  const last = Date.parse(`${dayAt(6)}T11:00:00.456Z`);
  await ledger.insert([
    priced(new Date(first).toISOString(), 1, { agent: 'seen-bot' }),
    priced(new Date(last).toISOString(), 1, { agent: 'seen-bot' }),
    priced(new Date(last + 60_000).toISOString(), 1, { agent: 'seen-bot', org_id: 'org_other' }),
  ]);
  for (const id of ['seen-bot', 'idle-bot']) await control.request('POST', '/v1/agents', { front: 'admin', body: { name: id, id } });
  const { agents } = (await (await control.request('GET', '/v1/agents', { front: 'admin' })).json()) as { agents: unknown };
  expect(agents).toMatchObject([
    { id: 'idle-bot', first_seen: null, last_seen: null },
    { id: 'seen-bot', first_seen: new Date(first).toISOString(), last_seen: new Date(last).toISOString() },
  ]);
});

test('agents that called and are not in the catalogue are listed with their keys, programs and servers; who is put into it is not', async () => {
  const last = Date.parse(`${dayAt(45)}T11:00:00.456Z`);
  const [shadow, known, key] = ['shadow', 'known', 'key'].map((name) => `${name}_${randomBase62(8)}`) as [string, string, string];
  const call = (more: Record<string, string>, beforeMs = 0) =>
    priced(new Date(last - beforeMs).toISOString(), 1, { key_id: key, server: 'search', client_name: 'claude-code', ...more });
  await ledger.insert([
    call({ agent: shadow, org_id: 'org_other' }),
    call({ agent: shadow }, 60_000),
    call({ agent: shadow, server: 'filesystem', client_name: 'cursor' }),
    call({ agent: known }),
    call({ agent: '', client_name: 'lone-program' }),
    call({ agent: '', client_name: 'no-key', key_id: '', server: key }),
  ]);
  await control.request('POST', '/v1/agents', { front: 'admin', body: { name: known, id: known } });
  const now = control.variant({ ledger: () => ledger.reader, clock: systemClock });
  const unregistered = async () => {
    const answer = await now.request('GET', '/v1/unregistered-agents?days=60', { front: 'admin' });
    const { agents } = (await answer.json()) as { agents: { agent: string | null; keys: string[]; client_names: string[]; servers: string[] }[] };
    return agents
      .filter(({ keys }) => keys.includes(key))
      .map((one) => ({ ...one, client_names: one.client_names.toSorted(), servers: one.servers.toSorted() }));
  };
  const [bot, lone, ...others] = await unregistered();
  expect(bot).toEqual({
    agent: shadow,
    client_names: ['claude-code', 'cursor'],
    keys: [key],
    servers: ['filesystem', 'search'],
    calls: 2,
    first_seen: new Date(last - 60_000).toISOString(),
    last_seen: new Date(last).toISOString(),
  });
  expect([lone, others]).toMatchObject([{ agent: null, client_names: ['lone-program'], calls: 1 }, []]);
  await control.request('POST', '/v1/agents', { front: 'admin', body: { name: shadow, id: shadow } });
  expect(await unregistered()).toMatchObject([{ agent: null }]);
});

test('tokens that are counted after their calls cost the same wherever a total or a call is shown, to the last digit', async () => {
  const ago = 6;
  const traces = ['c1'.repeat(16), 'c2'.repeat(16)];
  // Of five calls in seven the tool reported no tokens, and of those most were counted.
  const made = Array.from({ length: 70 }, (_, index) => {
    const reported = index % 7 < 2;
    const costNano = BigInt(1 + index * 1_000_003);
    const call = priced(`${dayAt(ago)}T02:00:${String(index % 60).padStart(2, '0')}.${String(index).padStart(3, '0')}Z`, costNano, {
      trace_id: traces[index % 2] ?? '',
      span_id: (0xc000 + index).toString(16).padStart(16, '0'),
      tool: `tool-${index % 3}`,
      team_id: 'team_counted',
      ...(reported ? { tokens_source: 'reported', input_tokens: 10, output_tokens: 20 } : {}),
    });
    const counted = reported || index % 5 === 0 ? null : { call, input: 3 * index, output: index, costNano: BigInt(7 + index * 999) };
    return { call, costNano: costNano + (counted?.costNano ?? 0n), counted, tokens: reported ? [10, 20] : counted && [counted.input, counted.output] };
  });
  await ledger.insert(made.map(({ call }) => call));
  await ledger.insertCountedTokens(made.flatMap(({ counted }) => (counted === null ? [] : [counted])));
  const textOf = (nano: bigint): string => {
    const digits = String(nano).padStart(10, '0');
    return `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, '');
  };
  const totalOf = (of: typeof made): string => textOf(of.reduce((sum, { costNano }) => sum + costNano, 0n));
  const spanOf = ({ call }: (typeof made)[number]): string => `sp_${String(call['span_id'])}`;

  const get = async (path: string, query: Record<string, string> = {}): Promise<string> => {
    const response = await control.request('GET', `${path}?${new URLSearchParams(query).toString()}`, { front: 'admin' });
    expect(response.status).toBe(200);
    return response.text();
  };
  // Numbers with all their digits, as they stand in the text.
  const exactly = (text: string): unknown =>
    JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => (typeof value === 'number' ? (context?.source ?? value) : value));
  interface Spans {
    readonly spans: readonly { readonly id: string; readonly cost: string; readonly tokens: { readonly input: string; readonly output: string } | null }[];
  }
  const window = { start_time: `${dayAt(ago)}T00:00:00Z`, end_time: `${dayAt(ago - 1)}T00:00:00Z`, query: 'team:team_counted' };

  for (const [index, trace] of traces.entries()) {
    const of = made.filter((_, at) => at % 2 === index);
    const wanted = of.map((one) => [spanOf(one), textOf(one.costNano), one.tokens && one.tokens.map(String)]);
    const shown = ({ spans }: Spans): unknown[] =>
      spans.map(({ id, cost, tokens }) => [id, cost, tokens && [tokens.input, tokens.output]]).toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
    const detail = exactly(await get(`/v1/traces/tr_${trace}`)) as { trace: Spans & { total_cost: string } };
    expect([detail.trace.total_cost, shown(detail.trace)]).toEqual([totalOf(of), wanted]);
    const part = exactly(await get(`/v1/traces/tr_${trace}`, { limit: '9' })) as { trace: Spans & { total_cost: string } };
    expect([part.trace.total_cost, part.trace.spans]).toEqual([totalOf(of), detail.trace.spans.slice(0, 9)]);
    const tree = exactly(await get(`/v1/traces/tr_${trace}/spans`)) as Spans;
    expect(shown({ spans: tree.spans.filter(({ id }) => id.startsWith('sp_')) })).toEqual(wanted);
    const costs = exactly(await get(`/v1/costs/trace/tr_${trace}`)) as { total_cost: string; spans: readonly { id: string; cost: string }[] };
    expect(costs.total_cost).toBe(totalOf(of));
    // The list, also where it is asked for by what a trace cost.
    const cost = totalOf(of);
    const listed = exactly(await get('/v1/traces', { ...window, min_cost: cost, max_cost: cost })) as { traces: readonly { id: string; total_cost: string }[] };
    expect(listed.traces.map(({ id, total_cost: total }) => [id, total])).toEqual([[`tr_${trace}`, cost]]);
  }
  const list = exactly(await get('/v1/traces', window)) as { traces: readonly { total_cost: string }[] };
  expect(list.traces.map(({ total_cost: total }) => total)).toEqual([1, 0].map((index) => totalOf(made.filter((_, at) => at % 2 === index))));
  const log = exactly(await get('/v1/logs/requests', { ...window, limit: '1000' })) as {
    requests: readonly { span_id: string; cost: string; input_tokens: string | null; output_tokens: string | null }[];
  };
  expect(
    log.requests
      .map(({ span_id: id, cost, input_tokens: input, output_tokens: output }) => [id, cost, input === null ? null : [input, output]])
      .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  ).toEqual(made.map((one) => [spanOf(one), textOf(one.costNano), one.tokens && one.tokens.map(String)]));
  const byTeam = exactly(await get('/v1/costs/summary', { start_date: dayAt(ago), end_date: dayAt(ago), group_by: 'team', team_id: 'team_counted' })) as {
    summary: { total_cost: string };
  };
  expect(byTeam.summary.total_cost).toBe(totalOf(made));

  // Asked for by their cost: that of a call whose tokens were counted, what it cost before, and a bit more.
  const dear = made[33];
  if (dear === undefined || dear.counted === null) throw new Error('this call has counted tokens');
  const fits: Readonly<Record<string, (cost: bigint, wanted: bigint) => boolean>> = {
    '': (cost, wanted) => cost === wanted,
    '>': (cost, wanted) => cost > wanted,
    '>=': (cost, wanted) => cost >= wanted,
    '<': (cost, wanted) => cost < wanted,
    '<=': (cost, wanted) => cost <= wanted,
  };
  for (const wanted of [dear.costNano, dear.costNano - dear.counted.costNano, dear.costNano + 1n]) {
    for (const [operator, isMet] of Object.entries(fits)) {
      const of = made.filter(({ costNano }) => isMet(costNano, wanted));
      const asked = { ...window, query: `${window.query} cost:${operator}${textOf(wanted)}` };
      const found = JSON.parse(await get('/v1/logs/requests', { ...asked, limit: '1000' })) as { requests: readonly { span_id: string }[] };
      expect([asked.query, found.requests.map(({ span_id: id }) => id).toSorted()]).toEqual([asked.query, of.map(spanOf).toSorted()]);
      if (operator !== '>=') continue;
      const facets = JSON.parse(await get('/v1/traces/facets', { ...asked, facets: 'team' })) as {
        facets: readonly { values: readonly { calls: number }[] }[];
      };
      const { metrics } = JSON.parse(await get('/v1/metrics', asked)) as { metrics: { calls: number } };
      expect([facets.facets[0]?.values[0]?.calls ?? 0, metrics.calls]).toEqual([of.length, of.length]);
    }
  }
});

test('a trace that is listed by its cost shows the cost by which it was chosen, whatever is counted of it meanwhile', async () => {
  const at = `${dayAt(7)}T03:00:00Z`;
  const call = priced(at, 5, { trace_id: 'c3'.repeat(16), span_id: 'c3'.repeat(8), team_id: 'team_between' });
  await ledger.insert([call]);
  let readings = 0;
  const query: LedgerStore['query'] = async (sql, parameters, row) => {
    const found = await ledger.store.query(sql, parameters, row);
    readings += 1;
    if (readings === 1) await ledger.insertCountedTokens([{ call, input: 1, output: 1, costNano: 1000n }]);
    return found;
  };
  const startUs = BigInt(Date.parse(at)) * 1000n;
  const whole = { status: null, durationUsMin: null, durationUsMax: null, costMin: null, costMax: '0.000000005' };
  const asked = { organizationId: 'org_default', startUs, endUs: startUs + 1_000_000n, query: parseQuery('team:team_between'), after: null, limit: 10 };
  const { traces } = await listTraces({ query }, { ...asked, whole });
  expect([readings > 1, traces.map(({ total_cost: total, span_count: spans }) => [total, spans])]).toEqual([true, [['0.000000005', 1]]]);
  expect((await listTraces(ledger.store, { ...asked, whole })).traces).toEqual([]);
  expect((await listTraces(ledger.store, { ...asked, whole: null })).traces).toMatchObject([{ total_cost: '0.000001005' }]);
});

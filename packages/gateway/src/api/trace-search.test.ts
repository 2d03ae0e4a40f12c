import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKey } from '../control/keys/create-key.ts';
import { startControl, type TestControl } from '../../../../test/support/control.ts';
import { startLedger, type TestCall, type TestLedger } from '../../../../test/support/ledger.ts';

let ledger: TestLedger;
let control: TestControl;
beforeAll(async () => {
  ledger = await startLedger();
  control = await startControl({ ledger: () => ledger.reader });
  for (let at = 0; at < calls.length; at += 5000) await ledger.insert(calls.slice(at, at + 5000));
  // The same again for somebody else: none of it may ever be seen or counted.
  await ledger.insert(calls.slice(0, 2000).map((call) => ({ ...call, org_id: 'org_other' })));
});
afterAll(async () => {
  await control.end();
  await ledger.end();
});

const hour = 3_600_000;
const day = 24 * hour;
const begin = Math.floor(Date.now() / day) * day - 20 * day;
const iso = (ms: number): string => new Date(ms).toISOString();

/** A small generator with a seed: the same calls on every run. */
let state = 0x2545f491;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return Math.abs(state) % below;
}
const pick = <Value>(values: readonly [Value, ...Value[]]): Value => values[random(values.length)] ?? values[0];

interface Generated {
  readonly org_id: string;
  readonly trace_id: string;
  readonly span_id: string;
  readonly started_at: bigint;
  readonly duration_us: number;
  readonly cost: number;
  readonly server: string;
  readonly tool: string;
  readonly user_id: string;
  readonly status: string;
  readonly fault_code: string;
  readonly http_status: number;
  readonly agent: string;
}

/** 3,600 calls of 1,200 traces over ten days; every trace lasts less than an hour. */
const calls: readonly (Generated & TestCall)[] = Array.from({ length: 1200 }, (_, trace) => {
  const startMs = begin + random(10 * day - hour);
  return Array.from({ length: 3 }, (__, index) => {
    const status = pick(['success', 'success', 'success', 'error', 'timeout', 'blocked'] as const);
    return {
      org_id: 'org_default',
      trace_id: (trace + 1).toString(16).padStart(32, '0'),
      span_id: (trace * 3 + index + 1).toString(16).padStart(16, '0'),
      started_at: BigInt(startMs + (index === 0 ? 0 : random(hour / 2))) * 1000n + BigInt(random(3)),
      duration_us: random(5_000_000),
      cost: random(2_000_000_000),
      server: pick(['github', 'search', 'mail', 'files_1']),
      tool: pick(['create_issue', 'delete_repo', 'query', 'Send Mail']),
      user_id: pick(['usr_ana', 'usr_bo', '']),
      status,
      fault_code: status === 'error' ? 'upstream_reset' : status === 'timeout' ? 'mcp_timeout' : status === 'blocked' ? 'forbidden' : '',
      http_status: status === 'success' ? 200 : status === 'timeout' ? 504 : status === 'error' ? 502 : 403,
      agent: pick(['reviewer', 'bot']),
      method: 'tools/call',
      currency: 'USD',
      stop: 'reply',
    };
  });
}).flat();

const order = ['success', 'cancelled', 'waiting', 'blocked', 'unknown', 'timeout', 'error'];

interface Whole {
  readonly id: string;
  readonly startUs: bigint;
  readonly durationUs: number;
  readonly cost: number;
  readonly status: string;
  readonly calls: readonly Generated[];
}
const traces: readonly Whole[] = [...Map.groupBy(calls, ({ trace_id }) => trace_id)].map(([id, of]) => {
  const startUs = of.reduce((least, { started_at }) => (started_at < least ? started_at : least), of[0]?.started_at ?? 0n);
  const endUs = of.reduce((most, { started_at, duration_us }) => (started_at + BigInt(duration_us) > most ? started_at + BigInt(duration_us) : most), 0n);
  const status = of.map((call) => call.status).reduce((worst, one) => (order.indexOf(one) > order.indexOf(worst) ? one : worst), 'success');
  return { id, startUs, durationUs: Number(endUs - startUs), cost: of.reduce((sum, { cost }) => sum + cost, 0), status, calls: of };
});

type Asked = Record<string, string | number>;
const window = { start_time: iso(begin), end_time: iso(begin + 10 * day) };

async function get<Answer>(path: string, query: Asked = {}): Promise<Answer> {
  const asked: Asked = { ...window, ...query };
  const search = new URLSearchParams(Object.entries(asked).map(([name, value]): [string, string] => [name, String(value)]));
  const response = await control.request('GET', `${path}?${search.toString()}`, { front: 'admin' });
  const answer = (await response.json()) as Answer;
  expect([response.status, response.status === 200 ? null : answer]).toEqual([200, null]);
  return answer;
}

interface Page {
  readonly traces: readonly { readonly id: string; readonly total_cost: number; readonly span_count: number }[];
  readonly cursor: string | null;
  readonly estimated_total: number | null;
  readonly scanned_range: { readonly start_time: string; readonly end_time: string };
}
async function allPages(query: Asked): Promise<{ ids: string[]; first: Page }> {
  const first = await get<Page>('/v1/traces', { limit: 200, ...query });
  const ids = first.traces.map(({ id }) => id.slice(3));
  for (let { cursor } = first; cursor !== null;) {
    const next = await get<Page>('/v1/traces', { limit: 200, ...query, cursor });
    expect(next.estimated_total).toBe(null);
    ids.push(...next.traces.map(({ id }) => id.slice(3)));
    ({ cursor } = next);
  }
  return { ids, first };
}

const newestFirst = (some: readonly Whole[]): string[] =>
  some.toSorted((a, b) => (a.startUs === b.startUs ? (a.id < b.id ? 1 : -1) : a.startUs < b.startUs ? 1 : -1)).map(({ id }) => id);
const withCall = (fits: (call: Generated) => boolean): string[] => newestFirst(traces.filter((trace) => trace.calls.some(fits)));

describe('traces that are searched', () => {
  const github = (call: Generated): boolean => call.server === 'github';
  test.each<[string, Asked, () => string[]]>([
    ['all', {}, () => newestFirst(traces)],
    [
      'server, not well, slow',
      { query: 'server:github -status:ok dur:>2s' },
      () => withCall((call) => github(call) && call.status !== 'success' && call.duration_us > 2_000_000),
    ],
    ['a glob and a price', { query: 'tool:*_repo cost:>=1.5' }, () => withCall((call) => call.tool === 'delete_repo' && call.cost >= 1_500_000_000)],
    [
      'one of two, without a user',
      { query: 'server:(mail OR "files_1") -has:user' },
      () => withCall((call) => /mail|files_1/.test(call.server) && call.user_id === ''),
    ],
    ['text', { query: '"send m" upstream_reset' }, () => withCall((call) => call.tool === 'Send Mail' && call.fault_code === 'upstream_reset')],
    [
      'codes',
      { query: 'code:(>=504 OR forbidden) agent:bot' },
      () => withCall((call) => call.agent === 'bot' && (call.http_status >= 504 || call.fault_code === 'forbidden')),
    ],
    [
      'fields and query together',
      { query: 'dur:<1s', user_id: 'usr_bo', tool: 'query' },
      () => withCall((call) => call.duration_us < 1_000_000 && call.user_id === 'usr_bo' && call.tool === 'query'),
    ],
    ['the whole: status', { status: 'timeout' }, () => newestFirst(traces.filter(({ status }) => status === 'timeout'))],
    [
      'the whole: ok, and a call',
      { status: 'ok', server: 'search' },
      () => newestFirst(traces.filter((trace) => trace.status === 'success' && trace.calls.some(({ server }) => server === 'search'))),
    ],
    [
      'the whole: duration',
      { min_duration_ms: 600_000, max_duration_ms: 900_000 },
      () => newestFirst(traces.filter(({ durationUs }) => durationUs >= 600_000_000 && durationUs <= 900_000_000)),
    ],
    ['the whole: cost', { min_cost: '2.5', max_cost: '2.75' }, () => newestFirst(traces.filter(({ cost }) => cost >= 2_500_000_000 && cost <= 2_750_000_000))],
    ['one trace', { trace_id: `tr_${(77).toString(16).padStart(32, '0')}` }, () => [(77).toString(16).padStart(32, '0')]],
    ['nothing', { query: 'server:nowhere' }, () => []],
  ])(
    '%s: pages hold what an independent search finds, in order, and the estimate is its number',
    async (_, asked, expected) => {
      const { ids, first } = await allPages(asked);
      const wanted = expected();
      expect(ids).toEqual(wanted);
      expect(first.estimated_total).toBe(wanted.length);
    },
    240_000,
  );

  test('POST says the same as GET, and takes no member that it does not know', async () => {
    const search = (body: unknown): Promise<Response> => control.request('POST', '/v1/traces/search', { front: 'admin', body });
    const asked = { ...window, query: 'server:github status:timeout', min_cost: '1', limit: 7 };
    const posted = (await (await search(asked)).json()) as Page;
    expect(posted).toEqual(await get<Page>('/v1/traces', asked));
    expect(posted.traces).toHaveLength(7);
    const next = (await (await search({ ...asked, cursor: posted.cursor })).json()) as Page;
    expect(next.traces.map(({ id }) => id)).not.toContain(posted.traces.at(-1)?.id);
    expect((await search({ ...asked, qery: 'x' })).status).toBe(400);
  });

  test('a query that is not understood is refused with its place, everywhere', async () => {
    for (const path of ['/v1/traces', '/v1/traces/facets', '/v1/traces/histogram']) {
      const response = await control.request('GET', `${path}?${new URLSearchParams({ ...window, query: 'server:a sttus:ok' }).toString()}`, { front: 'admin' });
      expect([response.status, await response.json()]).toMatchObject([
        400,
        { error: 'query_invalid', column: 10, length: 5, expected: expect.stringContaining('a field') as unknown },
      ]);
    }
  });

  test('a first page says what it looked through', async () => {
    const { scanned_range: scanned } = await get<Page>('/v1/traces', { limit: 5 });
    expect(scanned.end_time).toBe(`${iso(begin + 10 * day).slice(0, -1)}000Z`);
    expect(Date.parse(scanned.start_time)).toBe(begin + 10 * day - 6 * hour);
  });
});

interface Facets {
  readonly facets: readonly {
    readonly name: string;
    readonly values: readonly { readonly value: string | null; readonly calls: number }[];
    readonly truncated: boolean;
  }[];
}
function countBy(some: readonly Generated[], of: (call: Generated) => string): { value: string | null; calls: number }[] {
  return [...Map.groupBy(some, of)]
    .map(([value, found]) => ({ value, calls: found.length }))
    .toSorted((a, b) => b.calls - a.calls || (a.value < b.value ? -1 : 1))
    .map(({ value, calls: found }) => ({ value: value === '' ? null : value, calls: found }));
}

describe('text of requests and responses', () => {
  const [spoken, answered] = [calls[30], calls[600]];
  const idsOf = (some: readonly (Generated | undefined)[]): string[] => newestFirst(traces.filter(({ id }) => some.some((call) => call?.trace_id === id)));
  async function withKey(actions: readonly string[], path: string): Promise<{ status: number; body: { traces?: { id: string }[]; error?: string } }> {
    const scopes = { actions, servers: null };
    const { secret } = await createKey(control.context(), { name: 'searcher', environment: null, scopes, metadata: {}, expiresAtMs: null });
    const response = await control.request('GET', path, { bearer: secret });
    return { status: response.status, body: (await response.json()) as { traces?: { id: string }[]; error?: string } };
  }

  beforeAll(async () => {
    await ledger.insertBodies([
      { call: spoken ?? {}, kind: 'request', text: '{"q":"The Quick Fox"}' },
      { call: answered ?? {}, kind: 'response', text: '{"text":"a quick fox ran"}' },
      { call: { ...calls[10], org_id: 'org_other' }, kind: 'request', text: 'the quick fox' },
    ]);
  });

  test('is found by who may read bodies, in the list, in facets and in figures', async () => {
    expect((await allPages({ query: '"quick fox"' })).ids).toEqual(idsOf([spoken, answered]));
    expect((await allPages({ query: 'request_text:"quick fox"' })).ids).toEqual(idsOf([spoken]));
    expect((await allPages({ query: 'response_text:fox server:nowhere' })).ids).toEqual([]);
    const { facets } = await get<Facets>('/v1/traces/facets', { query: 'response_text:fox', facets: 'server' });
    expect(facets[0]?.values).toEqual([{ value: answered?.server, calls: 1 }]);
    expect((await get<{ metrics: { calls: number } }>('/v1/metrics', { query: '"quick fox"' })).metrics.calls).toBe(2);
  });

  test('is kept from who may not: nothing can be guessed by what is found', async () => {
    const path = (query: string): string => `/v1/traces?${new URLSearchParams({ ...window, query }).toString()}`;
    expect(await withKey(['traces.read'], path('"quick fox"'))).toMatchObject({ status: 200, body: { traces: [] } });
    expect(await withKey(['traces.read'], path('request_text:fox'))).toMatchObject({ status: 403, body: { error: 'forbidden' } });
    expect((await withKey(['traces.read', 'bodies.read'], path('request_text:fox'))).body.traces).toHaveLength(1);
  });

  test('is not there as calls end: a stream says so', async () => {
    const response = await control.request('GET', '/v1/stream?query=response_text:fox', { front: 'admin' });
    expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid_params' }]);
  });
});

describe('calls that are counted', () => {
  test.each<[string, Asked, (call: Generated) => boolean]>([
    ['all', {}, () => true],
    ['a query', { query: '-status:ok server:g*' }, (call) => call.status !== 'success' && call.server === 'github'],
    [
      'traces as a whole',
      { status: 'error', min_cost: '4' },
      (call) => traces.some(({ id, status, cost }) => id === call.trace_id && status === 'error' && cost >= 4_000_000_000),
    ],
  ])('%s: facets and steps of time are those of an independent calculation', async (_, asked, fits) => {
    const found = calls.filter(fits);
    expect(found.length).toBeGreaterThan(0);
    const { facets } = await get<Facets>('/v1/traces/facets', { ...asked, facets: 'status,server,user,code' });
    expect(facets).toEqual([
      { name: 'status', values: countBy(found, ({ status }) => status), truncated: false },
      { name: 'server', values: countBy(found, ({ server }) => server), truncated: false },
      { name: 'user', values: countBy(found, ({ user_id }) => user_id), truncated: false },
      { name: 'code', values: countBy(found, ({ fault_code }) => fault_code), truncated: false },
    ]);
    const histogram = await get<{ bucket_ms: number; buckets: { start_time: string; calls: number; outcomes: Record<string, number> }[] }>(
      '/v1/traces/histogram',
      asked,
    );
    expect(histogram.bucket_ms).toBe(6 * hour);
    expect(histogram.buckets).toHaveLength(40);
    for (const [index, bucket] of histogram.buckets.entries()) {
      const from = begin + index * 6 * hour;
      const inside = found.filter(({ started_at }) => started_at >= BigInt(from) * 1000n && started_at < BigInt(from + 6 * hour) * 1000n);
      expect(bucket.start_time).toBe(iso(from));
      expect(bucket.calls).toBe(inside.length);
      for (const status of order) expect(bucket.outcomes[status]).toBe(inside.filter((call) => call.status === status).length);
    }
  });

  test('a facet is cut at its limit and says so; a window that begins in the midst of a step counts only its own calls', async () => {
    const { facets } = await get<Facets>('/v1/traces/facets', { facets: 'server', limit: 2 });
    expect(facets).toEqual([{ name: 'server', values: countBy(calls, ({ server }) => server).slice(0, 2), truncated: true }]);
    const [start, end] = [begin + 2 * day + 1234, begin + 3 * day - 4321];
    const { buckets } = await get<{ buckets: { calls: number }[] }>('/v1/traces/histogram', { start_time: iso(start), end_time: iso(end), buckets: 7 });
    const inside = calls.filter(({ started_at }) => started_at >= BigInt(start) * 1000n && started_at < BigInt(end) * 1000n);
    expect(buckets.reduce((sum, bucket) => sum + bucket.calls, 0)).toBe(inside.length);
  });
});

interface Window {
  readonly spans: readonly {
    readonly id: string;
    readonly depth: number;
    readonly child_count: number;
    readonly children: readonly { operation: string; start_time: string }[];
  }[];
  readonly span_count: number;
  readonly offset: number;
  readonly cursor: string | null;
  readonly previous_cursor: string | null;
  readonly run: { readonly status: string; readonly duration_ms: number };
}

interface LogPage {
  readonly requests: readonly Record<string, unknown>[];
  readonly cursor: string | null;
  readonly estimated_total: number | null;
}

describe('the request log', () => {
  test.each<[string, Asked, (call: Generated) => boolean]>([
    ['all', {}, () => true],
    [
      'query and fields',
      { query: 'server:(github OR mail) dur:>1s', status: 'ok', max_duration_ms: 4000 },
      (call) => /github|mail/.test(call.server) && call.status === 'success' && call.duration_us > 1_000_000 && call.duration_us <= 4_000_000,
    ],
  ])(
    '%s: pages hold every call once, newest first, as an independent search finds them',
    async (_, asked, fits) => {
      const first = await get<LogPage>('/v1/logs/requests', { limit: 1000, ...asked });
      const rows = [...first.requests];
      for (let { cursor } = first; cursor !== null;) {
        const next = await get<LogPage>('/v1/logs/requests', { limit: 700, ...asked, cursor });
        rows.push(...next.requests);
        ({ cursor } = next);
      }
      const place = ({ started_at, trace_id, span_id }: Generated): string => `${started_at} ${trace_id} ${span_id}`;
      const expected = calls.filter(fits).toSorted((a, b) => (place(a) < place(b) ? 1 : -1));
      expect(rows.map(({ span_id }) => span_id)).toEqual(expected.map(({ span_id }) => `sp_${span_id}`));
      expect(first.estimated_total).toBe(expected.length);
      const [newest] = expected;
      expect(rows[0]).toMatchObject({
        trace_id: `tr_${newest?.trace_id}`,
        status: newest?.status,
        server: newest?.server,
        latency_ms: (newest?.duration_us ?? 0) / 1000,
        cost: (newest?.cost ?? 0) / 1e9,
        http_status: newest?.http_status,
        agent_name: newest?.agent,
        user_id: newest?.user_id === '' ? null : newest?.user_id,
        operation: 'mcp.tools.call',
      });
    },
    240_000,
  );
});

describe('a trace of 10,000 calls', () => {
  const traceHex = 'f'.repeat(32);
  const path = `/v1/traces/tr_${traceHex}/spans`;
  const at = begin + 12 * day;
  const ids = Array.from({ length: 10_000 }, () => randomBytes(8).toString('hex'));
  /** Call n hangs on call n/2: a tree fourteen levels deep. */
  const parentOf = (index: number): string => (index === 0 ? 'b7ad6b7169203331' : (ids[index >> 1] ?? ''));
  const expected: { id: string; depth: number }[] = [];
  function walk(index: number, depth: number): void {
    expected.push({ id: `sp_${ids[index]}`, depth });
    for (const child of index === 0 ? [1] : [2 * index, 2 * index + 1]) if (child < ids.length) walk(child, depth + 1);
  }
  walk(0, 0);

  beforeAll(() =>
    ledger.insert(
      ids.map((id, index) => ({
        org_id: 'org_default',
        trace_id: traceHex,
        span_id: id,
        parent_span_id: parentOf(index),
        started_at: BigInt(at + index) * 1000n,
        method: 'tools/call',
        server: 'search',
        tool: 'query',
        currency: 'USD',
        status: 'success',
        stop: 'limit',
        duration_us: 500,
        auth_us: 100,
        access_us: 200,
        limit_us: 200,
      })),
    ),
  );
  const spans = (query: Asked): Promise<Window> => get<Window>(path, query);
  const placesOf = (window: Window): { id: string; depth: number }[] => window.spans.map(({ id, depth }) => ({ id, depth }));

  test('is read in windows that follow the tree, forwards and back, each span once', async () => {
    const seen: { id: string; depth: number }[] = [];
    let window = await spans({ limit: 500 });
    expect(window).toMatchObject({ span_count: 10_000, offset: 0, previous_cursor: null, run: { status: 'success', duration_ms: 9999.5 } });
    expect(window.spans[0]).toMatchObject({
      child_count: 1,
      children: [
        { kind: 'stop', operation: 'gateway.auth', duration_ms: 0.1, start_time: `${iso(at).slice(0, -1)}000Z` },
        { operation: 'gateway.access', duration_ms: 0.2, start_time: `${iso(at).slice(0, -1)}100Z` },
        { operation: 'gateway.limit', duration_ms: 0.2, start_time: `${iso(at).slice(0, -1)}300Z` },
      ],
    });
    for (;;) {
      seen.push(...placesOf(window));
      if (window.cursor === null) break;
      window = await spans({ limit: 500, cursor: window.cursor });
    }
    expect(seen).toEqual(expected);
    const before = await spans({ limit: 300, cursor: window.previous_cursor ?? '' });
    expect(placesOf(before)).toEqual(expected.slice(window.offset - 300, window.offset));
  }, 240_000);

  test('opens around a span, also at both ends', async () => {
    const middle = await spans({ around: expected[6000]?.id ?? '', limit: 101 });
    expect(middle.offset).toBe(5950);
    expect(placesOf(middle)).toEqual(expected.slice(5950, 6051));
    expect((await spans({ around: expected[3]?.id ?? '', limit: 100 })).offset).toBe(0);
    expect((await spans({ around: expected[9999]?.id ?? '', limit: 100 })).offset).toBe(9900);
  });

  test('opens at a place, and behind the last with nothing', async () => {
    expect(placesOf(await spans({ offset: 4321, limit: 10 }))).toEqual(expected.slice(4321, 4331));
    expect(await spans({ offset: 20_000, limit: 10 })).toMatchObject({ spans: [], offset: 10_000, cursor: null });
  });

  test('is outlined as a whole, in the order of the tree: when, how long, what ended otherwise, what the run waited for, what words mean', async () => {
    const trace = 'c'.repeat(32);
    const begun = begin + 14 * day;
    const row = (id: number, startMs: number, ms: number, more: Readonly<Record<string, string>>) => ({
      org_id: 'org_default',
      trace_id: trace,
      span_id: String(id).repeat(16),
      started_at: BigInt(begun + startMs) * 1000n,
      method: 'tools/call',
      server: 'github',
      status: 'success',
      stop: 'reply',
      duration_us: ms * 1000,
      ...more,
    });
    await ledger.insert([
      row(1, 0, 40, { tool: 'list_issues' }),
      row(2, 10, 20, { tool: 'create_issue', status: 'error', fault_code: 'upstream_reset' }),
      row(3, 20, 5, { server: 'search', tool: 'query', parent_span_id: '1'.repeat(16), status: 'blocked', policy: 'no-search' }),
      row(4, 40, 60.5, { tool: 'create_issue' }),
    ]);
    const outline = (find?: string): Promise<object> => get(`/v1/traces/tr_${trace}/outline`, find === undefined ? {} : { find });
    expect(await outline()).toEqual({
      trace_id: `tr_${trace}`,
      span_count: 4,
      truncated: false,
      start_ms: [0, 20, 10, 40],
      duration_ms: [40, 5, 20, 60.5],
      not_ok: [
        { place: 1, status: 'blocked' },
        { place: 2, status: 'error' },
      ],
      critical: [0, 3],
      found: null,
    });
    for (const [find, found] of [
      [' GitHub  create', [2, 3]],
      ['tools.call error', [2]],
      ['no-search', [1]],
      ['upstream_reset', [2]],
      ["it's % nothing", []],
      [' ', null],
    ] as const)
      expect([find, await outline(find)]).toMatchObject([find, { found }]);
    const whole = await get<{ readonly start_ms: readonly number[] }>(path.replace('/spans', '/outline'), {});
    expect([whole.start_ms.length, whole.start_ms.slice(0, 3)]).toEqual([10_000, [0, 1, 2]]);
    expect((await control.request('GET', `/v1/traces/tr_${'e'.repeat(32)}/outline`, { front: 'admin' })).status).toBe(404);
    expect((await control.request('GET', `/v1/traces/tr_${trace}/outline?find=${'x'.repeat(101)}`, { front: 'admin' })).status).toBe(400);
  });

  test('shows how often a call was tried, what the server asked and what it did itself as children of the call', async () => {
    const [trace, startUs] = ['d'.repeat(32), BigInt(begin + 13 * day) * 1000n];
    await ledger.insert([
      {
        org_id: 'org_default',
        trace_id: trace,
        span_id: 'e'.repeat(16),
        started_at: startUs,
        status: 'success',
        stop: 'auth',
        auth_us: 5,
        retries: 1,
        tries: 'blue 20 300 http_503\ngreen 400 9000 answered',
        asks: 'elicitation/create 1500 2000000\nroots/list 1600 -',
        upstream_spans: `${'1'.repeat(16)} ${'2'.repeat(16)} ${startUs + 9n} 40 error db.query x\n${'3'.repeat(16)} ${'1'.repeat(16)} ${startUs} 7 ok inner`,
      },
    ]);
    const { spans: found } = await get<Window>(`/v1/traces/tr_${trace}/spans`);
    const parent = `sp_${'e'.repeat(16)}`;
    const at = (us: number): string => `${iso(begin + 13 * day + Math.floor(us / 1000)).slice(0, -1)}${String(us % 1000).padStart(3, '0')}Z`;
    const no = { target: null, outcome: null };
    const child = (id: string, kind: string, operation: string, offsetUs: number, durationMs: number | null, status: string, more: object = no): object => ({
      id,
      parent_id: parent,
      kind,
      operation,
      start_time: at(offsetUs),
      duration_ms: durationMs,
      status,
      ...more,
    });
    expect(found[0]?.children).toEqual([
      child(`${parent}.auth`, 'stop', 'gateway.auth', 0, 0.005, 'ok'),
      child(`${parent}.try.0`, 'try', 'gateway.try', 20, 0.3, 'error', { target: 'blue', outcome: 'http_503' }),
      child(`${parent}.try.1`, 'try', 'gateway.try', 400, 9, 'ok', { target: 'green', outcome: 'answered' }),
      child(`${parent}.ask.0`, 'ask', 'mcp.elicitation.create', 1500, 2000, 'ok'),
      child(`${parent}.ask.1`, 'ask', 'mcp.roots.list', 1600, null, 'ok'),
      child(`sp_${'1'.repeat(16)}`, 'upstream', 'db.query x', 9, 0.04, 'error'),
      child(`sp_${'3'.repeat(16)}`, 'upstream', 'inner', 0, 0.007, 'ok', { ...no, parent_id: `sp_${'1'.repeat(16)}` }),
    ]);
  });

  test('refuses a span and a cursor of another trace', async () => {
    for (const query of [
      `around=sp_${'0'.repeat(16)}`,
      `offset=1&around=${expected[3]?.id}`,
      'offset=-1',
      'cursor=eA',
      `cursor=${Buffer.from(`after ${'0'.repeat(16)}`).toString('base64url')}`,
    ])
      expect((await control.request('GET', `${path}?${query}`, { front: 'admin' })).status).toBe(400);
    expect((await control.request('GET', `/v1/traces/tr_${'e'.repeat(32)}/spans`, { front: 'admin' })).status).toBe(404);
  });

  test('is cut at its limit where it is asked for whole', async () => {
    const { trace } = await get<{ trace: { spans: unknown[]; truncated: boolean; span_count: number } }>(`/v1/traces/tr_${traceHex}`, { limit: 20 });
    expect([trace.spans.length, trace.truncated, trace.span_count]).toEqual([20, true, 10_000]);
  });
});

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../test/support/control.ts';
import { startLedger, type TestCall, type TestLedger } from '../../../../test/support/ledger.ts';
import { mappedTraceHex } from '../kernel/id.ts';

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

const day = 86_400_000;
// Tests keep out of each other's way by time: each takes a day of its own.
let lastDay = Math.floor(Date.now() / day) * day - 60 * day;
function newDay(): number {
  lastDay += day;
  return lastDay;
}
const iso = (ms: number): string => new Date(ms).toISOString();
const hex = (value: number | string): string => (typeof value === 'number' ? value.toString(16) : value).padStart(32, '0');

let spans = 0;
function call(startMs: number, trace: number | string, more: TestCall = {}): TestCall {
  return {
    org_id: 'org_default',
    trace_id: hex(trace),
    span_id: (++spans).toString(16).padStart(16, '0'),
    started_at: BigInt(startMs) * 1000n,
    method: 'tools/call',
    server: 'search',
    tool: 'query',
    currency: 'USD',
    status: 'success',
    stop: 'reply',
    duration_us: 1500,
    ...more,
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: Record<string, never> & {
    traces: { id: string; start_time: string }[];
    cursor: string | null;
    has_more: boolean;
    trace: Record<string, never>;
  };
}
async function get(path: string, query: Record<string, string | number> = {}): Promise<Answer> {
  const search = new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]));
  const response = await control.request('GET', `${path}?${search.toString()}`, { front: 'admin' });
  const text = await response.text();
  return { status: response.status, text, json: JSON.parse(text) as Answer['json'] };
}
const listDay = (dayMs: number, query: Record<string, string | number> = {}): Promise<Answer> =>
  get('/v1/traces', { start_time: iso(dayMs), end_time: iso(dayMs + day), ...query });
const idsOf = (answer: Answer): string[] => answer.json.traces.map(({ id }) => id);

describe('the list of traces', () => {
  test('is empty where nothing was recorded, and needs its window', async () => {
    const at = newDay();
    expect(await listDay(at)).toMatchObject({
      status: 200,
      json: { traces: [], cursor: null, has_more: false, estimated_total: 0, scanned_range: { end_time: iso(at + day).replace('Z', '000Z') } },
    });
    expect(await get('/v1/traces')).toMatchObject({
      status: 400,
      json: { error: 'invalid_request', field: 'start_time', message: expect.stringContaining('start_time: it is required') as unknown },
    });
    expect(await get('/v1/traces', { start_time: 'today', end_time: 'now' })).toMatchObject({
      status: 400,
      json: { message: expect.stringContaining('start_time: it must be a time such as 2026-01-15T10:30:00Z') as unknown },
    });
    expect(await get('/v1/traces', { start_time: iso(at), end_time: iso(at) })).toMatchObject({ status: 400, json: { error: 'invalid_params' } });
  });

  test('has the members of the product document: a trace is its calls together', async () => {
    const at = newDay();
    await ledger.insert([
      call(at + 1000, 0xabc, { user_id: 'usr_456', team_id: 'team_eng', agent: 'code-review', key_id: 'key_1', cost: 52_000_000, duration_us: 400_000 }),
      call(at + 3000, 0xabc, { user_id: 'usr_456', server: 'filesystem', tool: 'read_file', cost: 1, status: 'timeout', duration_us: 3_000_000 }),
      call(at + 2000, 0xabc, { method: 'tools/list', tool: '' }),
    ]);
    const { text, json } = await listDay(at);
    expect(json).toEqual({
      traces: [
        {
          id: `tr_${hex(0xabc)}`,
          start_time: `${iso(at + 1000).slice(0, -1)}000Z`,
          duration_ms: 5000,
          status: 'timeout',
          user_id: 'usr_456',
          team_id: 'team_eng',
          key_id: 'key_1',
          agent_name: 'code-review',
          client_name: null,
          environment: null,
          server: 'search',
          tool: 'query',
          operation: 'mcp.tools.call',
          stop: 'reply',
          fault: null,
          decided_by: { server: 'filesystem', tool: 'read_file', operation: 'mcp.tools.call' },
          span_count: 3,
          total_cost: 0.052000001,
          currency: 'USD',
        },
      ],
      cursor: null,
      has_more: false,
      estimated_total: 1,
      scanned_range: { start_time: iso(at).replace('Z', '000Z'), end_time: iso(at + day).replace('Z', '000Z') },
    });
    expect(text).toContain('"total_cost":0.052000001,');
  });

  test('is filtered by what a call or the whole trace is', async () => {
    const at = newDay();
    await ledger.insert([
      call(at + 1, 1, { user_id: 'usr_a', team_id: 'team_a', key_id: 'key_a', agent: 'one' }),
      call(at + 2, 2, { user_id: 'usr_b', server: 'files', tool: 'read', status: 'error' }),
      call(at + 3, 3, { user_id: 'usr_a', duration_us: 9_000_000, status: 'blocked' }),
      call(at + 4, 3, { server: 'files', tool: 'query' }),
    ]);
    const found = async (query: Record<string, string | number>): Promise<number[]> =>
      idsOf(await listDay(at, query)).map((id) => Number.parseInt(id.slice(3), 16));
    expect(await found({})).toEqual([3, 2, 1]);
    expect(await found({ user_id: 'usr_a' })).toEqual([3, 1]);
    expect(await found({ team_id: 'team_a' })).toEqual([1]);
    expect(await found({ key_id: 'key_a' })).toEqual([1]);
    expect(await found({ agent: 'one' })).toEqual([1]);
    expect(await found({ server: 'files' })).toEqual([3, 2]);
    expect(await found({ server: 'files', tool: 'query' })).toEqual([3]);
    expect(await found({ server: 'search', tool: 'read' })).toEqual([]);
    expect(await found({ status: 'ok' })).toEqual([1]);
    expect(await found({ status: 'success' })).toEqual([1]);
    expect(await found({ status: 'blocked' })).toEqual([3]);
    expect(await found({ min_duration_ms: 9000 })).toEqual([3]);
    expect(await found({ user_id: "' OR 1=1 --" })).toEqual([]);
    expect((await listDay(at, { status: 'fine' })).status).toBe(400);
    expect((await listDay(at, { limit: 201 })).status).toBe(400);
  });

  test('pages hold every trace once, newest first, however many began in the same microsecond and whatever comes in between', async () => {
    const at = newDay();
    const traces = Array.from({ length: 60 }, (_, index) => ({ startMs: at + 1000 * Math.floor(index / 20), id: hex((index * 7919) % 1000) }));
    await ledger.insert(traces.map(({ startMs, id }) => call(startMs, id)));
    const expected = traces.toSorted((a, b) => b.startMs - a.startMs || (a.id < b.id ? 1 : -1)).map(({ id }) => `tr_${id}`);
    let later = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 6 }), async (sizes) => {
        const seen: string[] = [];
        let cursor: string | null = null;
        for (let page = 0; page === 0 || cursor !== null; page++) {
          const answer: Answer = await listDay(at, { limit: sizes[page % sizes.length] ?? 1, ...(cursor !== null && { cursor }) });
          seen.push(...idsOf(answer));
          ({ cursor } = answer.json);
          if (page === 0) await ledger.insert([call(at + 10_000 + later, `f${++later}`)]);
        }
        const old = new Set(expected);
        expect(seen.filter((id) => old.has(id))).toEqual(expected);
        expect(new Set(seen).size).toBe(seen.length);
      }),
      { numRuns: 5 },
    );
  });

  test('finds a page anywhere in a long window', async () => {
    const at = newDay();
    const old = at - 25 * day;
    await ledger.insert([call(old + 5, 'aa5', { agent: 'far' }), call(old + 20 * day, 'aa6', { agent: 'far' }), call(at + 5, 'aa7', { agent: 'far' })]);
    const window = { start_time: iso(old), end_time: iso(at + day), agent: 'far', limit: 1 };
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const answer: Answer = await get('/v1/traces', { ...window, ...(cursor !== null && { cursor }) });
      seen.push(...idsOf(answer));
      ({ cursor } = answer.json);
    } while (cursor !== null);
    expect(seen).toEqual(['aa7', 'aa6', 'aa5'].map((id) => `tr_${hex(id)}`));
  });

  test('counts a trace once, where it began, with its calls just outside of the window', async () => {
    const at = newDay();
    await ledger.insert([call(at - 60_000, 0xcc1), call(at + 60_000, 0xcc1), call(at + day - 1000, 0xcc2), call(at + day + 1000, 0xcc2)]);
    const answer = await listDay(at);
    expect(answer.json.traces).toMatchObject([{ id: `tr_${hex(0xcc2)}`, span_count: 2 }]);
  });

  test('takes no cursor but its own, with its own filters', async () => {
    const at = newDay();
    await ledger.insert([call(at + 1, 1), call(at + 2, 2)]);
    const cursor = (await listDay(at, { limit: 1 })).json.cursor ?? '';
    expect((await listDay(at, { limit: 1, cursor })).status).toBe(200);
    const foreign = [
      listDay(at, { limit: 1, cursor, status: 'ok' }),
      listDay(at + 1, { cursor }),
      listDay(at, { cursor: 'eA' }),
      listDay(at, { cursor: `x${cursor}` }),
    ];
    for (const answer of await Promise.all(foreign)) expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_params' } });
  });
});

describe('one trace', () => {
  test('has its spans in order with the time at each stop of the rail', async () => {
    const at = newDay();
    await ledger.insert([
      call(at + 2, 0xdd0001, {
        span_id: 'b'.repeat(16),
        parent_span_id: 'a'.repeat(16),
        status: 'blocked',
        stop: 'access',
        fault_code: 'forbidden',
        http_status: 403,
        rpc_error_code: -31_403,
        auth_us: 40,
        access_us: 7,
        duration_us: 50,
      }),
      call(at + 1, 0xdd0001, {
        span_id: 'a'.repeat(16),
        user_id: 'usr_1',
        team_id: 'team_1',
        agent: 'reviewer',
        environment: 'prod',
        key_id: 'key_1',
        client_name: 'claude',
        request_bytes: 300,
        reply_bytes: 4500,
        reply_content_type: 'application/json',
        http_status: 200,
        cost: 1_000_000,
        priced_by: 'tool',
        target: 'blue',
        retries: 1,
        input_tokens: 12,
        output_tokens: 30,
        tokens_source: 'reported',
        auth_us: 10,
        access_us: 20,
        limit_us: 30,
        guard_us: 0,
        server_us: 900,
        reply_us: 540,
        protocol_version: '2026-07-28',
        era: 'stateless',
        surface: 'mcp',
        request_id: 'req_1',
      }),
      call(at + 3, 0xdd0001, { status: 'unknown', stop: 'server', duration_us: 0, span_id: 'c'.repeat(16) }),
    ]);
    const { status, json } = await get(`/v1/traces/tr_${hex(0xdd0001)}`);
    expect(status).toBe(200);
    expect(json.trace).toMatchObject({
      id: `tr_${hex(0xdd0001)}`,
      start_time: `${iso(at + 1).slice(0, -1)}000Z`,
      duration_ms: 2,
      status: 'unknown',
      context: {
        user_id: 'usr_1',
        team_id: 'team_1',
        agent_name: 'reviewer',
        environment: 'prod',
        project_id: null,
        key_id: 'key_1',
        client_name: 'claude',
        client_trace_id: null,
      },
      span_count: 3,
      truncated: false,
      total_cost: 0.001,
      spans: [
        {
          id: `sp_${'a'.repeat(16)}`,
          parent_id: null,
          operation: 'mcp.tools.call',
          server: 'search',
          tool: 'query',
          duration_ms: 1.5,
          status: 'success',
          request: { size_bytes: 300 },
          response: { content_length: 4500, content_type: 'application/json' },
          tokens: { input: 12, output: 30, source: 'reported' },
          cost: 0.001,
          priced_by: 'tool',
          target: 'blue',
          retries: 1,
          stop: 'reply',
          stopped_at: null,
          stops: { auth: 0.01, access: 0.02, limit: 0.03, guard: 0, server: 0.9, reply: 0.54 },
          fault: null,
          error: null,
          http_status: 200,
          rpc_error_code: null,
          protocol_version: '2026-07-28',
          era: 'stateless',
          surface: 'mcp',
          request_id: 'req_1',
        },
        {
          id: `sp_${'b'.repeat(16)}`,
          parent_id: `sp_${'a'.repeat(16)}`,
          status: 'blocked',
          stopped_at: 'access',
          stops: { auth: 0.04, access: 0.007, limit: null, guard: null, server: null, reply: null },
          fault: 'forbidden',
          rpc_error_code: -31_403,
        },
        {
          id: `sp_${'c'.repeat(16)}`,
          status: 'unknown',
          stops: { auth: null, access: null, limit: null, guard: null, server: null, reply: null },
          http_status: null,
        },
      ],
    });
  });

  test("is found by the caller's own X-Trace-ID as the rail maps it", async () => {
    const own = 'run/2026-11 #7';
    await ledger.insert([call(newDay(), mappedTraceHex('org_default', own.replaceAll(' ', '+')), { client_trace_id: own.replaceAll(' ', '+') })]);
    const answer = await get(`/v1/traces/${encodeURIComponent(own.replaceAll(' ', '+'))}`);
    expect(answer.json).toMatchObject({ trace: { context: { client_trace_id: 'run/2026-11+#7' } } });
  });

  test('T1 of another organization is answered like one that never was, everywhere', async () => {
    const at = newDay();
    await ledger.insert([call(at + 1, 0xee1, { org_id: 'org_other', cost: 5_000_000_000, priced_by: 'default' })]);
    const other = await get(`/v1/traces/tr_${hex(0xee1)}`);
    const never = await get(`/v1/traces/tr_${hex(0xee2)}`);
    expect(other.status).toBe(404);
    const wordsOf = ({ json }: typeof other): string => JSON.stringify({ ...json, request_id: '' }).replaceAll(/tr_[0-9a-f]+/g, 'tr_…');
    expect(wordsOf(other)).toBe(wordsOf(never));
    expect(idsOf(await listDay(at))).toEqual([]);
    expect((await get('/v1/costs/summary', { start_date: iso(at).slice(0, 10), end_date: iso(at).slice(0, 10) })).json).toMatchObject({
      summary: { total_cost: 0, total_calls: 0 },
      breakdown: [],
    });
    expect((await get(`/v1/costs/trace/tr_${hex(0xee1)}`)).status).toBe(404);
  });
});

describe('a ledger that is not there', () => {
  test('is said so with 503', async () => {
    const opening = control.variant({ ledger: () => null });
    const path = `/v1/traces?start_time=${iso(0)}&end_time=${iso(day)}`;
    for (const address of [path, `/v1/traces/tr_${hex(1)}`, '/v1/costs/summary?start_date=2026-01-01&end_date=2026-01-02']) {
      const answer = await opening.request('GET', address, { front: 'admin' });
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({ error: 'unavailable', message: expect.stringContaining('ledger') });
    }
  });
});

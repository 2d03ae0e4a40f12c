import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../test/support/control.ts';
import { startLedger, type TestLedger } from '../../../../test/support/ledger.ts';
import { createRollups } from '../store/ledger/rollups.ts';

const minute = 60_000;
const hour = 60 * minute;
/** Some time ago, at a whole hour; nothing is made after it. */
const now = Math.floor(Date.now() / hour) * hour - 48 * hour;
const iso = (ms: number): string => new Date(ms).toISOString();

let ledger: TestLedger;
let control: TestControl;
beforeAll(async () => {
  ledger = await startLedger();
  control = await startControl({ ledger: () => ledger.reader, clock: { nowMs: () => now, monotonicMs: () => now } });
  await ledger.insert(calls.map(({ ms, ...call }) => ({ ...call, started_at: BigInt(ms) * 1000n })));
  // The same for somebody else: none of it may be counted.
  await ledger.insert(calls.slice(0, 500).map(({ ms, ...call }) => ({ ...call, org_id: 'org_other', started_at: BigInt(ms) * 1000n })));
});
afterAll(async () => {
  await control.end();
  await ledger.end();
});

/** A small generator with a seed: the same calls on every run. */
let state = 0x1234567;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return Math.abs(state) % below;
}
const pick = <Value>(values: readonly [Value, ...Value[]]): Value => values[random(values.length)] ?? values[0];

interface Made {
  readonly org_id: string;
  readonly trace_id: string;
  readonly span_id: string;
  readonly ms: number;
  readonly duration_us: number;
  readonly server: string;
  readonly tool: string;
  readonly method: string;
  readonly status: string;
  readonly agent: string;
  readonly key_id: string;
}

/** Four hours up to `now`, the second of them without a call. */
const calls: readonly Made[] = Array.from({ length: 4000 }, (_, index) => {
  const id = (index + 1).toString(16);
  const method = pick(['tools/call', 'tools/call', 'tools/call', 'tools/list'] as const);
  return {
    org_id: 'org_default',
    trace_id: id.padStart(32, '0'),
    span_id: id.padStart(16, '0'),
    ms: now - hour * pick([1, 2, 4] as const) + random(hour),
    duration_us: 200 + random(50) ** 4,
    server: pick(['github', 'search', 'mail'] as const),
    tool: method === 'tools/call' ? pick(['create', 'query', 'send'] as const) : '',
    method,
    status: pick(['success', 'success', 'success', 'error', 'timeout', 'blocked', 'cancelled'] as const),
    agent: pick(['ci', 'nightly', ''] as const),
    key_id: pick(['key_a', 'key_b'] as const),
  };
});

/** What the answer must say of these calls, counted here and not there. */
function figuresOf(of: readonly Made[], lengthMs: number): Record<string, unknown> {
  const errors = of.filter(({ status }) => status === 'error' || status === 'timeout').length;
  const took = of
    .filter(({ status }) => ['success', 'error', 'timeout'].includes(status))
    .map(({ duration_us: us }) => us)
    .sort((a, b) => a - b);
  const level = (wanted: number): unknown => {
    const exact = (took[Math.floor(wanted * (took.length - 1))] ?? 0) / 1000;
    return expect.toSatisfy((ms: number) => Math.abs(ms - exact) <= exact * 0.011 + 0.001, `${exact} within a hundredth`);
  };
  const outcomes = ['success', 'error', 'timeout', 'blocked', 'waiting', 'cancelled', 'unknown'];
  return {
    calls: of.length,
    rate: expect.closeTo((of.length * 1000) / lengthMs, 4),
    errors,
    error_percent: of.length === 0 ? null : expect.closeTo((100 * errors) / of.length, 3),
    outcomes: Object.fromEntries(outcomes.map((outcome) => [outcome, of.filter(({ status }) => status === outcome).length])),
    latency_ms: took.length === 0 ? null : { p50: level(0.5), p95: level(0.95), p99: level(0.99) },
  };
}

const agentsOf = (of: readonly Made[]): number => new Set(of.map(({ agent, key_id: key }) => agent || key)).size;
const grouped = (of: readonly Made[], key: (call: Made) => string): [string, Made[]][] =>
  Object.entries(Object.groupBy(of, key))
    .map(([name, own = []]): [string, Made[]] => [name, own])
    .toSorted((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1));

interface Answer {
  readonly metrics: Record<string, unknown> & { readonly live: unknown };
  readonly step_ms: number;
  readonly series: readonly { readonly start_time: string; readonly calls: number }[];
  readonly servers: readonly unknown[];
  readonly tools: readonly unknown[];
}
async function metrics(query: Record<string, string> = {}): Promise<Answer> {
  const response = await control.request('GET', `/v1/metrics?${new URLSearchParams(query).toString()}`, { front: 'admin' });
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

const window = { start_time: iso(now - 4 * hour), end_time: iso(now), steps: '24' };
function expected(fits: (call: Made) => boolean): Record<string, unknown> {
  const of = calls.filter((call) => fits(call));
  const step = 10 * minute;
  return {
    metrics: expect.objectContaining({
      period: { start_time: window.start_time, end_time: window.end_time },
      ...figuresOf(of, 4 * hour),
      active_agents: agentsOf(of),
      previous: null,
    }),
    step_ms: step,
    series: Array.from({ length: 24 }, (_, index) => {
      const from = now - 4 * hour + index * step;
      return {
        start_time: iso(from),
        ...figuresOf(
          of.filter(({ ms }) => ms >= from && ms < from + step),
          step,
        ),
      };
    }),
    servers: grouped(of, ({ server }) => server).map(([server, own]) => ({ server, ...figuresOf(own, 4 * hour) })),
    tools: grouped(
      of.filter(({ method }) => method === 'tools/call'),
      ({ server, tool }) => `${server}/${tool}`,
    ).map(([name, own]) => ({ server: name.split('/')[0], tool: name.split('/')[1], ...figuresOf(own, 4 * hour) })),
    truncated: false,
  };
}

describe('figures of calls', () => {
  test('are those of the calls themselves, whether read from them, from sums by minute, or from both', async () => {
    const wanted = expected(() => true);
    expect(await metrics(window)).toEqual(wanted);
    const rollups = createRollups(ledger.store);
    const version = BigInt(Date.now()) * 1000n;
    await rollups.seal('minute', now - 4 * hour, version);
    await rollups.seal('minute', now - 2 * hour, version);
    expect(await metrics(window)).toEqual(wanted);
    await rollups.seal('minute', now - hour, version);
    expect(await metrics(window)).toEqual(wanted);
  });

  test('are the same from sums by minute where those have fewer rows, and beyond what is kept of the calls', async () => {
    const at = now - 40 * 24 * hour;
    const dense: readonly Made[] = Array.from({ length: 2500 }, (_, index) => ({
      ...(calls[index] as Made),
      trace_id: (0xd0000 + index).toString(16).padStart(32, '0'),
      // Five minutes of an hour that is summed up, and two of one that is not.
      ms: index < 2000 ? at + (index % 5) * minute + random(minute) : at + hour + (index % 2) * minute + random(minute),
      server: 'dense',
      tool: 'one',
      method: 'tools/call',
      status: index % 10 === 0 ? 'error' : 'success',
    }));
    await ledger.insert(dense.map(({ ms, ...call }) => ({ ...call, started_at: BigInt(ms) * 1000n })));
    await createRollups(ledger.store).seal('minute', at, BigInt(Date.now()) * 1000n);
    const asked = { start_time: iso(at), end_time: iso(at + 2 * hour), steps: '120', query: 'server:dense' };
    const { metrics: both, series } = await metrics(asked);
    expect(both).toMatchObject(figuresOf(dense, 2 * hour));
    expect(series.filter((step) => step.calls > 0).map(({ start_time: time, calls: counted }) => [time, counted])).toEqual(
      grouped(dense, ({ ms }) => iso(Math.floor(ms / minute) * minute))
        .map(([time, own]): [string, number] => [time, own.length])
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
    // What retention does to the calls.
    await ledger.store.command(`ALTER TABLE calls DROP PARTITION '${iso(at).slice(0, 10)}'`, {});
    const summed = dense.filter(({ ms }) => ms < at + hour);
    expect((await metrics({ ...asked, end_time: iso(at + hour) })).metrics).toMatchObject(figuresOf(summed, hour));
  });

  test('of days are those of the calls: whole days from sums by day, the rest of the window from sums by minute and from calls', async () => {
    const day = 24 * hour;
    const first = Math.floor((now - 60 * day) / day) * day;
    const hours = [-3, 3, 20, 24, 36, 49].map((at) => first + at * hour);
    const made: Made[] = Array.from({ length: 1200 }, (_, index) => ({
      ...(calls[index] as Made),
      trace_id: (0xe0000 + index).toString(16).padStart(32, '0'),
      ms: (hours[index % hours.length] ?? 0) + random(hour),
      server: index % 3 === 0 ? 'daily-one' : 'daily-two',
    }));
    const insert = (of: readonly Made[]): Promise<void> => ledger.insert(of.map(({ ms, ...call }) => ({ ...call, started_at: BigInt(ms) * 1000n })));
    await insert(made);
    await insert(made.map((call) => ({ ...call, org_id: 'org_other' })));
    const [start, end] = [first - 2.5 * hour, first + 49.5 * hour];
    const expectFigures = async (): Promise<void> => {
      const of = made.filter(({ ms }) => ms >= start && ms < end);
      const found = await metrics({ start_time: iso(start), end_time: iso(end), steps: '3', limit: '50', query: 'server:daily*' });
      expect(found.step_ms).toBe(day);
      expect(found.metrics).toMatchObject(figuresOf(of, end - start));
      expect(found.series).toEqual(
        [-1, 0, 1, 2].map((at) => {
          const [from, to] = [first + at * day, first + (at + 1) * day];
          const own = of.filter(({ ms }) => ms >= from && ms < to);
          return { start_time: iso(from), ...figuresOf(own, Math.min(to, end) - Math.max(from, start)) };
        }),
      );
      expect(found.servers).toEqual(grouped(of, ({ server }) => server).map(([server, own]) => ({ server, ...figuresOf(own, end - start) })));
      const lines = await control.request(
        'GET',
        `/v1/metrics/series?${new URLSearchParams({ start_time: iso(start), end_time: iso(end), steps: '3', query: 'server:daily*' }).toString()}`,
        { front: 'admin' },
      );
      expect(await lines.json()).toMatchObject({
        groups: ['daily-one', 'daily-two'].map((server) => ({
          server,
          series: {
            calls: [-1, 0, 1, 2].map((at) => of.filter((call) => call.server === server && Math.floor((call.ms - first) / day) === at).length),
          },
        })),
      });
      expect(found.tools).toMatchObject(
        grouped(
          of.filter(({ method }) => method === 'tools/call'),
          ({ server, tool }) => `${server}/${tool}`,
        ).map(([name, own]) => ({ server: name.split('/')[0], tool: name.split('/')[1], ...figuresOf(own, end - start) })),
      );
    };
    await expectFigures();
    const rollups = createRollups(ledger.store);
    let version = BigInt(Date.now()) * 1000n;
    // All but the last, which is read from its calls.
    for (const at of hours.slice(0, -1)) await rollups.seal('minute', at, version);
    for (const at of [first, first + day]) await rollups.seal('calls-of-day', at, version);
    await expectFigures();

    // One day is known of its sum alone.
    for (const table of ['calls', 'calls_by_minute']) await ledger.store.command(`ALTER TABLE ${table} DROP PARTITION '${iso(first).slice(0, 10)}'`, {});
    await expectFigures();

    // What comes late counts at once.
    const late = made
      .slice(0, 3)
      .map((call, index): Made => ({ ...call, trace_id: (0xf0000 + index).toString(16).padStart(32, '0'), ms: first + 36 * hour + index }));
    made.push(...late);
    await insert(late);
    await expectFigures();
    await rollups.seal('minute', first + 36 * hour, ++version);
    await rollups.seal('calls-of-day', first + day, version);
    await expectFigures();

    // A day that is summed up when most of its calls are forgotten is read from the sums of its hours, which are of all.
    await ledger.store.command(`ALTER TABLE calls DROP PARTITION '${iso(first + day).slice(0, 10)}'`, {});
    await insert(late);
    await rollups.seal('calls-of-day', first + day, ++version);
    await expectFigures();
  });

  describe('over time, of each server and each tool', () => {
    interface Series {
      readonly start_times: readonly string[];
      readonly groups: readonly {
        readonly server: string | null;
        readonly tool: string | null;
        readonly series: Readonly<Record<string, readonly unknown[]>>;
      }[];
    }
    const series = async (query: Record<string, string>): Promise<Series> => {
      const response = await control.request('GET', `/v1/metrics/series?${new URLSearchParams(query).toString()}`, { front: 'admin' });
      expect(response.status).toBe(200);
      return (await response.json()) as Series;
    };
    const stepMs = 10 * minute;
    /** A line, counted from the calls it is of. */
    const lineOf = (server: string | null, tool: string | null, of: readonly Made[]): Record<string, unknown> => {
      const steps = Array.from({ length: 24 }, (_, index) => {
        const from = now - 4 * hour + index * stepMs;
        return figuresOf(
          of.filter(({ ms }) => ms >= from && ms < from + stepMs),
          stepMs,
        ) as Record<string, unknown> & { latency_ms: Record<string, unknown> | null };
      });
      return {
        server,
        tool,
        ...figuresOf(of, 4 * hour),
        series: {
          ...Object.fromEntries(['calls', 'rate', 'errors', 'error_percent'].map((name) => [name, steps.map((step) => step[name])])),
          ...Object.fromEntries(['p50', 'p95', 'p99'].map((level) => [`${level}_ms`, steps.map(({ latency_ms: latency }) => latency?.[level] ?? null)])),
        },
      };
    };
    const byName = (of: [string, Made[]][]): [string, Made[]][] => of.toSorted(([a], [b]) => (a < b ? -1 : 1));

    test('are those of the calls themselves, those with the most calls by name, and all others together', async () => {
      const found = await series({ ...window, limit: '2' });
      expect(found.start_times).toEqual(Array.from({ length: 24 }, (_, index) => iso(now - 4 * hour + index * stepMs)));
      const most = grouped(calls, ({ server }) => server);
      expect(found.groups).toEqual([
        ...byName(most.slice(0, 2)).map(([server, own]) => lineOf(server, null, own)),
        lineOf(
          null,
          null,
          most.slice(2).flatMap(([, own]) => own),
        ),
      ]);
      // None is left: there is no rest.
      expect((await series(window)).groups.map(({ server }) => server)).toEqual(['github', 'mail', 'search']);
    });

    test('are of the tools of a server where it is named, and of tool calls only', async () => {
      const { groups } = await series({ ...window, by: 'tool', query: 'server:github' });
      const own = calls.filter(({ server, method }) => server === 'github' && method === 'tools/call');
      expect(groups).toEqual(byName(grouped(own, ({ tool }) => tool)).map(([tool, of]) => lineOf('github', tool, of)));
      const { groups: one } = await series({ ...window, by: 'tool', limit: '1' });
      expect(one.map(({ server, tool }) => [server === null, tool === null])).toEqual([
        [false, false],
        [true, true],
      ]);
    });

    test('of what sums do not know are read from the calls, and of nothing there is no line', async () => {
      const { groups } = await series({ ...window, query: 'agent:ci' });
      expect(groups).toEqual(
        byName(
          grouped(
            calls.filter(({ agent }) => agent === 'ci'),
            ({ server }) => server,
          ),
        ).map(([server, own]) => lineOf(server, null, own)),
      );
      expect((await series({ ...window, query: 'server:nobody' })).groups).toEqual([]);
    });

    test('are bounded', async () => {
      const response = await control.request('GET', '/v1/metrics/series?limit=21', { front: 'admin' });
      expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid_request' }]);
    });
  });

  test('are of what the query asks for, of what sums know and of what they do not', async () => {
    expect(await metrics({ ...window, query: 'server:(github OR mail) -status:ok method:tools/call' })).toEqual(
      expected(({ server, status, method }) => server !== 'search' && status !== 'success' && method === 'tools/call'),
    );
    const byAgent = await metrics({ ...window, query: 'agent:ci dur:>1ms tool:c*' });
    expect(byAgent).toEqual(expected(({ agent, duration_us: us, tool }) => agent === 'ci' && us > 1000 && tool.startsWith('c')));
    expect(byAgent.metrics.live).toBeNull();
  });

  test('are compared with those of the window before', async () => {
    const { metrics: found } = await metrics({ start_time: iso(now - hour), end_time: iso(now), compare: 'true' });
    const before = calls.filter(({ ms }) => ms >= now - 2 * hour && ms < now - hour);
    expect(found).toMatchObject({
      previous: { period: { start_time: iso(now - 2 * hour), end_time: iso(now - hour) }, ...figuresOf(before, hour), active_agents: agentsOf(before) },
    });
  });

  test('of a window without a call are zeros, and of the last hour where no window is named', async () => {
    expect((await metrics({ start_time: iso(now - 3 * hour), end_time: iso(now - 2 * hour) })).metrics).toMatchObject({
      ...figuresOf([], hour),
      active_agents: 0,
    });
    const { metrics: found } = await metrics();
    expect(found).toMatchObject({ period: { start_time: iso(now - hour), end_time: iso(now) }, calls: calls.filter(({ ms }) => ms >= now - hour).length });
  });

  test('name as many servers and tools as are asked for, and say that there are more', async () => {
    const { servers, tools, ...rest } = await metrics({ ...window, limit: '1' });
    expect([servers.length, tools.length, rest]).toMatchObject([1, 1, { truncated: true }]);
  });

  test('of a very long window leave the agents out rather than read all of it', async () => {
    const { metrics: found, series } = await metrics({ start_time: iso(now - 30 * 24 * hour), end_time: iso(now) });
    expect(found).toMatchObject({ calls: calls.length, active_agents: null });
    expect(series.reduce((sum, step) => sum + step.calls, 0)).toBe(calls.length);
  });

  test('of a long window are in steps of days, unless finer ones are asked for', async () => {
    const widthOf = async (days: number, more: Record<string, string> = {}): Promise<number> =>
      (await metrics({ start_time: iso(now - days * 24 * hour), end_time: iso(now), ...more })).step_ms / hour;
    expect([await widthOf(14), await widthOf(15), await widthOf(15, { steps: '60' })]).toEqual([6, 24, 6]);
  });
});

test.each([
  [{ start_time: iso(now), end_time: iso(now) }, 'invalid_params'],
  [{ query: 'nothing:here' }, 'query_invalid'],
  [{ steps: '100000' }, 'invalid_request'],
  [{ start_time: 'yesterday' }, 'invalid_request'],
])('a question that makes no sense is refused: %j', async (query, error) => {
  const response = await control.request('GET', `/v1/metrics?${new URLSearchParams(query as Record<string, string>).toString()}`, { front: 'admin' });
  expect([response.status, await response.json()]).toMatchObject([400, { error }]);
});

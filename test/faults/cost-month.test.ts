/**
 * A month of traffic whose costs are known: priced by the rail's own arithmetic, written to a journal, drained into the real ledger, which
 * is killed meanwhile, summed up, and asked by the API. Every figure must be that of a calculation in integers without bounds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../packages/gateway/src/kernel/clock.ts';
import { silentLog } from '../../packages/gateway/src/kernel/log.ts';
import { nanoText } from '../../packages/gateway/src/kernel/nano.ts';
import { CallRecord, principalBlock, serverBlock, writeIntent, writeOutcome } from '../../packages/gateway/src/record/call-record.ts';
import { openJournal } from '../../packages/gateway/src/record/journal.ts';
import { priceCall } from '../../packages/gateway/src/record/price-call.ts';
import type { Price } from '../../packages/gateway/src/snapshot/compile-snapshot.ts';
import { createCallSink } from '../../packages/gateway/src/store/ledger/calls.ts';
import { createRollups } from '../../packages/gateway/src/store/ledger/rollups.ts';
import { openCallChain } from '../../packages/gateway/src/telemetry/call-chain.ts';
import { startDrain } from '../../packages/gateway/src/telemetry/drain.ts';
import { createTap } from '../../packages/gateway/src/telemetry/tap.ts';
import { startRollUp } from '../../packages/gateway/src/telemetry/roll-up.ts';
import { startControl, type TestControl } from '../support/control.ts';
import { startLedger, type TestLedger } from '../support/ledger.ts';
import { until } from '../support/poll.ts';

const callsPerDay = 160;
const days = 31;
const dayMs = 86_400_000;
const today = Math.floor(Date.now() / dayMs) * dayMs;
const dateAt = (ago: number): string => new Date(today - ago * dayMs).toISOString().slice(0, 10);
const [startDate, endDate] = [dateAt(days - 1), dateAt(0)];

/** The same month at every run: a generator of mulberry32 (public domain). */
let seed = 0x5eed;
function random(below: number): number {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
}
const pick = <Value>(values: readonly Value[]): Value => values[random(values.length)] as Value;

/** Prices of nine decimals, one a server, one for a tool. */
const prices: Readonly<Record<string, Price>> = {
  search: { perCall: 1_234_567, perTokenInput: 10_007, perTokenOutput: 30_011, perSecond: 0, by: 'server', version: 3 },
  files: { perCall: 1, perTokenInput: 0, perTokenOutput: 0, perSecond: 7_919, by: 'default', version: 3 },
  'search/query': { perCall: 999_999_999, perTokenInput: 1, perTokenOutput: 3, perSecond: 333_333, by: 'tool', version: 3 },
};

interface Known {
  readonly ago: number;
  readonly server: string;
  readonly tool: string;
  readonly team: string;
  readonly user: string;
  readonly project: string;
  readonly agent: string;
  readonly key: string;
  readonly currency: string;
  readonly pricedBy: string;
  readonly isError: boolean;
  readonly input: number;
  readonly output: number;
  readonly costNano: bigint;
  readonly startedMs: number;
  readonly durationUs: number;
}

let ledger: TestLedger;
let control: TestControl;
const known: Known[] = [];

beforeAll(async () => {
  ledger = await startLedger();
  control = await startControl({ ledger: () => ledger.reader, clock: systemClock });
  const folder = mkdtempSync(join(tmpdir(), 'gwo-month-'));
  const drain = startDrain({
    journalFolder: folder,
    ledger: createCallSink(ledger.store),
    clock: systemClock,
    log: silentLog,
    spoolBytesMax: 1024 ** 3,
    tap: createTap(silentLog),
    chain: openCallChain({ path: `${folder}.chain`, node: 'node', log: silentLog }),
  });
  // After the drain: a writer that was there before it is taken for dead.
  const journal = openJournal({ folder, writer: 'w1', segmentBytesMax: 256 * 1024, sync: false, log: silentLog });
  const rollUp = startRollUp({ rollups: createRollups(ledger.store), clock: systemClock, log: silentLog });
  try {
    let number = 0;
    for (let ago = days - 1; ago >= 0; ago--) {
      for (let index = 0; index < callsPerDay; index++) known.push(write(journal, ++number, ago));
      await journal.committed();
      // The engine dies while it takes rows and while it sums up, at no moment in particular.
      if (ago % 10 === 5) {
        const summing = rollUp.look();
        await ledger.kill();
        await summing;
      }
    }
    await until(() => drain.flush(60_000), { timeoutMs: 300_000, what: 'the month in the ledger' });
  } finally {
    await drain.stop();
    journal.close();
    rollUp.stop();
    rmSync(folder, { recursive: true, force: true });
    rmSync(`${folder}.chain`, { recursive: true, force: true });
  }
}, 900_000);
afterAll(async () => {
  await control.end();
  await ledger.end();
});

/** One call: into the journal as the rail writes it, and as it must be found. */
function write(journal: ReturnType<typeof openJournal>, number: number, ago: number): Known {
  const server = pick(['search', 'files', 'nothing']);
  const tool = server === 'search' ? pick(['query', 'get', 'list, "all"']) : pick(['read', '=cmd()', 'ü']);
  const [team, user, project] = [pick(['', 'team_eng', 'team_ml']), pick(['', 'usr_1', 'usr_2', 'usr_3']), pick(['', 'prj_x', 'prj_y'])];
  const [agent, key] = [pick(['', 'coder', 'reviewer']), pick(['key_1', 'key_2', 'key_3', 'key_4'])];
  const currency = random(20) === 0 ? 'EUR' : 'USD';
  const record = new CallRecord(number, performance.now());
  record.traceHex = number.toString(16).padStart(32, '0');
  record.spanHex = number.toString(16).padStart(16, '0');
  record.method = random(10) === 0 ? 'tools/list' : 'tools/call';
  record.name = record.method === 'tools/call' ? tool : '';
  const isError = random(9) === 0;
  record.status = isError ? 'error' : 'success';
  record.stop = 'reply';
  record.inputTokens = random(4) === 0 ? 0 : random(100_000);
  record.outputTokens = random(5000);
  // Milliseconds with fractions; the record keeps microseconds.
  const durationMs = random(20_000_000) / 1000;
  const kind = random(12);
  if (record.method === 'tools/call') {
    const price = prices[`${server}/${tool}`] ?? prices[server];
    if (kind === 0) record.pricedBy = 'cache';
    else if (kind === 1) {
      record.pricedBy = 'reported';
      record.costNano = random(2 ** 31) * 4_000_000 + random(1000);
    } else if (price !== undefined) priceAt(record, price, durationMs);
    else record.pricedBy = 'none';
  }
  const startedMs = today - ago * dayMs + random(ago === 0 ? Math.max(1, Date.now() - today) : dayMs);
  const principal = principalBlock({
    organizationId: 'org_default',
    keyId: key,
    keyPrefix: 'gwo_t',
    userId: user,
    teamId: team,
    projectId: project,
    agent,
    environment: 'prod',
  });
  writeIntent(journal, record, principal, serverBlock('node', server, currency), startedMs - record.startedAt);
  writeOutcome(journal, record, record.startedAt + durationMs);
  return {
    ago,
    server,
    tool: record.name,
    team,
    user,
    project,
    agent,
    key,
    currency,
    pricedBy: record.pricedBy,
    isError,
    input: record.inputTokens,
    output: record.outputTokens,
    costNano: record.pricedBy === 'reported' ? BigInt(record.costNano) : costOf(record, prices[`${server}/${tool}`] ?? prices[server], durationMs),
    startedMs,
    durationUs: Math.round((record.startedAt + durationMs - record.startedAt) * 1000),
  };
}

/** The rail's arithmetic for a call of this length: its clock is performance.now(). */
function priceAt(record: CallRecord, price: Price, durationMs: number): void {
  const now = performance.now;
  performance.now = () => record.startedAt + durationMs;
  try {
    priceCall(record, price);
  } finally {
    performance.now = now;
  }
}

/** The same in integers without bounds. */
function costOf(record: CallRecord, price: Price | undefined, durationMs: number): bigint {
  if (price === undefined || !['default', 'server', 'tool'].includes(record.pricedBy)) return 0n;
  const micros = BigInt(Math.round((record.startedAt + durationMs - record.startedAt) * 1000));
  return (
    BigInt(price.perCall) +
    BigInt(record.inputTokens) * BigInt(price.perTokenInput) +
    BigInt(record.outputTokens) * BigInt(price.perTokenOutput) +
    (BigInt(price.perSecond) * micros + 500_000n) / 1_000_000n
  );
}

const monday = (ago: number): string => {
  const day = new Date(today - ago * dayMs);
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7));
  return day.toISOString().slice(0, 10);
};
const groupings: Readonly<Record<string, (call: Known) => string>> = {
  day: ({ ago }) => dateAt(ago),
  week: ({ ago }) => monday(ago),
  month: ({ ago }) => dateAt(ago).slice(0, 7),
  team: ({ team }) => team,
  user: ({ user }) => user,
  project: ({ project }) => project,
  owner: ({ user, team, project }) => (user ? `user/${user}` : team ? `team/${team}` : project ? `project/${project}` : 'organization'),
  server: ({ server }) => server,
  tool: ({ server, tool }) => `${server}/${tool}`,
  agent: ({ agent }) => agent,
  key: ({ key }) => key,
};

interface Sum {
  calls: number;
  unpriced: number;
  errors: number;
  input: number;
  output: number;
  nano: bigint;
}
function sums(of: readonly Known[], by: (call: Known) => string): ReadonlyMap<string, Sum> {
  const found = new Map<string, Sum>();
  for (const call of of) {
    if (call.pricedBy === '') continue;
    const sum = found.get(by(call)) ?? { calls: 0, unpriced: 0, errors: 0, input: 0, output: 0, nano: 0n };
    sum.calls += 1;
    if (call.pricedBy === 'none') sum.unpriced += 1;
    if (call.isError) sum.errors += 1;
    sum.input += call.input;
    sum.output += call.output;
    sum.nano += call.costNano;
    found.set(by(call), sum);
  }
  return found;
}
const inDollars = (): readonly Known[] => known.filter(({ currency }) => currency === 'USD');

/** Lines of CSV as text: amounts are compared digit by digit. */
function linesOf(groups: ReadonlyMap<string, Sum>): string[] {
  const field = (text: string): string => {
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [...groups]
    .map(([group, sum]) => `${field(group)},${sum.calls},${sum.unpriced},${sum.errors},${sum.input},${sum.output},${nanoText(sum.nano)},USD`)
    .toSorted();
}

async function csv(query: Record<string, string>): Promise<string[]> {
  const search = new URLSearchParams({ start_date: startDate, end_date: endDate, ...query }).toString();
  const response = await control.request('GET', `/v1/costs/summary?${search}`, { front: 'admin', headers: { accept: 'text/csv' } });
  expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  return (await response.text()).split('\r\n').slice(1, -1).toSorted();
}

async function everyFigure(): Promise<void> {
  for (const [group, by] of Object.entries(groupings)) expect([group, await csv({ group_by: group })]).toEqual([group, linesOf(sums(inDollars(), by))]);
  const filters: readonly [Record<string, string>, (call: Known) => boolean][] = [
    [{ team_id: 'team_eng' }, ({ team }) => team === 'team_eng'],
    [{ team_id: '' }, ({ team }) => team === ''],
    [{ user_id: 'usr_2', server: 'search' }, ({ user, server }) => user === 'usr_2' && server === 'search'],
    [{ tool: '=cmd()', key_id: 'key_3' }, ({ tool, key }) => tool === '=cmd()' && key === 'key_3'],
    [{ priced_by: 'none' }, ({ pricedBy }) => pricedBy === 'none'],
    [{ agent: 'coder', project_id: 'prj_x' }, ({ agent, project }) => agent === 'coder' && project === 'prj_x'],
  ];
  for (const [query, fits] of filters)
    expect([query, await csv({ group_by: 'day', ...query })]).toEqual([query, linesOf(sums(inDollars().filter(fits), groupings['day'] ?? String))]);
}

interface Figures {
  readonly calls: number;
  readonly errors: number;
  readonly latency_ms: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
}
const nothing: Figures = { calls: -1, errors: -1, latency_ms: null };
interface MetricsAnswer {
  readonly metrics: Figures;
  readonly step_ms: number;
  readonly series: readonly (Figures & { readonly start_time: string })[];
  readonly servers: readonly (Figures & { readonly server: string })[];
  readonly tools: readonly (Figures & { readonly server: string; readonly tool: string })[];
}

/** Counts of each day, server and tool, and percentiles within a hundredth of the true ones. */
async function everyMetric(): Promise<void> {
  const search = new URLSearchParams({
    start_time: new Date(today - (days - 1) * dayMs).toISOString(),
    end_time: new Date().toISOString(),
    steps: '31',
    limit: '50',
  });
  const answer = (await (await control.request('GET', `/v1/metrics?${search.toString()}`, { front: 'admin' })).json()) as MetricsAnswer;
  const expectFigures = (found: Figures, of: readonly Known[]): void => {
    expect([found.calls, found.errors]).toEqual([of.length, of.filter(({ isError }) => isError).length]);
    const took = of.map(({ durationUs }) => durationUs).sort((a, b) => a - b);
    for (const [name, level] of [
      ['p50', 0.5],
      ['p95', 0.95],
      ['p99', 0.99],
    ] as const) {
      const exactMs = (took[Math.floor(level * (took.length - 1))] ?? 0) / 1000;
      const foundMs = found.latency_ms?.[name] ?? 0;
      expect(Math.abs(foundMs - exactMs)).toBeLessThanOrEqual(exactMs * 0.0101 + 0.001);
    }
  };
  expectFigures(answer.metrics, known);
  const step = ({ startedMs }: Known): string => new Date(Math.floor(startedMs / answer.step_ms) * answer.step_ms).toISOString();
  const steps = Map.groupBy(known, step);
  expect(answer.series.filter(({ calls }) => calls > 0).length).toBe(steps.size);
  for (const [start, of] of steps) expectFigures(answer.series.find(({ start_time: at }) => at === start) ?? nothing, of);
  for (const [server, of] of Map.groupBy(known, (call) => call.server)) expectFigures(answer.servers.find((found) => found.server === server) ?? nothing, of);
  const tools = Map.groupBy(
    known.filter(({ tool }) => tool !== ''),
    ({ server, tool }) => `${server}/${tool}`,
  );
  for (const [name, of] of tools) expectFigures(answer.tools.find(({ server, tool }) => `${server}/${tool}` === name) ?? nothing, of);
}

describe('a month of known traffic', () => {
  test('is in the ledger, each call once, at the price of integer arithmetic', async () => {
    const row = z.object({ n: z.coerce.number(), cost: z.string() });
    const [found] = await ledger.store.query('SELECT count() AS n, toString(sum(cost)) AS cost FROM calls', {}, row);
    expect(found).toEqual({ n: days * callsPerDay, cost: nanoText(known.reduce((sum, { costNano }) => sum + costNano, 0n)) });
  });

  test('is in the request log as CSV, line by line and to the last decimal', async () => {
    const columns = ['server', 'tool', 'user_id', 'team_id', 'project_id', 'agent_name', 'key_id', 'status', 'latency_ms', 'cost', 'currency'];
    const window = { start_time: new Date(today - days * dayMs).toISOString(), end_time: new Date(Date.now() + 60_000).toISOString() };
    const begun = await control.request('POST', '/v1/logs/export', { front: 'admin', body: { format: 'csv', columns, ...window } });
    const { id } = ((await begun.json()) as { export: { id: string } }).export;
    await until(async () => (await (await control.request('GET', `/v1/logs/exports/${id}`, { front: 'admin' })).text()).includes('"state":"done"'), {
      timeoutMs: 120_000,
      everyMs: 100,
      what: 'the export',
    });
    const text = await (await control.request('GET', `/v1/logs/exports/${id}/file`, { front: 'admin' })).text();
    const [head, ...lines] = text.trimEnd().split(/\r?\n/);
    const field = (value: string): string => {
      const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
      return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    const expected = known.map((call) =>
      [
        ...[call.server, call.tool, call.user, call.team, call.project, call.agent, call.key, call.isError ? 'error' : 'success'].map(field),
        String(call.durationUs / 1000),
        nanoText(call.costNano),
        call.currency,
      ].join(','),
    );
    expect(head).toBe(columns.join(','));
    expect(lines.toSorted()).toEqual(expected.toSorted());
  }, 300_000);

  test('has the counts of each day, server and tool, and percentiles within a hundredth of the true ones', everyMetric, 300_000);

  test('costs in every group and for every filter what it must, from sums and from calls', everyFigure, 600_000);

  test('and the same when its days are summed up', async () => {
    const rollups = createRollups(ledger.store);
    for (const name of ['day', 'calls-of-day'] as const) {
      for (const { startMs } of await rollups.listStale(name, 1000)) await rollups.seal(name, startMs, BigInt(Date.now()) * 1000n);
      expect(await rollups.listStale(name, 1000)).toEqual([]);
    }
    await everyFigure();
    await everyMetric();
  }, 600_000);

  test('and the same when the engine was killed again and all its calls are forgotten but those of today', async () => {
    await ledger.kill();
    for (let ago = days - 1; ago > 0; ago--) await ledger.store.command(`ALTER TABLE calls DROP PARTITION '${dateAt(ago)}'`, {});
    await everyFigure();
    await everyMetric();
  }, 600_000);

  test('compares with the period before, and says where it will end, in exact decimals', async () => {
    const half = 10;
    const query = new URLSearchParams({ start_date: dateAt(half - 1), end_date: dateAt(-5) }).toString();
    const text = await (await control.request('GET', `/v1/costs/trend?${query}`, { front: 'admin' })).text();
    const nanoAt = (ago: number): bigint => sums(inDollars(), groupings['day'] ?? String).get(dateAt(ago))?.nano ?? 0n;
    const range = (from: number, to: number): bigint[] => Array.from({ length: from - to + 1 }, (_, index) => nanoAt(from - index));
    const total = (of: readonly bigint[]): bigint => of.reduce((sum, one) => sum + one, 0n);
    const [now, before, last] = [total(range(half - 1, 0)), total(range(2 * half - 1, half)), range(7, 1)];
    const mean = (times: bigint): bigint => (total(last) * times + 3n) / 7n;
    const most = (one: bigint, other: bigint): bigint => (one > other ? one : other);
    const projected = now - nanoAt(0) + most(nanoAt(0), mean(1n)) + mean(5n);
    expect(text).toContain(`"total_cost":${nanoText(now)},`);
    expect(text).toContain(`"total_cost":${nanoText(before)},`);
    expect(text).toContain(`"projection":{"cost":${nanoText(projected)},`);
    expect((JSON.parse(text) as { trend: { previous: unknown } }).trend.previous).toMatchObject({
      period: { start: dateAt(2 * half - 1), end: dateAt(half) },
      change_percent: Number(((now - before) * 1000n) / before) / 10,
    });
    const byTeam = await (
      await control.request('GET', `/v1/costs/by-team?${new URLSearchParams({ start_date: dateAt(9), end_date: dateAt(0) }).toString()}`, { front: 'admin' })
    ).text();
    const teamBefore = sums(
      inDollars().filter(({ ago }) => ago >= 10 && ago < 20),
      ({ team }) => team,
    );
    for (const [, { nano }] of teamBefore) expect(byTeam).toContain(`"previous_cost":${nanoText(nano)},`);
  }, 300_000);
});

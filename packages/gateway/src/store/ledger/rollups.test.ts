import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startLedger, type TestCall, type TestLedger } from '../../../../../test/support/ledger.ts';
import { until } from '../../../../../test/support/poll.ts';
import { bounds } from '../../kernel/bounds.ts';
import { silentLog } from '../../kernel/log.ts';
import { parseQuery } from '../../query/parse-query.ts';
import { startRollUp } from '../../telemetry/roll-up.ts';
import { listCosts } from './costs.ts';
import { readKeyUsage } from './key-usage.ts';
import { createLedgerBackup, createLedgerRestore, type LedgerPart } from './ledger-backup.ts';
import { createRollups, type Rollups } from './rollups.ts';

let ledger: TestLedger;
let rollups: Rollups;
beforeAll(async () => {
  ledger = await startLedger();
  rollups = createRollups(ledger.store);
});
afterAll(() => ledger.end());

const dayMs = 86_400_000;
const today = Math.floor(Date.now() / dayMs) * dayMs;
const dayAt = (ago: number): string => new Date(today - ago * dayMs).toISOString().slice(0, 10);
const startOf = (ago: number): number => today - ago * dayMs;
const nowUs = (): bigint => BigInt(Date.now()) * 1000n;

let calls = 0;
function call(ago: number, costNano: number | bigint, more: TestCall = {}): TestCall {
  const id = (++calls).toString(16);
  return {
    org_id: 'org_a',
    trace_id: id.padStart(32, '0'),
    span_id: id.padStart(16, '0'),
    started_at: BigInt(startOf(ago)) * 1000n + BigInt(calls % 86_400) * 1_000_000n,
    method: 'tools/call',
    server: 'search',
    tool: 'query',
    currency: 'USD',
    status: 'success',
    priced_by: 'default',
    duration_us: 1000,
    cost: costNano,
    ...more,
  };
}

async function total(ago: number, organizationId = 'org_a'): Promise<{ cost: string; calls: number }> {
  const [row] = await listCosts(ledger.store, {
    organizationId,
    startDate: dayAt(ago),
    endDate: dayAt(ago),
    groupBy: 'team',
    currency: 'USD',
    filter: {},
    limit: 10,
  });
  return { cost: row?.total_cost ?? '0', calls: row?.total_calls ?? 0 };
}

const isStale = async (ago: number): Promise<boolean> => (await rollups.listStale('day', 1000)).some(({ startMs }) => startMs === startOf(ago));
const count = z.object({ n: z.coerce.number() });
const rowsOf = async (ago: number): Promise<number> =>
  (await ledger.store.query('SELECT count() AS n FROM costs_by_day WHERE day = {day:Date}', { day: dayAt(ago) }, count))[0]?.n ?? -1;
/** What retention does to a day. */
const forget = (ago: number): Promise<void> => ledger.store.command(`ALTER TABLE calls DROP PARTITION '${dayAt(ago)}'`, {});

test('a day costs the same before and after it is summed up, and when its calls are forgotten', async () => {
  await ledger.insert([call(2, 1), call(2, 123_456_789_000_000_001n, { team_id: 'team_a' }), call(2, 9, { org_id: 'org_b' })]);
  const before = await total(2);
  expect(before).toEqual({ cost: '123456789.000000002', calls: 2 });
  await rollups.seal('day', startOf(2), nowUs());
  expect(await isStale(2)).toBe(false);
  expect(await total(2)).toEqual(before);
  await forget(2);
  expect(await total(2)).toEqual(before);
  expect(await total(2, 'org_b')).toEqual({ cost: '0.000000009', calls: 1 });
});

test('a call that comes after its day was summed up counts at once, and once when the day is summed up again', async () => {
  await ledger.insert([call(3, 100)]);
  await rollups.seal('day', startOf(3), nowUs());
  await ledger.insert([call(3, 20)]);
  expect(await total(3)).toEqual({ cost: '0.00000012', calls: 2 });
  expect(await isStale(3)).toBe(true);
  await rollups.seal('day', startOf(3), nowUs());
  expect(await isStale(3)).toBe(false);
  expect(await total(3)).toEqual({ cost: '0.00000012', calls: 2 });
});

test('a batch that comes again with its token counts once, before its day is summed up and after', async () => {
  const batch = [call(4, 7), call(4, 8)];
  await ledger.insert(batch, 'batch-4');
  await ledger.insert(batch, 'batch-4');
  expect(await total(4)).toEqual({ cost: '0.000000015', calls: 2 });
  await rollups.seal('day', startOf(4), nowUs());
  await ledger.insert(batch, 'batch-4');
  expect(await total(4)).toEqual({ cost: '0.000000015', calls: 2 });
});

test('what a key was used for is known before its days are summed up, after, and when their calls are forgotten; then its last use to the day', async () => {
  const usage = async (): Promise<unknown> => (await readKeyUsage(ledger.store, 'org_k', ['key_k', 'key_other'])).get('key_k');
  const at = (ago: number): number => startOf(ago) + 5_000;
  const used = (ago: number, costNano: number, more: TestCall = {}): TestCall =>
    call(ago, costNano, { org_id: 'org_k', key_id: 'key_k', started_at: BigInt(at(ago)) * 1000n, ...more });
  await ledger.insert([used(12, 7), used(12, 1_000_000_000), used(11, 2), used(12, 99, { key_id: 'key_l' }), used(12, 99, { org_id: 'org_l' })]);
  expect(await usage()).toEqual({ calls: 3, costNano: 1_000_000_009n, lastUsedMs: at(11) });
  await rollups.seal('day', startOf(12), nowUs());
  expect(await usage()).toEqual({ calls: 3, costNano: 1_000_000_009n, lastUsedMs: at(11) });
  await rollups.seal('day', startOf(11), nowUs());
  await Promise.all([forget(12), forget(11)]);
  expect(await usage()).toEqual({ calls: 3, costNano: 1_000_000_009n, lastUsedMs: startOf(11) });
  await ledger.insert([used(1, 0, { method: 'tools/list', priced_by: '' })]);
  expect(await usage()).toEqual({ calls: 4, costNano: 1_000_000_009n, lastUsedMs: at(1) });
});

test('tokens that were counted after a call add to its day, also where that was summed up before', async () => {
  const at = `fromUnixTimestamp64Micro(${BigInt(startOf(14)) * 1000n + 5n}, 'UTC')`;
  await ledger.insert([call(14, 1_000_000, { team_id: 'team_t' })]);
  await rollups.seal('day', startOf(14), nowUs());
  await ledger.store.command(
    `INSERT INTO counted_tokens (org_id, team_id, server, currency, trace_id, span_id, started_at, method, tool, input_tokens, output_tokens, cost, priced_by)
     SELECT 'org_a', 'team_t', 'search', 'USD', repeat('a', 32), repeat('b', 16), ${at}, 'tools/call', 'query', 7, 11, toDecimal64('0.000000777', 9), 'default'`,
    {},
  );
  expect(await total(14)).toEqual({ cost: '0.001000777', calls: 1 });
  await rollups.seal('day', startOf(14), nowUs());
  expect(await isStale(14)).toBe(false);
  expect(await total(14)).toEqual({ cost: '0.001000777', calls: 1 });
});

test('what a sum that was cut short has left is never read', async () => {
  await ledger.insert([call(6, 5), call(6, 6)]);
  // As a kill leaves it: rows of a version that no seal names.
  const broken = {
    ...ledger.store,
    command: (sql: string, parameters: Record<string, string>) =>
      sql.includes('rollups/seal') ? Promise.reject(new Error('killed')) : ledger.store.command(sql, parameters),
  };
  await expect(createRollups(broken).seal('day', startOf(6), nowUs())).rejects.toThrow('killed');
  expect(await rowsOf(6)).toBeGreaterThan(0);
  expect(await total(6)).toEqual({ cost: '0.000000011', calls: 2 });
  await rollups.seal('day', startOf(6), nowUs());
  expect(await total(6)).toEqual({ cost: '0.000000011', calls: 2 });
});

test('two nodes that sum up the same day at once leave one sum', async () => {
  await ledger.insert([call(7, 5), call(7, 6)]);
  const version = nowUs();
  await Promise.all([rollups.seal('day', startOf(7), version), rollups.seal('day', startOf(7), version + 5n)]);
  expect(await total(7)).toEqual({ cost: '0.000000011', calls: 2 });
  await rollups.prune('day', startOf(7));
  await until(async () => (await rowsOf(7)) === 1, { timeoutMs: 30_000 });
  expect(await total(7)).toEqual({ cost: '0.000000011', calls: 2 });
});

test('the engine killed at any moment, while calls come and days are summed up, changes no sum', async () => {
  const expected = new Map([8, 9, 10].map((ago) => [ago, { nano: 0n, calls: 0 }]));
  let round = 0;
  const send = async (): Promise<void> => {
    round++;
    const batch = [...expected.keys()].flatMap((ago) => Array.from({ length: 5 }, (_, index) => call(ago, round * 1000 + index)));
    for (const [ago, sum] of expected) {
      const of = batch.filter(({ started_at }) => BigInt(started_at ?? 0) / 1000n / BigInt(dayMs) === BigInt(startOf(ago) / dayMs));
      sum.calls += of.length;
      for (const { cost } of of) sum.nano += BigInt(cost ?? 0);
    }
    // As telemetry does: the same batch with the same token until it is acknowledged.
    await until(() => ledger.insert(batch, `kill-${round}`).then(() => true), { timeoutMs: 60_000, everyMs: 100 });
  };
  // Moments after which the engine dies: in the insert, between two statements of a sum, behind them.
  for (const delayMs of [0, 5, 40, 150]) {
    const sealing = Promise.allSettled([...expected.keys()].map((ago) => rollups.seal('day', startOf(ago), nowUs())));
    const sending = send();
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await ledger.kill();
    await Promise.all([sealing, sending]);
    for (const [ago, { nano, calls: made }] of expected) {
      const decimal = `0.${nano.toString().padStart(9, '0')}`.replace(/0+$/, '');
      expect(await total(ago)).toEqual({ cost: decimal, calls: made });
    }
  }
}, 240_000);

test('in the background what is over is summed up, a day that is not over once an hour, and superseded sums are deleted', async () => {
  await ledger.insert([call(0, 1, { started_at: BigInt(today) * 1000n }), call(1, 2)]);
  let nowMs = today + 30 * 60_000;
  const rollUp = startRollUp({ rollups, clock: { nowMs: () => nowMs, monotonicMs: () => nowMs }, log: silentLog });
  try {
    await rollUp.look();
    expect([await isStale(1), await isStale(0)]).toEqual([false, true]);
    expect((await rollups.listStale('minute', 1000)).filter(({ endMs }) => endMs < today)).toEqual([]);
    expect((await rollups.listStale('calls-of-day', 1000)).map(({ startMs }) => startMs)).toEqual([today]);
    nowMs = today + bounds.rollupOpenMs + 1000;
    await rollUp.look();
    expect(await isStale(0)).toBe(false);
    expect((await rollups.listStale('calls-of-day', 1000)).map(({ sealedUs }) => sealedUs)).toEqual([0n]);
    await ledger.insert([call(0, 1, { started_at: BigInt(today) * 1000n + 5n })]);
    nowMs += 60_000;
    await rollUp.look();
    expect(await isStale(0)).toBe(true);
    nowMs += bounds.rollupOpenMs;
    await rollUp.look();
    expect(await isStale(0)).toBe(false);
    nowMs += 3 * bounds.ledgerInsertTimeoutMs;
    await rollUp.look();
    await until(async () => (await rowsOf(0)) === 1, { timeoutMs: 30_000 });
    expect(await total(0)).toEqual({ cost: '0.000000002', calls: 2 });
  } finally {
    rollUp.stop();
  }
});

test('a backup has the sums by minute and by day of days whose calls are forgotten, and a ledger that it fills answers as before', async () => {
  const made = Array.from({ length: 50 }, (_, index) =>
    call(20, 0, { org_id: 'org_kept', duration_us: 1000 + index, status: index % 5 === 0 ? 'error' : 'success' }),
  );
  await ledger.insert(made);
  await rollups.seal('minute', startOf(20), nowUs());
  for (const name of ['day', 'calls-of-day'] as const) await rollups.seal(name, startOf(20), nowUs());
  await forget(20);
  const figures = (stepMs: number): Promise<unknown> =>
    ledger.reader.callMetrics({
      organizationId: 'org_kept',
      startMs: startOf(21),
      endMs: startOf(19),
      stepMs,
      query: parseQuery(''),
      bodies: false,
      limit: 10,
      grouped: true,
    });
  const before = [await figures(dayMs), await figures(60_000)];
  expect(before).toMatchObject([
    [{ kind: 'server' }, { kind: 'step', step: startOf(20) / 1000, calls: 50, error: 10 }, { kind: 'tool' }, { kind: 'total', calls: 50, error: 10 }],
    expect.anything(),
  ]);
  const backup = createLedgerBackup(ledger.store);
  const columns = await backup.columns();
  const tables = ['calls_by_minute', 'calls_by_day', 'rollup_seals'];
  const parts: LedgerPart[] = [];
  for await (const part of backup.parts({ scope: 'all', from: null, to: null, heads: {} })) if (tables.includes(part.table)) parts.push(part);
  for (const table of tables) await ledger.store.command(`ALTER TABLE ${table} DROP PARTITION ALL`, {});
  expect(await figures(dayMs)).toMatchObject([{ kind: 'total', calls: 0 }]);
  const restore = createLedgerRestore(ledger.store);
  for (const { table, bytes } of parts) await restore.part(table, columns[table] ?? [], bytes);
  expect([await figures(dayMs), await figures(60_000)]).toEqual(before);
  // Each is known without the other.
  await ledger.store.command(`ALTER TABLE calls_by_minute DROP PARTITION ALL`, {});
  expect(await figures(dayMs)).toEqual(before[0]);
});

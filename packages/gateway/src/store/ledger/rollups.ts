import { z } from 'zod';
import type { LedgerState, LedgerStore } from './ledger-store.ts';
import { alteredTable } from './statements.ts';

/**
 * What is summed up from `calls` into tables of its own: `costs_by_day` (`day`), kept for ever, a day at a time; `calls_by_minute`
 * (`minute`), an hour at a time; `calls_by_day` (`calls-of-day`), a day at a time. Nothing is added to what is there: a period is
 * summed up as a whole under a version, and counts from the moment that `rollup_seals` names the version with the number of rows
 * that it was made of. So it may be cut short, done twice and by two nodes at once. A period that has more rows than its seal
 * names is read from its sources instead.
 */
export type RollupName = 'day' | 'minute' | 'calls-of-day';

/** A period whose sources hold more than its seal. */
export interface StalePeriod {
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  /** Microseconds since the epoch: when it was summed up last; 0: never. */
  readonly sealedUs: bigint;
}

export interface Rollups {
  state(): LedgerState;
  /** Oldest first, at most `limit`. */
  listStale(rollup: RollupName, limit: number): Promise<readonly StalePeriod[]>;
  /** Sums up a period. `version`: microseconds since the epoch; later ones hold. Faults: `unavailable`. */
  seal(rollup: RollupName, startMs: number, version: bigint): Promise<void>;
  /** Deletes what versions before the one that holds have left of a period; for when nobody reads them any more. */
  prune(rollup: RollupName, startMs: number): Promise<void>;
}

/** Rows of which costs are made; all sources have the columns of `costDimensions` and `started_at`. */
interface CostSource {
  readonly table: string;
  /** Which of its rows count. */
  readonly where: string;
  /** What a row adds: aggregates by the columns of `costs_by_day`. For `calls` as they stand in its projection of that name. */
  readonly sums: Readonly<Record<(typeof costSums)[number], string>>;
}

export const costDimensions = ['currency', 'team_id', 'user_id', 'project_id', 'agent', 'key_id', 'environment', 'server', 'tool', 'priced_by'] as const;
export type CostDimension = (typeof costDimensions)[number];
export const costSums = ['calls', 'errors', 'input_tokens', 'output_tokens', 'duration_us', 'cost'] as const;

const costSources: readonly CostSource[] = [
  {
    table: 'calls',
    where: "method = 'tools/call'",
    sums: {
      calls: 'count()',
      errors: "countIf(status IN ('error', 'timeout'))",
      input_tokens: 'sum(input_tokens)',
      output_tokens: 'sum(output_tokens)',
      duration_us: 'sum(duration_us)',
      cost: 'sum(cost)',
    },
  },
  // Tokens that were counted after the call, of tools that reported none: the call itself is in `calls`.
  {
    table: 'counted_tokens',
    where: "method = 'tools/call'",
    sums: {
      calls: 'toUInt64(0)',
      errors: 'toUInt64(0)',
      input_tokens: 'sum(input_tokens)',
      output_tokens: 'sum(output_tokens)',
      duration_us: 'toUInt64(0)',
      cost: 'sum(cost)',
    },
  },
  // What a restored gateway knows of calls that it does not have, a day and its dimensions a row.
  {
    table: 'restored_costs',
    where: '1',
    sums: {
      calls: 'sum(calls)',
      errors: 'sum(errors)',
      input_tokens: 'sum(input_tokens)',
      output_tokens: 'sum(output_tokens)',
      duration_us: 'sum(duration_us)',
      cost: 'sum(cost)',
    },
  },
];

/** The sources, one arm each, with `day`, the columns `keys`, the sums and the number of rows, by day and keys. `where` holds for each row. */
export function costArms(keys: readonly string[], where: string): readonly string[] {
  return costSources.map(({ table, where: own, sums }) => {
    const by = ['toDate(started_at)', ...keys].join(', ');
    const columns = ['toDate(started_at) AS day', ...keys, ...costSums.map((name) => `${sums[name]} AS sum_${name}`), 'count() AS source_rows'].join(', ');
    return `SELECT ${columns} FROM ${table} WHERE ${own} AND ${where} GROUP BY ${by}`;
  });
}

interface RollupKind {
  readonly table: string;
  readonly lengthMs: number;
  /** The condition that a row of the table is of a period, `{start:UInt32}`: seconds since the epoch. */
  readonly within: string;
  /** Rows of the sources by period. */
  readonly counted: string;
  readonly fill: string;
  /** How many source rows are in the rows of a version. */
  readonly filled: string;
}

const start = "toDateTime({start:UInt32}, 'UTC')";

const kinds: Readonly<Record<RollupName, RollupKind>> = {
  day: {
    table: 'costs_by_day',
    lengthMs: 86_400_000,
    within: `day = toDate(${start})`,
    counted: costSources
      .map(({ table, where }) => `SELECT toStartOfDay(toStartOfHour(started_at)) AS period, count() AS counted FROM ${table} WHERE ${where} GROUP BY period`)
      .join(' UNION ALL '),
    fill: `INSERT INTO costs_by_day (org_id, day, version, ${costDimensions.join(', ')}, ${costSums.join(', ')}, source_rows)
      SELECT org_id, day, {version:UInt64}, ${costDimensions.join(', ')}, ${costSums.map((name) => `sum(sum_${name})`).join(', ')}, sum(source_rows)
      FROM (${costArms(['org_id', ...costDimensions], `toDate(started_at) = toDate(${start})`).join(' UNION ALL ')})
      GROUP BY org_id, day, ${costDimensions.join(', ')}`,
    filled: 'sum(source_rows)',
  },
  minute: {
    table: 'calls_by_minute',
    lengthMs: 3_600_000,
    within: `minute >= ${start} AND minute < ${start} + INTERVAL 1 HOUR`,
    counted: 'SELECT toStartOfHour(started_at) AS period, count() AS counted FROM calls GROUP BY period',
    fill: fillCalls('calls_by_minute', 'minute', 'toStartOfMinute(started_at)', 'INTERVAL 1 HOUR'),
    filled: 'sum(calls)',
  },
  'calls-of-day': {
    table: 'calls_by_day',
    lengthMs: 86_400_000,
    within: `day = toDate(${start})`,
    counted: 'SELECT toStartOfDay(toStartOfHour(started_at)) AS period, count() AS counted FROM calls GROUP BY period',
    fill: fillCalls('calls_by_day', 'day', 'toDate(started_at)', 'INTERVAL 1 DAY'),
    filled: 'sum(calls)',
  },
};

/** Sums up how many, how well and how fast the calls of a period were, by `column`, which is `of` a call. */
function fillCalls(table: string, column: string, of: string, length: string): string {
  return `INSERT INTO ${table} (org_id, ${column}, version, server, method, tool, status, calls, request_bytes, reply_bytes, latency)
      SELECT org_id, ${of} AS at, {version:UInt64}, server, method, tool, status,
        count(), sum(request_bytes), sum(reply_bytes), quantilesDDState(0.01, 0.5, 0.95, 0.99)(duration_us)
      FROM calls
      WHERE started_at >= ${start} AND started_at < ${start} + ${length}
      GROUP BY org_id, at, server, method, tool, status`;
}

/** Each period with rows: how many of its sources (`counted`), how many of its seal (`sealed`), and the version of that (`newest`). */
function standing(rollup: RollupName): string {
  return `SELECT period, counted, sealed, newest
      FROM (SELECT period, sum(counted) AS counted FROM (${kinds[rollup].counted}) GROUP BY period) AS sources
      FULL JOIN (SELECT period, argMax(source_rows, version) AS sealed, max(version) AS newest FROM rollup_seals WHERE rollup = '${rollup}' GROUP BY period) AS seals
      USING (period)`;
}

export function createRollups(ledger: LedgerStore): Rollups {
  const parametersOf = (startMs: number): Record<string, number> => ({ start: startMs / 1000 });
  return {
    state: () => ledger.state(),
    async listStale(rollup, limit) {
      const sql = `/* rollups/list-stale */
        SELECT toUnixTimestamp(period) AS start, newest FROM (${standing(rollup)}) WHERE counted > sealed ORDER BY start LIMIT {limit:UInt32}`;
      const rows = await ledger.query(sql, { limit }, z.object({ start: z.number(), newest: z.coerce.bigint() }));
      return rows.map(({ start: seconds, newest }) => ({ startMs: seconds * 1000, endMs: seconds * 1000 + kinds[rollup].lengthMs, sealedUs: newest }));
    },
    async seal(rollup, startMs, version) {
      const { table, within, fill, filled } = kinds[rollup];
      const parameters = { ...parametersOf(startMs), version: String(version) };
      await ledger.command(`/* rollups/fill */ ${fill}`, parameters);
      await ledger.command(
        `/* rollups/seal */ INSERT INTO rollup_seals (rollup, period, version, source_rows)
         SELECT '${rollup}', ${start}, {version:UInt64}, ${filled} FROM ${table} WHERE ${within} AND version = {version:UInt64}`,
        parameters,
      );
    },
    async prune(rollup, startMs) {
      const { table, within } = kinds[rollup];
      const parameters = parametersOf(startMs);
      const [standingNow] = await ledger.query(
        `/* rollups/superseded */ SELECT newest, (SELECT count() FROM ${table} WHERE ${within} AND version < newest) AS superseded
         FROM (SELECT max(version) AS newest FROM rollup_seals WHERE rollup = '${rollup}' AND period = ${start})`,
        parameters,
        z.object({ newest: z.coerce.bigint(), superseded: z.coerce.number() }),
      );
      if (standingNow === undefined || standingNow.superseded === 0) return;
      await ledger.command(`/* rollups/prune */ ALTER TABLE ${alteredTable(table, ledger.cluster)} DELETE WHERE ${within} AND version < {version:UInt64}`, {
        ...parameters,
        version: String(standingNow.newest),
      });
    },
  };
}

/** Which periods of a time are read from where. */
export interface RollupView {
  /** Rows of the rollup's table that count are those of the newest seal up to this version. */
  readonly version: bigint;
  /** Beginnings, in seconds since the epoch, of periods that are read from the sources. */
  readonly fromSources: readonly number[];
}

const view = z.object({ version: z.coerce.bigint(), stale: z.array(z.number()) });

/**
 * Seals and sources as they are at one moment: found out first and then handed to the statement that reads, for two parts of
 * one statement may see a new seal differently.
 */
export async function viewRollup(ledger: Pick<LedgerStore, 'query'>, rollup: RollupName, startMs: number, endMs: number): Promise<RollupView> {
  const sql = `/* rollups/view */
    SELECT max(newest) AS version, arraySort(groupArrayIf(toUnixTimestamp(period), counted > sealed)) AS stale
    FROM (${standing(rollup)})
    WHERE toUnixTimestamp(period) >= {from:UInt32} AND toUnixTimestamp(period) < {to:UInt32}`;
  const { lengthMs } = kinds[rollup];
  const from = Math.floor(startMs / lengthMs) * (lengthMs / 1000);
  const [found] = await ledger.query(sql, { from, to: Math.ceil(endMs / 1000) }, view);
  return { version: found?.version ?? 0n, fromSources: found?.stale ?? [] };
}

/** The condition for rows of a rollup's table that count in this view; `period`: the expression of a row's period as DateTime. */
export function sealedIn(rollup: RollupName, { version, fromSources }: RollupView, period: string): string {
  const stale = fromSources.length === 0 ? '' : ` AND toUnixTimestamp(${period}) NOT IN (${fromSources.join(', ')})`;
  return `(${period}, version) IN (SELECT period, max(version) FROM rollup_seals WHERE rollup = '${rollup}' AND version <= ${version} GROUP BY period)${stale}`;
}

/** Days that are read from `calls_by_day`. */
export interface SummedDays {
  readonly version: bigint;
  /** Their beginnings, in seconds since the epoch, oldest first. */
  readonly days: readonly number[];
}

/**
 * Of the whole days of a time those that are summed up. A day whose calls were forgotten in part before that is not: its sum is of fewer calls
 * than those of its hours, which are read instead.
 */
export async function viewDays(ledger: Pick<LedgerStore, 'query'>, startMs: number, endMs: number): Promise<SummedDays> {
  const { lengthMs } = kinds['calls-of-day'];
  const from = Math.ceil(startMs / lengthMs) * (lengthMs / 1000);
  const to = Math.floor(endMs / lengthMs) * (lengthMs / 1000);
  if (from >= to) return { version: 0n, days: [] };
  const sql = `/* rollups/view-days */
    SELECT max(newest) AS version, arraySort(groupArray(toUnixTimestamp(period))) AS days
    FROM (${standing('calls-of-day')}) AS whole
    LEFT JOIN
    (
      SELECT toStartOfDay(hour) AS period, sum(rows) AS in_hours
      FROM (SELECT period AS hour, argMax(source_rows, version) AS rows FROM rollup_seals WHERE rollup = 'minute' GROUP BY period)
      GROUP BY period
    ) AS hours USING (period)
    WHERE newest > 0 AND sealed >= counted AND sealed >= in_hours AND toUnixTimestamp(period) >= {from:UInt32} AND toUnixTimestamp(period) < {to:UInt32}`;
  const [found] = await ledger.query(sql, { from, to }, z.object({ version: z.coerce.bigint(), days: z.array(z.number()) }));
  return found ?? { version: 0n, days: [] };
}

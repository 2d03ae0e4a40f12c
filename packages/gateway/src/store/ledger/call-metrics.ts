import { z } from 'zod';
import { traceHexFor } from '../../kernel/id.ts';
import type { Query } from '../../query/query.ts';
import { isOfSums } from '../../query/summed-query.ts';
import { compileQuery, type CompiledQuery } from './compile-query.ts';
import type { LedgerStore } from './ledger-store.ts';
import { sealedIn, viewDays, viewRollup } from './rollups.ts';

/** Which calls of a window, in steps of which width. */
export interface CountedWindow {
  readonly organizationId: string;
  /** Whole minutes, milliseconds since the epoch: at or after the first, before the second. */
  readonly startMs: number;
  readonly endMs: number;
  /** Whole minutes; steps of the series begin at multiples of it. */
  readonly stepMs: number;
  /** What a call must be. */
  readonly query: Query;
  /** Text is looked for in recorded requests and responses too. */
  readonly bodies: boolean;
}

export interface CallMetricsInput extends CountedWindow {
  /** Of each kind of group. */
  readonly limit: number;
  /** By step, server and tool too: a total alone is a fraction of the work. */
  readonly grouped: boolean;
}

const outcomes = ['success', 'error', 'timeout', 'blocked', 'waiting', 'cancelled', 'unknown'] as const;

const count = z.coerce.number();
const quantile = z.number().nullable();
const counts = z.object({
  calls: count,
  success: count,
  error: count,
  timeout: count,
  blocked: count,
  waiting: count,
  cancelled: count,
  unknown: count,
  /** Of calls that came to a server, in microseconds; null where none did. */
  p50: quantile,
  p95: quantile,
  p99: quantile,
});
export type CallCounts = z.infer<typeof counts>;

const row = counts.extend({
  /** What the row is of. */
  kind: z.enum(['total', 'step', 'server', 'tool']),
  /** Of a step: when it begins, seconds since the epoch. */
  step: count,
  server: z.string(),
  tool: z.string(),
});
export type CallMetricsRow = z.infer<typeof row>;

const levels = '0.01, 0.5, 0.95, 0.99';
const timed = "status IN ('success', 'error', 'timeout')";

const within = (column: string): string => `${column} >= toDateTime({start:UInt32}, 'UTC') AND ${column} < toDateTime({end:UInt32}, 'UTC')`;

function fitting({ organizationId, query, bodies }: Pick<CountedWindow, 'organizationId' | 'query' | 'bodies'>): CompiledQuery {
  return compileQuery(query, (id) => traceHexFor(organizationId, id), {
    where: `org_id = {org:String} AND ${within('started_at')}`,
    bodies,
  });
}

/** A sum costs as much to put together with others as so many calls that are counted one by one. */
const callsOfSum = 8;
const dayMs = 86_400_000;

/** Rows to count, by step, server and tool: `from` a statement can select, with `figures` of them. */
interface CountedCalls {
  readonly from: string;
  readonly figures: string;
  readonly parameters: Readonly<Record<string, string | number>>;
}

/**
 * Where sums can say which calls fit, and steps are of whole days, days that are summed up are read from `calls_by_day`; of the rest hours that are
 * summed up from `calls_by_minute`, where that has fewer rows to look at or knows more; and the others from `calls`. Latencies are within a hundredth.
 */
async function countedCalls(ledger: Pick<LedgerStore, 'query'>, window: CountedWindow): Promise<CountedCalls> {
  const { organizationId, startMs, endMs, stepMs, query } = window;
  const { condition, parameters: ofQuery } = fitting(window);
  const fits = condition === null ? '' : ` AND ${condition}`;
  const parameters = {
    ...ofQuery,
    org: organizationId,
    start: Math.floor(startMs / 1000),
    end: Math.ceil(endMs / 1000),
    step: Math.round(stepMs / 1000),
  };
  const sums = isOfSums(query) ? await summedArms(ledger, { startMs, endMs, stepMs, fits, parameters }) : null;
  const rows =
    sums === null
      ? {
          from: `(SELECT toUnixTimestamp(started_at) AS at, server, method, tool, status, 1 AS made, duration_us
            FROM calls WHERE org_id = {org:String} AND ${within('started_at')}${fits})`,
          quantiles: `quantilesDDIf(${levels})(duration_us, ${timed})`,
        }
      : { from: `(${sums.join(' UNION ALL ')})`, quantiles: `quantilesDDMergeIf(${levels})(latency, ${timed})` };
  return {
    from: `(
      SELECT *, toUInt32(intDiv(at, {step:UInt32}) * {step:UInt32}) AS step, toString(server) AS server_name, if(method = 'tools/call', tool, '') AS tool_name
      FROM ${rows.from}
    )`,
    figures: `sum(made) AS calls,
      ${outcomes.map((outcome) => `sumIf(made, status = '${outcome}') AS ${outcome}`).join(', ')},
      arrayElement(${rows.quantiles} AS quantiles, 1) AS p50,
      arrayElement(quantiles, 2) AS p95,
      arrayElement(quantiles, 3) AS p99`,
    parameters,
  };
}

/** Calls of a window in all, by step, by server and by tool, most calls first, at most `limit` of each. */
export async function readCallMetrics(ledger: Pick<LedgerStore, 'query'>, input: CallMetricsInput): Promise<CallMetricsRow[]> {
  const { from, figures, parameters } = await countedCalls(ledger, input);
  const sql = `/* metrics/read */
    SELECT
      ${
        input.grouped
          ? `multiIf(grouping(step) = 0, 'step', grouping(tool_name) = 0, 'tool', grouping(server_name) = 0, 'server', 'total') AS kind,
      step, server_name AS server, tool_name AS tool`
          : "'total' AS kind, 0 AS step, '' AS server, '' AS tool"
      },
      ${figures}
    FROM ${from}
    ${input.grouped ? "GROUP BY GROUPING SETS ((), (step), (server_name), (server_name, tool_name)) HAVING kind != 'tool' OR tool != ''" : ''}
    ORDER BY kind, calls DESC, step, server, tool
    LIMIT {limit:UInt32} BY kind`;
  return ledger.query(sql, { ...parameters, limit: input.limit }, row);
}

export interface CallSeriesInput extends CountedWindow {
  readonly by: 'server' | 'tool';
  /** Groups with a series of their own; the rest is one together. */
  readonly groups: number;
}

const seriesRow = counts.extend({
  /** Of a step, or of the group in all. */
  kind: z.enum(['total', 'step']),
  /** When it begins, seconds since the epoch. */
  step: count,
  /** False: of all that have no series of their own, and their names are empty. */
  named: z.coerce.boolean(),
  server: z.string(),
  tool: z.string(),
});
export type CallSeriesRow = z.infer<typeof seriesRow>;

/** Calls of a window by step and server, or by step and tool of a server: of those with the most calls by name, of all others together. */
export async function readCallSeries(ledger: Pick<LedgerStore, 'query'>, input: CallSeriesInput): Promise<CallSeriesRow[]> {
  const { from, figures, parameters } = await countedCalls(ledger, input);
  const [names, only] = input.by === 'server' ? ['server_name', ''] : ['server_name, tool_name', "WHERE tool_name != ''"];
  const shown = (name: string, is: boolean): string => (is ? `if(is_named, ${name}, '')` : "''");
  const sql = `/* metrics/series */
    SELECT
      if(grouping(step) = 0, 'step', 'total') AS kind, step, is_named AS named, shown_server AS server, shown_tool AS tool,
      ${figures}
    FROM (
      SELECT *, ${shown('server_name', true)} AS shown_server, ${shown('tool_name', input.by === 'tool')} AS shown_tool
      FROM (
        SELECT *, (${names}) IN (SELECT ${names} FROM ${from} ${only} GROUP BY ${names} ORDER BY sum(made) DESC, ${names} LIMIT {groups:UInt32}) AS is_named
        FROM ${from} ${only}
      )
    )
    GROUP BY GROUPING SETS ((is_named, shown_server, shown_tool), (is_named, shown_server, shown_tool, step))
    ORDER BY named DESC, server, tool, kind, step`;
  return ledger.query(sql, { ...parameters, groups: input.groups }, seriesRow);
}

const size = z.object({ sums: count, summed: count, kept: count });

/** Where rows of `at`, `server`, `method`, `tool`, `status`, `made` and `latency` come from: sums, and calls that are in none; null: better all from the calls. */
async function summedArms(
  ledger: Pick<LedgerStore, 'query'>,
  {
    startMs,
    endMs,
    stepMs,
    fits,
    parameters,
  }: Pick<CountedWindow, 'startMs' | 'endMs' | 'stepMs'> & { fits: string; parameters: Record<string, string | number> },
): Promise<string[] | null> {
  const whole = stepMs % dayMs === 0 ? await viewDays(ledger, startMs, endMs) : { version: 0n, days: [] };
  const dates = whole.days.map((seconds) => `toDate(${seconds / 86_400})`).join(', ');
  const arms =
    dates === ''
      ? []
      : [
          `SELECT toUnixTimestamp(toStartOfDay(day, 'UTC')) AS at, server, method, tool, status, calls AS made, latency
        FROM calls_by_day WHERE org_id = {org:String} AND day IN (${dates}) AND ${sealedIn('calls-of-day', { version: whole.version, fromSources: [] }, "toStartOfDay(day, 'UTC')")}${fits}`,
        ];
  const rest = (column: string): string => `org_id = {org:String} AND ${within(column)}${dates === '' ? '' : ` AND toDate(${column}) NOT IN (${dates})`}`;
  const calls = `FROM calls WHERE ${rest('started_at')}${fits}`;
  const hours = await viewRollup(ledger, 'minute', startMs, endMs);
  const sealed = `FROM calls_by_minute WHERE ${rest('minute')} AND ${sealedIn('minute', hours, 'toStartOfHour(minute)')}${fits}`;
  const unsealed = hours.fromSources.length === 0 ? null : ` AND toUnixTimestamp(toStartOfHour(started_at)) IN (${hours.fromSources.join(', ')})`;
  const [found] = await ledger.query(
    `/* metrics/size */ SELECT count() AS sums, sum(calls) AS summed, (SELECT count() ${calls}${unsealed === null ? '' : ` AND NOT (1${unsealed})`}) AS kept ${sealed}`,
    parameters,
    size,
  );
  // Calls that are forgotten are in the sums only.
  const isBetterFromCalls = found === undefined || (found.kept >= found.summed && found.kept <= callsOfSum * found.sums);
  if (isBetterFromCalls && dates === '') return null;
  if (!isBetterFromCalls) arms.push(`SELECT toUnixTimestamp(minute) AS at, server, method, tool, status, calls AS made, latency ${sealed}`);
  // By step at once: by minute a long window would have very many groups.
  if (isBetterFromCalls || unsealed !== null)
    arms.push(`SELECT toUInt32(intDiv(toUnixTimestamp(started_at), {step:UInt32}) * {step:UInt32}) AS at, server, method, tool, status, count() AS made, quantilesDDState(${levels})(duration_us) AS latency
        ${calls}${isBetterFromCalls ? '' : unsealed} GROUP BY at, server, method, tool, status`);
  return arms;
}

const agentRow = z.object({ agents: z.coerce.number() });

/** How many agents called: by name, and where a caller gives none, by key. */
export async function countAgents(
  ledger: Pick<LedgerStore, 'query'>,
  input: Pick<CountedWindow, 'organizationId' | 'startMs' | 'endMs' | 'query' | 'bodies'>,
): Promise<number> {
  const { organizationId, startMs, endMs } = input;
  const { condition, parameters } = fitting(input);
  const sql = `/* metrics/agents */
    SELECT uniqExact(if(agent != '', concat('agent ', agent), toString(key_id))) AS agents
    FROM calls
    WHERE org_id = {org:String} AND ${within('started_at')}
      AND (agent != '' OR key_id != '')${condition === null ? '' : ` AND ${condition}`}`;
  const [found] = await ledger.query(sql, { ...parameters, org: organizationId, start: Math.floor(startMs / 1000), end: Math.ceil(endMs / 1000) }, agentRow);
  return found?.agents ?? 0;
}

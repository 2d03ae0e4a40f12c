import { z } from 'zod';
import { traceHexFor } from '../../kernel/id.ts';
import type { Query } from '../../query/query.ts';
import { isOfSums } from '../../query/summed-query.ts';
import { compileQuery, type CompiledQuery } from './compile-query.ts';
import type { LedgerStore } from './ledger-store.ts';
import { sealedIn, viewDays, viewRollup } from './rollups.ts';

export interface CallMetricsInput {
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
  /** Of each kind of group. */
  readonly limit: number;
  /** By step, server and tool too: a total alone is a fraction of the work. */
  readonly grouped: boolean;
}

const outcomes = ['success', 'error', 'timeout', 'blocked', 'waiting', 'cancelled', 'unknown'] as const;

const count = z.coerce.number();
const quantile = z.number().nullable();
const row = z.object({
  /** What the row is of. */
  kind: z.enum(['total', 'step', 'server', 'tool']),
  /** Of a step: when it begins, seconds since the epoch. */
  step: count,
  server: z.string(),
  tool: z.string(),
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
export type CallMetricsRow = z.infer<typeof row>;

const levels = '0.01, 0.5, 0.95, 0.99';
const timed = "status IN ('success', 'error', 'timeout')";

const within = (column: string): string => `${column} >= toDateTime({start:UInt32}, 'UTC') AND ${column} < toDateTime({end:UInt32}, 'UTC')`;

function fitting({ organizationId, query, bodies }: Pick<CallMetricsInput, 'organizationId' | 'query' | 'bodies'>): CompiledQuery {
  return compileQuery(query, (id) => traceHexFor(organizationId, id), {
    where: `org_id = {org:String} AND ${within('started_at')}`,
    bodies,
  });
}

/** A sum costs as much to put together with others as so many calls that are counted one by one. */
const callsOfSum = 8;
const dayMs = 86_400_000;

/**
 * Calls of a window in all, by step, by server and by tool, most calls first, at most `limit` of each; latencies within a hundredth. Where
 * sums can say which calls fit, and steps are of whole days, days that are summed up are read from `calls_by_day`; of the rest hours that are
 * summed up from `calls_by_minute`, where that has fewer rows to look at or knows more; and the others from `calls`.
 */
export async function readCallMetrics(ledger: Pick<LedgerStore, 'query'>, input: CallMetricsInput): Promise<CallMetricsRow[]> {
  const { organizationId, startMs, endMs, stepMs, query, limit } = input;
  const { condition, parameters: ofQuery } = fitting(input);
  const fits = condition === null ? '' : ` AND ${condition}`;
  const parameters = {
    ...ofQuery,
    org: organizationId,
    start: Math.floor(startMs / 1000),
    end: Math.ceil(endMs / 1000),
    step: Math.round(stepMs / 1000),
    limit,
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
  const sql = `/* metrics/read */
    SELECT
      ${
        input.grouped
          ? `multiIf(grouping(step) = 0, 'step', grouping(tool_name) = 0, 'tool', grouping(server_name) = 0, 'server', 'total') AS kind,
      step, server_name AS server, tool_name AS tool`
          : "'total' AS kind, 0 AS step, '' AS server, '' AS tool"
      },
      sum(made) AS calls,
      ${outcomes.map((outcome) => `sumIf(made, status = '${outcome}') AS ${outcome}`).join(', ')},
      arrayElement(${rows.quantiles} AS quantiles, 1) AS p50,
      arrayElement(quantiles, 2) AS p95,
      arrayElement(quantiles, 3) AS p99
    FROM
    (
      SELECT *, toUInt32(intDiv(at, {step:UInt32}) * {step:UInt32}) AS step, toString(server) AS server_name, if(method = 'tools/call', tool, '') AS tool_name
      FROM ${rows.from}
    )
    ${input.grouped ? "GROUP BY GROUPING SETS ((), (step), (server_name), (server_name, tool_name)) HAVING kind != 'tool' OR tool != ''" : ''}
    ORDER BY kind, calls DESC, step, server, tool
    LIMIT {limit:UInt32} BY kind`;
  return ledger.query(sql, parameters, row);
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
  }: Pick<CallMetricsInput, 'startMs' | 'endMs' | 'stepMs'> & { fits: string; parameters: Record<string, string | number> },
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
  input: Pick<CallMetricsInput, 'organizationId' | 'startMs' | 'endMs' | 'query' | 'bodies'>,
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

import { z } from 'zod';
import { traceHexFor } from '../../kernel/id.ts';
import type { Query } from '../../query/query.ts';
import { isOfSums } from '../../query/summed-query.ts';
import { compileQuery, type CompiledQuery } from './compile-query.ts';
import type { LedgerStore } from './ledger-store.ts';
import { sealedIn, viewRollup } from './rollups.ts';

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
  return compileQuery(query, (id) => traceHexFor(organizationId, id), bodies ? `org_id = {org:String} AND ${within('started_at')}` : null);
}

/**
 * Calls of a window in all, by step, by server and by tool, most calls first, at most `limit` of each; latencies within a hundredth. Hours
 * that are summed up are read from `calls_by_minute`, where that can say which calls fit.
 */
export async function readCallMetrics(ledger: Pick<LedgerStore, 'query'>, input: CallMetricsInput): Promise<CallMetricsRow[]> {
  const { organizationId, startMs, endMs, stepMs, query, limit } = input;
  const { condition, parameters } = fitting(input);
  const fits = condition === null ? '' : ` AND ${condition}`;
  const keys =
    "toUInt32(intDiv(toUnixTimestamp(minute), {step:UInt32}) * {step:UInt32}) AS step, toString(server) AS server, if(method = 'tools/call', tool, '') AS tool, toString(status) AS status";
  const made = (hours: string): string =>
    `SELECT toStartOfMinute(started_at) AS minute, server, method, tool, status, count() AS calls, quantilesDDState(${levels})(duration_us) AS latency
        FROM calls WHERE org_id = {org:String} AND ${within('started_at')}${hours}${fits} GROUP BY minute, server, method, tool, status`;
  const arms: string[] = [];
  if (isOfSums(query)) {
    const hours = await viewRollup(ledger, 'minute', startMs, endMs);
    arms.push(
      `SELECT minute, server, method, tool, status, calls, latency
        FROM calls_by_minute WHERE org_id = {org:String} AND ${within('minute')} AND ${sealedIn('minute', hours, 'toStartOfHour(minute)')}${fits}`,
    );
    if (hours.fromSources.length > 0) arms.push(made(` AND toUnixTimestamp(toStartOfHour(started_at)) IN (${hours.fromSources.join(', ')})`));
  } else arms.push(made(''));
  const sql = `/* metrics/read */
    SELECT
      multiIf(grouping(step) = 0, 'step', grouping(tool) = 0, 'tool', grouping(server) = 0, 'server', 'total') AS kind,
      step, server, tool,
      sum(made) AS calls,
      ${outcomes.map((outcome) => `sumIf(made, status = '${outcome}') AS ${outcome}`).join(', ')},
      arrayElement(quantilesDDMergeIf(${levels})(latency, ${timed}) AS quantiles, 1) AS p50,
      arrayElement(quantiles, 2) AS p95,
      arrayElement(quantiles, 3) AS p99
    FROM (SELECT ${keys}, calls AS made, latency FROM (${arms.join(' UNION ALL ')}))
    GROUP BY GROUPING SETS ((), (step), (server), (server, tool))
    HAVING kind != 'tool' OR tool != ''
    ORDER BY kind, calls DESC, step, server, tool
    LIMIT {limit:UInt32} BY kind`;
  const rows = await ledger.query(
    sql,
    { ...parameters, org: organizationId, start: Math.floor(startMs / 1000), end: Math.ceil(endMs / 1000), step: Math.round(stepMs / 1000), limit },
    row,
  );
  return rows;
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

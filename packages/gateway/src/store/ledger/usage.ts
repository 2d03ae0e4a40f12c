import { z } from 'zod';
import { costRowsOf, type CostFilter } from './costs.ts';
import type { LedgerStore } from './ledger-store.ts';
import { sealedIn, viewRollup } from './rollups.ts';

export interface ToolUsageInput {
  readonly organizationId: string;
  /** `YYYY-MM-DD`, UTC, both included. */
  readonly startDate: string;
  readonly endDate: string;
  readonly currency: string;
  readonly filter: CostFilter;
  readonly limit: number;
}

const usage = z.object({
  server: z.string(),
  tool: z.string(),
  calls: z.coerce.number(),
  input_tokens: z.coerce.bigint(),
  output_tokens: z.coerce.bigint(),
  duration_us: z.coerce.bigint(),
});
export type ToolUsage = z.infer<typeof usage>;

/** What a price list applies to, by tool: calls that ran, without answers from the cache and costs that servers said themselves. Most calls first. */
export async function listToolUsage(ledger: Pick<LedgerStore, 'query'>, input: ToolUsageInput): Promise<ToolUsage[]> {
  const { from, parameters } = await costRowsOf(ledger, input, ['server', 'tool', 'priced_by']);
  const sql = `/* costs/usage */
    SELECT toString(server) AS server, tool, sum(sum_calls) AS calls, sum(sum_input_tokens) AS input_tokens, sum(sum_output_tokens) AS output_tokens,
      sum(sum_duration_us) AS duration_us
    FROM (${from})
    WHERE priced_by NOT IN ('cache', 'reported')
    GROUP BY server, tool
    ORDER BY calls DESC, server, tool
    LIMIT {limit:UInt32}`;
  return ledger.query(sql, { ...parameters, limit: input.limit }, usage);
}

export interface ToolLatencyInput {
  readonly organizationId: string;
  readonly server: string;
  readonly tool: string;
  /** Whole minutes, milliseconds since the epoch: at or after the first, before the second. */
  readonly startMs: number;
  readonly endMs: number;
}

const latency = z.object({ calls: z.coerce.number(), p50: z.number(), p95: z.number(), p99: z.number() });
export type ToolLatency = z.infer<typeof latency>;

/** How long calls of a tool that succeeded took, in microseconds, each figure within a hundredth; hours that are summed up are read from `calls_by_minute`. */
export async function readToolLatency(
  ledger: Pick<LedgerStore, 'query'>,
  { organizationId, server, tool, startMs, endMs }: ToolLatencyInput,
): Promise<ToolLatency> {
  const hours = await viewRollup(ledger, 'minute', startMs, endMs);
  const levels = '0.01, 0.5, 0.95, 0.99';
  const of = "org_id = {org:String} AND server = {server:String} AND method = 'tools/call' AND tool = {tool:String} AND status = 'success'";
  const within = (column: string): string => `${column} >= toDateTime({start:UInt32}, 'UTC') AND ${column} < toDateTime({end:UInt32}, 'UTC')`;
  const sealed = `SELECT sum(calls) AS calls, quantilesDDMergeState(${levels})(latency) AS latency FROM calls_by_minute
      WHERE ${of} AND ${within('minute')} AND ${sealedIn('minute', hours, 'toStartOfHour(minute)')}`;
  const live = `SELECT count() AS calls, quantilesDDState(${levels})(duration_us) AS latency FROM calls
      WHERE ${of} AND ${within('started_at')} AND toUnixTimestamp(toStartOfHour(started_at)) IN (${hours.fromSources.join(', ')})`;
  const sql = `/* costs/tool-latency */
    SELECT sum(calls) AS calls, arrayElement(quantilesDDMerge(${levels})(latency) AS levels, 1) AS p50, levels[2] AS p95, levels[3] AS p99
    FROM (${hours.fromSources.length === 0 ? sealed : `${sealed} UNION ALL ${live}`})`;
  const [found] = await ledger.query(
    sql,
    { org: organizationId, server, tool, start: Math.floor(startMs / 1000), end: Math.ceil(endMs / 1000) },
    latency.extend({ p50: z.number().nullable(), p95: z.number().nullable(), p99: z.number().nullable() }),
  );
  return { calls: found?.calls ?? 0, p50: found?.p50 ?? 0, p95: found?.p95 ?? 0, p99: found?.p99 ?? 0 };
}

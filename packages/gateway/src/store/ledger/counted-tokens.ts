import { z } from 'zod';
import { nanoOf, nanoText } from '../../kernel/nano.ts';
import type { CallRow } from './call-columns.ts';
import type { LedgerStore } from './ledger-store.ts';
import { aroundWindow, windowParameters, type Selection } from './selection.ts';

/**
 * Tokens of tools that report none are counted after the call, with what they cost, in rows of their own. Whoever shows a call or a trace adds
 * them here: then every answer says the same, and the same as the sums of costs.
 */
const counted = z.object({
  span_hex: z.string(),
  counted_input: z.coerce.number(),
  counted_output: z.coerce.number(),
  counted_source: z.string(),
  counted_cost: z.string(),
});

const countedColumns = `toString(span_id) AS span_hex, sum(input_tokens) AS counted_input, sum(output_tokens) AS counted_output,
      toString(any(tokens_source)) AS counted_source, toString(sum(cost)) AS counted_cost`;

/** Names in one statement: parameters travel in the address, which has not room for more. */
const namesMax = 200;

/** The calls with the tokens that were counted of them. Calls that reported their tokens have none. */
export async function withCountedTokens<Row extends CallRow>(ledger: Pick<LedgerStore, 'query'>, organizationId: string, rows: readonly Row[]): Promise<Row[]> {
  const asked = rows.filter(({ method, tokens_source: source }) => method === 'tools/call' && source === '');
  const bySpan = new Map<string, z.infer<typeof counted>>();
  for (let at = 0; at < asked.length; at += namesMax) {
    const part = asked.slice(at, at + namesMax);
    const times = part.map(({ start_us: startUs }) => startUs).toSorted((a, b) => (a < b ? -1 : 1));
    const sql = `/* costs/counted-tokens */
      SELECT ${countedColumns}
      FROM counted_tokens
      WHERE org_id = {org:String} AND started_at >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') AND started_at <= fromUnixTimestamp64Micro({end:Int64}, 'UTC')
        AND toString(span_id) IN {spans:Array(String)}
      GROUP BY trace_id, span_id`;
    const parameters = { org: organizationId, start: String(times.at(0)), end: String(times.at(-1)), spans: part.map(({ span_hex: span }) => span) };
    for (const row of await ledger.query(sql, parameters, counted)) bySpan.set(row.span_hex, row);
  }
  return rows.map((row) => withTokens(row, bySpan.get(row.span_hex)));
}

function withTokens<Row extends CallRow>(row: Row, tokens: z.infer<typeof counted> | undefined): Row {
  if (tokens === undefined || row.tokens_source !== '') return row;
  return {
    ...row,
    input_tokens: row.input_tokens + tokens.counted_input,
    output_tokens: row.output_tokens + tokens.counted_output,
    tokens_source: tokens.counted_source,
    cost_text: addCosts(row.cost_text, tokens.counted_cost),
  };
}

const countedOfTrace = counted.extend({ counted_of_all: z.string() });

/**
 * The first calls of one trace, oldest first, and what all of it cost, with the tokens that were counted of them: read at once, so that the sum of the
 * calls is the cost of the trace, whatever is counted meanwhile.
 */
export async function traceWithCountedTokens<Row extends CallRow & { readonly trace_spans: number; readonly trace_cost: string }>(
  ledger: Pick<LedgerStore, 'query'>,
  trace: { readonly organizationId: string; readonly traceHex: string; readonly startUs: bigint; readonly endUs: bigint },
  rows: readonly Row[],
): Promise<Row[]> {
  const { organizationId, traceHex, startUs, endUs } = trace;
  // In the order of the calls: those of the first calls are among the first.
  const sql = `/* costs/counted-of-trace */
    SELECT ${countedColumns}, toString(sum(sum(cost)) OVER ()) AS counted_of_all
    FROM counted_tokens
    WHERE org_id = {org:String} AND trace_id = {trace:String}
      AND started_at >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') AND started_at <= fromUnixTimestamp64Micro({end:Int64}, 'UTC')
    GROUP BY span_id
    ORDER BY min(started_at), span_id
    LIMIT {limit:UInt32}`;
  const parameters = { org: organizationId, trace: traceHex, start: String(startUs), end: String(endUs), limit: rows.length };
  const found = await ledger.query(sql, parameters, countedOfTrace);
  const bySpan = new Map(found.map((tokens) => [tokens.span_hex, tokens]));
  const whole = rows.map((row) => withTokens(row, bySpan.get(row.span_hex)));
  const isAll = rows.length === (rows[0]?.trace_spans ?? 0);
  const own = whole.reduce((sum, { cost_text: cost }) => sum + nanoOf(cost), 0n);
  return whole.map((row) => ({ ...row, trace_cost: isAll ? nanoText(own) : addCosts(row.trace_cost, found[0]?.counted_of_all ?? '0') }));
}

const ofTrace = z.object({ trace_hex: z.string(), counted_cost: z.string() });

/** What counted tokens of these traces cost, by trace; within the time of a selection and an hour around it. */
export async function countedCosts(
  ledger: Pick<LedgerStore, 'query'>,
  window: Pick<Selection, 'organizationId' | 'startUs' | 'endUs'>,
  traceHexes: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const costs = new Map<string, string>();
  for (let at = 0; at < traceHexes.length; at += namesMax) {
    const sql = `/* costs/counted-of-traces */
      SELECT toString(trace_id) AS trace_hex, toString(sum(cost)) AS counted_cost
      FROM counted_tokens
      WHERE ${aroundWindow} AND toString(trace_id) IN {traces:Array(String)}
      GROUP BY trace_id`;
    const rows = await ledger.query(sql, { ...windowParameters(window), traces: traceHexes.slice(at, at + namesMax) }, ofTrace);
    for (const { trace_hex: trace, counted_cost: cost } of rows) costs.set(trace, cost);
  }
  return costs;
}

/** Exact decimals. */
export function addCosts(one: string, other: string): string {
  return nanoText(nanoOf(one) + nanoOf(other));
}

import { z } from 'zod';
import { callColumns, callRow, type CallRow } from './call-columns.ts';
import { traceWithCountedTokens, withCountedTokens } from './counted-tokens.ts';
import type { LedgerStore } from './ledger-store.ts';
import { startAt, statusesBestFirst, worstStatus } from './selection.ts';

/** A trace as a whole. */
const summary = z.object({
  start_us: z.coerce.bigint(),
  end_us: z.coerce.bigint(),
  trace_status: z.string(),
  span_count: z.coerce.number(),
});
export type TraceSummary = z.infer<typeof summary>;

/** Null where the organization has no such trace. */
export async function findTrace(ledger: Pick<LedgerStore, 'query'>, organizationId: string, traceHex: string): Promise<TraceSummary | null> {
  const sql = `/* traces/find */
    SELECT
      ${startAt},
      max(toUnixTimestamp64Micro(started_at) + toInt64(duration_us)) AS end_us,
      ${worstStatus},
      count() AS span_count
    FROM calls
    WHERE org_id = {org:String} AND trace_id = {trace:String}
    HAVING span_count > 0`;
  const [found] = await ledger.query(sql, { org: organizationId, trace: traceHex }, summary);
  return found ?? null;
}

export interface SpanListInput {
  readonly organizationId: string;
  readonly traceHex: string;
  /** Of the trace, microseconds since the epoch: where its calls lie. */
  readonly startUs: bigint;
  readonly endUs: bigint;
}

/** Calls of a trace in its time: read by the sorting key, once that is known. */
const ofTrace =
  "org_id = {org:String} AND trace_id = {trace:String} AND started_at >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') AND started_at <= fromUnixTimestamp64Micro({end:Int64}, 'UTC')";

function parametersOf({ organizationId, traceHex, startUs, endUs }: SpanListInput): Record<string, string> {
  return { org: organizationId, trace: traceHex, start: String(startUs), end: String(endUs) };
}

// Of the whole trace, in every row: what comes in between two statements would make a trace that never was.
const spanRow = callRow.extend({ trace_status: z.string(), trace_end_us: z.coerce.bigint(), trace_spans: z.coerce.number(), trace_cost: z.string() });
export type SpanRow = z.infer<typeof spanRow>;

/** The calls of one trace, oldest first, at most `limit`; none where the organization has no such trace. */
export async function listSpans(ledger: Pick<LedgerStore, 'query'>, organizationId: string, traceHex: string, limit: number): Promise<SpanRow[]> {
  const sql = `/* traces/spans */
    SELECT
      ${callColumns},
      arrayElement(${statusesBestFirst}, toUInt32(max(indexOf(${statusesBestFirst}, toString(status))) OVER ())) AS trace_status,
      max(toUnixTimestamp64Micro(started_at) + toInt64(duration_us)) OVER () AS trace_end_us,
      count() OVER () AS trace_spans,
      toString(sum(cost) OVER ()) AS trace_cost
    FROM calls
    WHERE org_id = {org:String} AND trace_id = {trace:String}
    ORDER BY started_at, span_id
    LIMIT {limit:UInt32}`;
  const spans = await ledger.query(sql, { org: organizationId, trace: traceHex, limit }, spanRow);
  const [first] = spans;
  if (first === undefined) return spans;
  return traceWithCountedTokens(ledger, { organizationId, traceHex, startUs: first.start_us, endUs: first.trace_end_us }, spans);
}

/** Those of these spans that the trace has, in no order. */
export async function listSpansById(ledger: Pick<LedgerStore, 'query'>, input: SpanListInput, spanHexes: readonly string[]): Promise<CallRow[]> {
  const sql = `/* traces/spans-by-id */ SELECT ${callColumns} FROM calls WHERE ${ofTrace} AND toString(span_id) IN {spans:Array(String)}`;
  return withCountedTokens(ledger, input.organizationId, await ledger.query(sql, { ...parametersOf(input), spans: spanHexes }, callRow));
}

const link = z.object({ span_hex: z.string(), parent_span_id: z.string() });
export type SpanLink = z.infer<typeof link>;

/** How the calls of one trace hang together, oldest first, at most `limit`. */
export function listSpanLinks(ledger: Pick<LedgerStore, 'query'>, input: SpanListInput, limit: number): Promise<SpanLink[]> {
  const sql = `/* traces/span-links */ SELECT toString(span_id) AS span_hex, parent_span_id FROM calls WHERE ${ofTrace} ORDER BY started_at, span_id LIMIT {limit:UInt32}`;
  return ledger.query(sql, { ...parametersOf(input), limit }, link);
}

const outlined = link.extend({ start_us: z.coerce.bigint(), duration_us: z.coerce.number(), status: z.string(), found: z.coerce.number() });
export type OutlinedSpan = z.infer<typeof outlined>;

/** What a word is looked for in. */
const said = "concatWithSeparator(' ', server, tool, method, replaceAll(method, '/', '.'), toString(status), fault_code, policy, target)";

/** The same with when and how each ended, and whether each of `words` stands somewhere in what is known of it. */
export function listOutlinedSpans(
  ledger: Pick<LedgerStore, 'query'>,
  input: SpanListInput & { readonly words: readonly string[] },
  limit: number,
): Promise<OutlinedSpan[]> {
  const found = input.words.map((_, index) => `positionCaseInsensitiveUTF8(${said}, {word_${index}:String}) > 0`).join(' AND ');
  const sql = `/* traces/outline */
    SELECT
      toString(span_id) AS span_hex,
      parent_span_id,
      toUnixTimestamp64Micro(started_at) AS start_us,
      duration_us,
      toString(status) AS status,
      ${found === '' ? '1' : found} AS found
    FROM calls
    WHERE ${ofTrace}
    ORDER BY started_at, span_id
    LIMIT {limit:UInt32}`;
  const words = Object.fromEntries(input.words.map((word, index) => [`word_${index}`, word]));
  return ledger.query(sql, { ...parametersOf(input), ...words, limit }, outlined);
}

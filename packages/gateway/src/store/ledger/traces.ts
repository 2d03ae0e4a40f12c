import { z } from 'zod';
import type { LedgerStore } from './ledger-store.ts';

export interface TraceListInput {
  readonly organizationId: string;
  /** Microseconds since the epoch: a trace is in the list when its first call began at or after `startUs` and before `endUs`. */
  readonly startUs: bigint;
  readonly endUs: bigint;
  readonly filter: TraceFilter;
  /** The last trace already seen: the list goes on with the ones after it. */
  readonly after: TracePosition | null;
  readonly limit: number;
}

/** Null: any. A trace fits when one of its calls fits all that is asked of a call. */
export interface TraceFilter {
  readonly userId: string | null;
  readonly teamId: string | null;
  readonly keyId: string | null;
  readonly agent: string | null;
  readonly server: string | null;
  readonly tool: string | null;
  /** Of the trace as a whole. */
  readonly status: string | null;
  readonly durationUsMin: number | null;
}

/** Newest first; among traces that began in the same microsecond by id, descending. */
export interface TracePosition {
  readonly startUs: bigint;
  readonly traceHex: string;
}

const listed = z.object({
  trace_hex: z.string(),
  start_us: z.coerce.bigint(),
  trace_us: z.coerce.number(),
  trace_status: z.string(),
  first_user_id: z.string(),
  first_team_id: z.string(),
  first_key_id: z.string(),
  first_agent: z.string(),
  first_server: z.string(),
  first_tool: z.string(),
  first_method: z.string(),
  span_count: z.coerce.number(),
  total_cost: z.string(),
  first_currency: z.string(),
});
export type ListedTrace = z.infer<typeof listed>;

/** From best to worst: a trace is as its worst call. */
const statusesBestFirst = "['success', 'cancelled', 'waiting', 'blocked', 'unknown', 'timeout', 'error']";
/** How far beyond the window calls of its traces are looked for: a trace that lasts no longer than this is counted whole. */
const marginUs = 3_600_000_000n;
const stepsUs = [6n, 48n, 384n].map((hours) => hours * 3_600_000_000n);

/**
 * Traces of a window, newest first, at most `limit`. The newest part of the window is asked first and then ever more of it:
 * a first page does not read a month.
 */
export async function listTraces(ledger: Pick<LedgerStore, 'query'>, input: TraceListInput): Promise<ListedTrace[]> {
  const end = input.after === null || input.after.startUs >= input.endUs ? input.endUs : input.after.startUs + 1n;
  for (const step of stepsUs) {
    const start = end - step;
    if (start <= input.startUs) break;
    const found = await listSpan(ledger, input, start, end);
    // All that is in this part is newer than all that is before it.
    if (found.length >= input.limit) return found;
  }
  return listSpan(ledger, input, input.startUs, end);
}

/**
 * Three steps in one statement, each on what the one before left: calls that fit, the traces of the page with no more than
 * what decides their place in it, and these traces whole.
 */
async function listSpan(ledger: Pick<LedgerStore, 'query'>, input: TraceListInput, startUs: bigint, endUs: bigint): Promise<ListedTrace[]> {
  const { conditions, having, parameters } = conditionsOf(input);
  const window =
    "org_id = {org:String} AND started_at >= fromUnixTimestamp64Micro({scan_start:Int64}, 'UTC') AND started_at < fromUnixTimestamp64Micro({scan_end:Int64}, 'UTC')";
  const fitting = conditions.map((condition) => ` AND trace_id IN (SELECT trace_id FROM calls WHERE ${window} AND ${condition})`).join('');
  const startAt = 'toUnixTimestamp64Micro(min(started_at)) AS start_us';
  const lasts = 'max(toUnixTimestamp64Micro(started_at) + toInt64(duration_us)) - start_us AS trace_us';
  const worst = `arrayElement(${statusesBestFirst}, toUInt32(max(indexOf(${statusesBestFirst}, toString(status))))) AS trace_status`;
  const sql = `/* traces/list */
    SELECT
      toString(trace_id) AS trace_hex,
      ${startAt},
      ${lasts},
      ${worst},
      argMin(user_id, (started_at, span_id)) AS first_user_id,
      argMin(team_id, (started_at, span_id)) AS first_team_id,
      argMin(key_id, (started_at, span_id)) AS first_key_id,
      argMin(agent, (started_at, span_id)) AS first_agent,
      argMin(server, (started_at, span_id)) AS first_server,
      argMin(tool, (started_at, span_id)) AS first_tool,
      argMin(method, (started_at, span_id)) AS first_method,
      argMin(currency, (started_at, span_id)) AS first_currency,
      count() AS span_count,
      toString(sum(cost)) AS total_cost
    FROM calls
    WHERE ${window}
      AND trace_id IN
      (
        SELECT trace_id
        FROM
        (
          SELECT trace_id, ${startAt}, ${lasts}, ${worst}
          FROM calls
          WHERE ${window}${fitting}
          GROUP BY trace_id
          HAVING ${having.join(' AND ')}
          ORDER BY start_us DESC, trace_id DESC
          LIMIT {limit:UInt32}
        )
      )
    GROUP BY trace_id
    ORDER BY start_us DESC, trace_hex DESC`;
  return ledger.query(
    sql,
    { ...parameters, start: String(startUs), end: String(endUs), scan_start: String(startUs - marginUs), scan_end: String(endUs + marginUs) },
    listed,
  );
}

interface Conditions {
  /** Each must be true of a call of the trace. */
  readonly conditions: readonly string[];
  /** Of the trace as a whole. */
  readonly having: readonly string[];
  readonly parameters: Readonly<Record<string, string | number>>;
}

function conditionsOf({ organizationId, filter, after, limit }: TraceListInput): Conditions {
  const parameters: Record<string, string | number> = { org: organizationId, limit };
  const having = ['start_us >= {start:Int64}', 'start_us < {end:Int64}'];
  if (after !== null) {
    having.push('(start_us, toString(trace_id)) < ({after:Int64}, {after_trace:String})');
    parameters['after'] = String(after.startUs);
    parameters['after_trace'] = after.traceHex;
  }
  const ofCall = { user_id: filter.userId, team_id: filter.teamId, key_id: filter.keyId, agent: filter.agent, server: filter.server, tool: filter.tool };
  const wanted = Object.entries(ofCall).flatMap(([column, value]) => (value === null ? [] : [{ column, value }]));
  for (const { column, value } of wanted) parameters[column] = value;
  const conditions = wanted.length === 0 ? [] : [wanted.map(({ column }) => `${column} = {${column}:String}`).join(' AND ')];
  if (filter.status !== null) {
    having.push('trace_status = {status:String}');
    parameters['status'] = filter.status;
    // The worst call has the status of the trace: where it is a rare one, few traces are left to look at.
    conditions.push('status = {status:String}');
  }
  if (filter.durationUsMin !== null) {
    having.push('trace_us >= {duration:UInt64}');
    parameters['duration'] = filter.durationUsMin;
  }
  return { conditions, having, parameters };
}

const span = z.object({
  span_hex: z.string(),
  parent_span_id: z.string(),
  start_us: z.coerce.bigint(),
  duration_us: z.coerce.number(),
  status: z.string(),
  stop: z.string(),
  fault_code: z.string(),
  http_status: z.number(),
  rpc_error_code: z.number(),
  user_id: z.string(),
  team_id: z.string(),
  project_id: z.string(),
  key_id: z.string(),
  key_prefix: z.string(),
  agent: z.string(),
  environment: z.string(),
  node: z.string(),
  server: z.string(),
  tool: z.string(),
  method: z.string(),
  surface: z.string(),
  era: z.string(),
  protocol_version: z.string(),
  request_id: z.string(),
  client_trace_id: z.string(),
  client_name: z.string(),
  request_bytes: z.coerce.number(),
  reply_bytes: z.coerce.number(),
  reply_content_type: z.string(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  tokens_source: z.string(),
  cost_text: z.string(),
  currency: z.string(),
  priced_by: z.string(),
  transforms: z.string(),
  cache: z.string(),
  target: z.string(),
  retries: z.number(),
  auth_us: z.number(),
  access_us: z.number(),
  limit_us: z.number(),
  guard_us: z.number(),
  server_us: z.number(),
  reply_us: z.number(),
  // Of the whole trace, in every row: the rows may be cut at `limit`.
  trace_status: z.string(),
  trace_end_us: z.coerce.bigint(),
  trace_spans: z.coerce.number(),
  trace_cost: z.string(),
});
export type SpanRow = z.infer<typeof span>;

/** The calls of one trace, oldest first, at most `limit`; none where the organization has no such trace. */
export function listSpans(ledger: Pick<LedgerStore, 'query'>, organizationId: string, traceHex: string, limit: number): Promise<SpanRow[]> {
  const columns = Object.keys(span.shape).map((name) => (name in spanExpressions ? `${spanExpressions[name]} AS ${name}` : name));
  const sql = `/* traces/spans */
    SELECT ${columns.join(', ')}
    FROM calls
    WHERE org_id = {org:String} AND trace_id = {trace:String}
    ORDER BY started_at, span_id
    LIMIT {limit:UInt32}`;
  return ledger.query(sql, { org: organizationId, trace: traceHex, limit }, span);
}

const spanExpressions: Readonly<Record<string, string>> = {
  span_hex: 'toString(span_id)',
  start_us: 'toUnixTimestamp64Micro(started_at)',
  cost_text: 'toString(cost)',
  trace_status: `arrayElement(${statusesBestFirst}, toUInt32(max(indexOf(${statusesBestFirst}, toString(status))) OVER ()))`,
  trace_end_us: 'max(toUnixTimestamp64Micro(started_at) + toInt64(duration_us)) OVER ()',
  trace_spans: 'count() OVER ()',
  trace_cost: 'toString(sum(cost) OVER ())',
};

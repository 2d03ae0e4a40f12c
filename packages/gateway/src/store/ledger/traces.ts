import { z } from 'zod';
import { countAll } from './call-list.ts';
import { addCosts, countedCosts } from './counted-tokens.ts';
import type { LedgerParameter, LedgerStore } from './ledger-store.ts';
import { aroundWindow, lasts, startAt, tracesOf, windowParameters, worstFirst, worstStatus, type Selection } from './selection.ts';

export interface TraceListInput extends Selection {
  /** The last trace already seen: the list goes on with the ones after it. */
  readonly after: TracePosition | null;
  readonly limit: number;
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
  first_client: z.string(),
  first_environment: z.string(),
  first_server: z.string(),
  first_tool: z.string(),
  first_method: z.string(),
  /** Where the worst of its calls ended, the first of them. */
  worst_stop: z.string(),
  worst_fault: z.string(),
  worst_server: z.string(),
  worst_tool: z.string(),
  worst_method: z.string(),
  span_count: z.coerce.number(),
  total_cost: z.string(),
  first_currency: z.string(),
});
export type ListedTrace = z.infer<typeof listed>;

export interface ListedTraces {
  readonly traces: readonly ListedTrace[];
  /** Microseconds since the epoch: the part of the window that was looked through. */
  readonly scannedStartUs: bigint;
  readonly scannedEndUs: bigint;
}

const hourUs = 3_600_000_000n;
const stepsUs = [6n * hourUs, 48n * hourUs, 384n * hourUs];

/**
 * Traces of a window, newest first, at most `limit`. The newest part of the window is asked first and then ever more of it:
 * a first page does not read a month.
 */
export async function listTraces(ledger: Pick<LedgerStore, 'query'>, input: TraceListInput): Promise<ListedTraces> {
  const end = input.after === null || input.after.startUs >= input.endUs ? input.endUs : input.after.startUs + 1n;
  for (const step of stepsUs) {
    const start = end - step;
    if (start <= input.startUs) break;
    const traces = await listSpan(ledger, input, start, end);
    // All that is in this part is newer than all that is before it.
    if (traces.length >= input.limit) return { traces, scannedStartUs: start, scannedEndUs: end };
  }
  return { traces: await listSpan(ledger, input, input.startUs, end), scannedStartUs: input.startUs, scannedEndUs: end };
}

const ofCost = z.object({ trace_id: z.string(), whole_cost: z.string() });

/** Traces that are named in one statement: parameters travel in the address, which has not room for more. */
const namedMax = 200;

/** Calls that fit, the traces of the page with no more than what decides their place in it, and these traces whole: each on what the one before left. */
async function listSpan(ledger: Pick<LedgerStore, 'query'>, input: TraceListInput, startUs: bigint, endUs: bigint): Promise<ListedTrace[]> {
  const { after, limit } = input;
  const window = { ...input, startUs, endUs };
  const selected = tracesOf(window);
  const place = after === null ? {} : { after: String(after.startUs), after_trace: after.traceHex };
  const parameters = { ...selected.parameters, ...place, limit };
  const behind = after === null ? '' : ' AND (start_us, toString(trace_id)) < ({after:Int64}, {after_trace:String})';
  const page = `${selected.sql}${behind}
          ORDER BY start_us DESC, trace_id DESC
          LIMIT {limit:UInt32}`;
  if (!selected.isByCost) {
    const traces = await readWhole(ledger, `SELECT trace_id FROM (${page})`, parameters);
    const costs = await countedCosts(
      ledger,
      window,
      traces.map(({ trace_hex: trace }) => trace),
    );
    return traces.map((trace) => ({ ...trace, total_cost: addCosts(trace.total_cost, costs.get(trace.trace_hex) ?? '0') }));
  }
  // The cost by which a trace was chosen is the one that is shown, whatever is counted meanwhile.
  const costs = new Map((await ledger.query(`/* traces/list-by-cost */ ${page}`, parameters, ofCost)).map((trace) => [trace.trace_id, trace.whole_cost]));
  const traces: ListedTrace[] = [];
  const names = [...costs.keys()];
  for (let at = 0; at < names.length; at += namedMax) {
    const named = { ...windowParameters(window), traces: names.slice(at, at + namedMax) };
    traces.push(...(await readWhole(ledger, 'SELECT toFixedString(arrayJoin({traces:Array(String)}), 32)', named)));
  }
  return traces.map((trace) => ({ ...trace, total_cost: costs.get(trace.trace_hex) ?? trace.total_cost }));
}

/** Traces whole, newest first. `which`: a statement for their ids. */
function readWhole(ledger: Pick<LedgerStore, 'query'>, which: string, parameters: Readonly<Record<string, LedgerParameter>>): Promise<ListedTrace[]> {
  const sql = `/* traces/list */
    SELECT
      toString(trace_id) AS trace_hex,
      ${startAt},
      ${lasts},
      ${worstStatus},
      argMin(user_id, (started_at, span_id)) AS first_user_id,
      argMin(team_id, (started_at, span_id)) AS first_team_id,
      argMin(key_id, (started_at, span_id)) AS first_key_id,
      argMin(agent, (started_at, span_id)) AS first_agent,
      argMin(client_name, (started_at, span_id)) AS first_client,
      argMin(environment, (started_at, span_id)) AS first_environment,
      argMin(toString(stop), ${worstFirst}) AS worst_stop,
      argMin(fault_code, ${worstFirst}) AS worst_fault,
      argMin(server, ${worstFirst}) AS worst_server,
      argMin(tool, ${worstFirst}) AS worst_tool,
      argMin(method, ${worstFirst}) AS worst_method,
      argMin(server, (started_at, span_id)) AS first_server,
      argMin(tool, (started_at, span_id)) AS first_tool,
      argMin(method, (started_at, span_id)) AS first_method,
      argMin(currency, (started_at, span_id)) AS first_currency,
      count() AS span_count,
      toString(sum(cost)) AS total_cost
    FROM calls
    WHERE ${aroundWindow}
      AND trace_id IN (${which})
    GROUP BY trace_id
    ORDER BY start_us DESC, trace_hex DESC`;
  return ledger.query(sql, parameters, listed);
}

const counted = z.object({ found: z.coerce.number() });

/** Windows with at most so many calls are counted whole. */
const countedCallsMax = 500_000;

/**
 * How many traces a selection has. Where its window holds very many calls, those of the part from `scannedStartUs` on are
 * counted, and as many in proportion are taken for granted in the rest.
 */
export async function estimateTraces(ledger: Pick<LedgerStore, 'query'>, selection: Selection, scannedStartUs: bigint): Promise<number> {
  const all = await countAll(ledger, selection);
  const isWhole = all <= countedCallsMax || scannedStartUs <= selection.startUs;
  const part = isWhole ? selection : { ...selection, startUs: scannedStartUs };
  const { sql, parameters } = tracesOf(part);
  const [row] = await ledger.query(`/* traces/estimate */ SELECT count() AS found FROM (${sql})`, parameters, counted);
  const found = row?.found ?? 0;
  if (isWhole) return found;
  const seen = await countAll(ledger, part);
  return seen === 0 ? 0 : Math.round((found * all) / seen);
}

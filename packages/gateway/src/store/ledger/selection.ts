import { traceHexFor } from '../../kernel/id.ts';
import type { Query } from '../../query/query.ts';
import { compileQuery } from './compile-query.ts';

/** Which calls, or which traces by their calls, are asked for. */
export interface Selection {
  readonly organizationId: string;
  /** Microseconds since the epoch, from `startUs` and before `endUs`. */
  readonly startUs: bigint;
  readonly endUs: bigint;
  /** What a call must be. A trace fits when one of its calls does. */
  readonly query: Query;
  /** What the trace of the call must be as a whole; null: any. */
  readonly whole: WholeTrace | null;
  /** Text is looked for in recorded requests and responses too. */
  readonly bodies?: boolean;
}

/** Null: any. */
export interface WholeTrace {
  /** That of its worst call. */
  readonly status: string | null;
  readonly durationUsMin: bigint | null;
  readonly durationUsMax: bigint | null;
  /** Exact decimals. */
  readonly costMin: string | null;
  readonly costMax: string | null;
}

export type Parameters = Readonly<Record<string, string | number>>;

/** How far beyond the window calls of its traces are looked for: a trace that lasts no longer than this is counted whole. */
const marginUs = 3_600_000_000n;

/** Calls of the organization in the window; places `org`, `start`, `end`. */
export const inWindow =
  "org_id = {org:String} AND started_at >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') AND started_at < fromUnixTimestamp64Micro({end:Int64}, 'UTC')";

/** The same and an hour more at both ends. */
export const aroundWindow =
  "org_id = {org:String} AND started_at >= fromUnixTimestamp64Micro({around_start:Int64}, 'UTC') AND started_at < fromUnixTimestamp64Micro({around_end:Int64}, 'UTC')";

export function windowParameters({ organizationId, startUs, endUs }: Pick<Selection, 'organizationId' | 'startUs' | 'endUs'>): Parameters {
  return {
    org: organizationId,
    start: String(startUs),
    end: String(endUs),
    around_start: String(startUs - marginUs),
    around_end: String(endUs + marginUs),
  };
}

export interface SelectedSql {
  /** Of a call. */
  readonly where: string;
  readonly parameters: Parameters;
}

/** The calls of a selection. */
export function callsOf(selection: Selection): SelectedSql {
  const { where, parameters } = fitting(selection, inWindow);
  if (selection.whole === null) return { where, parameters };
  const traces = tracesOf(selection);
  return { where: `${where} AND trace_id IN (SELECT trace_id FROM (${traces.sql}))`, parameters: traces.parameters };
}

/**
 * The traces of a selection that began in its window: `trace_id`, `start_us`, `trace_us`, `trace_status`, and where they are selected by it
 * `whole_cost`; `HAVING` stays open for more.
 */
export function tracesOf(selection: Selection): { readonly sql: string; readonly parameters: Parameters; readonly isByCost: boolean } {
  const { whole } = selection;
  const calls = fitting(selection, aroundWindow);
  const parameters: Record<string, string | number> = { ...calls.parameters };
  const having = ['start_us >= {start:Int64}', 'start_us < {end:Int64}'];
  const add = (condition: string, name: string, value: string | bigint | null): void => {
    if (value === null) return;
    having.push(condition);
    parameters[name] = String(value);
  };
  const status = whole?.status ?? null;
  add('trace_status = {whole_status:String}', 'whole_status', status);
  add('trace_us >= {duration_min:Int64}', 'duration_min', whole?.durationUsMin ?? null);
  add('trace_us <= {duration_max:Int64}', 'duration_max', whole?.durationUsMax ?? null);
  add('sum(cost) >= {cost_min:Decimal(18, 9)}', 'cost_min', whole?.costMin ?? null);
  add('sum(cost) <= {cost_max:Decimal(18, 9)}', 'cost_max', whole?.costMax ?? null);
  const fits = calls.where === aroundWindow ? '' : ` AND trace_id IN (SELECT trace_id FROM calls WHERE ${calls.where})`;
  // The worst call has the status of the trace: where it is a rare one, few traces are left to look at.
  const worst = status === null ? '' : ` AND trace_id IN (SELECT trace_id FROM calls WHERE ${aroundWindow} AND status = {whole_status:String})`;
  // What tokens cost that were counted after their call stands beside it, under its time and names; nothing else of the trace is changed by it.
  const columns = 'trace_id, started_at, duration_us, status, cost';
  const isByCost = (whole?.costMin ?? null) !== null || (whole?.costMax ?? null) !== null;
  const counted = `SELECT trace_id, started_at, 0 AS duration_us, 'success' AS status, cost FROM counted_tokens WHERE ${aroundWindow}`;
  const rows = isByCost ? `(SELECT ${columns} FROM calls WHERE ${aroundWindow} UNION ALL ${counted})` : 'calls';
  const inTime = isByCost ? '1' : aroundWindow;
  const sql = `SELECT trace_id, ${startAt}, ${lasts}, ${worstStatus}${isByCost ? ', toString(sum(cost)) AS whole_cost' : ''}
          FROM ${rows}
          WHERE ${inTime}${fits}${worst}
          GROUP BY trace_id
          HAVING ${having.join(' AND ')}`;
  return { sql, parameters, isByCost };
}

/** Of the calls of a trace: when the first began, and how long it was until the last ended. */
export const startAt = 'toUnixTimestamp64Micro(min(started_at)) AS start_us';
export const lasts = 'max(toUnixTimestamp64Micro(started_at) + toInt64(duration_us)) - start_us AS trace_us';

/** From best to worst: a trace is as its worst call. */
export const statusesBestFirst = "['success', 'cancelled', 'waiting', 'blocked', 'unknown', 'timeout', 'error']";
export const worstStatus = `arrayElement(${statusesBestFirst}, toUInt32(max(indexOf(${statusesBestFirst}, toString(status))))) AS trace_status`;
/** Orders the calls of a trace: those that decide its status first, in the order of time. */
export const worstFirst = `(-toInt32(indexOf(${statusesBestFirst}, toString(status))), started_at, span_id)`;

function fitting({ query, bodies = false, ...window }: Selection, where: string): SelectedSql {
  const compiled = compileQuery(query, (id) => traceHexFor(window.organizationId, id), { where, bodies });
  return {
    where: compiled.condition === null ? where : `${where} AND ${compiled.condition}`,
    parameters: { ...windowParameters(window), ...compiled.parameters },
  };
}

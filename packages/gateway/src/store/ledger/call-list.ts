import { z } from 'zod';
import { callColumns, callRow, type CallRow } from './call-columns.ts';
import { withCountedTokens } from './counted-tokens.ts';
import type { LedgerStore } from './ledger-store.ts';
import { callsOf, inWindow, windowParameters, type Selection } from './selection.ts';

export interface CallListInput extends Selection {
  /** The last call already seen: the list goes on with the ones after it. */
  readonly after: CallPosition | null;
  readonly limit: number;
}

/** Newest first; among calls that began in the same microsecond by trace and span, descending. */
export interface CallPosition {
  readonly startUs: bigint;
  readonly traceHex: string;
  readonly spanHex: string;
}

/** Calls of a selection, newest first, at most `limit`: read in the order of the sorting key until there are enough. */
export async function listCalls(ledger: Pick<LedgerStore, 'query'>, { after, limit, ...selection }: CallListInput): Promise<CallRow[]> {
  const { where, parameters } = callsOf(selection);
  const behind =
    after === null
      ? ''
      : " AND started_at <= fromUnixTimestamp64Micro({after:Int64}, 'UTC') AND (toUnixTimestamp64Micro(started_at), trace_id, span_id) < ({after:Int64}, toFixedString({after_trace:String}, 32), toFixedString({after_span:String}, 16))";
  const sql = `/* logs/requests */ SELECT ${callColumns} FROM calls WHERE ${where}${behind} ORDER BY started_at DESC, trace_id DESC, span_id DESC LIMIT {limit:UInt32}`;
  const place = after === null ? {} : { after: String(after.startUs), after_trace: after.traceHex, after_span: after.spanHex };
  return withCountedTokens(ledger, selection.organizationId, await ledger.query(sql, { ...parameters, ...place, limit }, callRow));
}

const counted = z.object({ found: z.coerce.number() });

/** Windows with at most so many calls are counted whole. */
const countedCallsMax = 1_000_000;

/**
 * How many calls a selection has. Where its window holds very many, as many in proportion are taken for granted as there are
 * from `scannedStartUs` on.
 */
export async function estimateCalls(ledger: Pick<LedgerStore, 'query'>, selection: Selection, scannedStartUs: bigint): Promise<number> {
  const all = await countAll(ledger, selection);
  const isWhole = all <= countedCallsMax || scannedStartUs <= selection.startUs;
  const part = isWhole ? selection : { ...selection, startUs: scannedStartUs };
  const { where, parameters } = callsOf(part);
  const [row] = await ledger.query(`/* logs/estimate */ SELECT count() AS found FROM calls WHERE ${where}`, parameters, counted);
  const found = row?.found ?? 0;
  if (isWhole) return found;
  const seen = await countAll(ledger, part);
  return seen === 0 ? 0 : Math.round((found * all) / seen);
}

/** All calls of the window, whatever is asked of them. */
export async function countAll(ledger: Pick<LedgerStore, 'query'>, window: Pick<Selection, 'organizationId' | 'startUs' | 'endUs'>): Promise<number> {
  const [row] = await ledger.query(`/* logs/count-all */ SELECT count() AS found FROM calls WHERE ${inWindow}`, windowParameters(window), counted);
  return row?.found ?? 0;
}

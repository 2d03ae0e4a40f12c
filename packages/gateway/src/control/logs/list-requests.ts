import { bounds } from '../../kernel/bounds.ts';
import type { CallRow } from '../../store/ledger/call-columns.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { cursorOf, placeOf, selectCalls, type CallQuestion } from '../traces/select-calls.ts';

export interface RequestListQuery extends CallQuestion {
  readonly limit: number;
  readonly cursor: string | null;
}

export interface RequestPage {
  readonly calls: readonly CallRow[];
  /** Where the next page begins, null at the end. */
  readonly cursor: string | null;
  /** How many calls the whole list has; known with its first page only. */
  readonly estimatedTotal: number | null;
  /** Microseconds since the epoch: the part of the window that was looked through for this page. */
  readonly scannedStartUs: bigint;
  readonly scannedEndUs: bigint;
}

/**
 * The request log: one row a call, newest first, `limit` (1 to `requestsListMax`) a page. Pages neither repeat nor skip a
 * call, whatever is recorded meanwhile. Faults: `invalid_params`, `query_invalid`, `unavailable`.
 */
export async function listRequests(context: Pick<ControlContext, 'ledger' | 'organizationId' | 'actor'>, query: RequestListQuery): Promise<RequestPage> {
  const selection = selectCalls(context, query);
  const ledger = requireLedger(context);
  const size = Math.min(query.limit, bounds.requestsListMax);
  const place = query.cursor === null ? null : placeOf(query.cursor, selection, [32, 16]);
  const found = await ledger.listCalls({
    ...selection,
    after: place === null ? null : { startUs: place.startUs, traceHex: place.ids[0] ?? '', spanHex: place.ids[1] ?? '' },
    limit: size + 1,
  });
  const calls = found.slice(0, size);
  const last = calls.at(-1);
  const goesOn = found.length > size && last !== undefined;
  const scannedStartUs = goesOn ? last.start_us : selection.startUs;
  return {
    calls,
    cursor: goesOn ? cursorOf([last.start_us, last.trace_hex, last.span_hex], selection) : null,
    estimatedTotal: place !== null ? null : goesOn ? Math.max(size + 1, await ledger.estimateCalls(selection, scannedStartUs)) : calls.length,
    scannedStartUs,
    scannedEndUs: place?.startUs ?? selection.endUs,
  };
}

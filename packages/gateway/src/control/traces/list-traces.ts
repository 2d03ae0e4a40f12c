import { bounds } from '../../kernel/bounds.ts';
import type { ListedTrace } from '../../store/ledger/traces.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { cursorOf, placeOf, selectCalls, type CallQuestion } from './select-calls.ts';

export interface TraceListQuery extends CallQuestion {
  readonly limit: number;
  readonly cursor: string | null;
}

export interface TracePage {
  readonly traces: readonly ListedTrace[];
  /** Where the next page begins, null at the end. */
  readonly cursor: string | null;
  /** How many traces the whole list has; known with its first page only. */
  readonly estimatedTotal: number | null;
  /** Microseconds since the epoch: the part of the window that was looked through for this page. */
  readonly scannedStartUs: bigint;
  readonly scannedEndUs: bigint;
}

/**
 * Traces whose first call began in the window and of which one call fits the query, newest first, `limit` (1 to
 * `tracesListMax`) a page. Pages neither repeat nor skip a trace, however many began in the same microsecond and whatever is
 * recorded meanwhile. Faults: `invalid_params`, `query_invalid`, `unavailable`.
 */
export async function listTraces(context: Pick<ControlContext, 'ledger' | 'organizationId' | 'actor'>, query: TraceListQuery): Promise<TracePage> {
  const selection = selectCalls(context, query);
  const ledger = requireLedger(context);
  const size = Math.min(query.limit, bounds.tracesListMax);
  const place = query.cursor === null ? null : placeOf(query.cursor, selection, [32]);
  const found = await ledger.listTraces({
    ...selection,
    after: place === null ? null : { startUs: place.startUs, traceHex: place.ids[0] ?? '' },
    limit: size + 1,
  });
  const traces = found.traces.slice(0, size);
  const last = traces.at(-1);
  const goesOn = found.traces.length > size;
  const { scannedStartUs, scannedEndUs } = found;
  return {
    traces,
    cursor: goesOn && last ? cursorOf([last.start_us, last.trace_hex], selection) : null,
    estimatedTotal: place !== null ? null : goesOn ? Math.max(size + 1, await ledger.estimateTraces(selection, scannedStartUs)) : traces.length,
    scannedStartUs,
    scannedEndUs,
  };
}

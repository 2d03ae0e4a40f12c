import { bounds } from '../../kernel/bounds.ts';
import { traceHexFor } from '../../kernel/id.ts';
import type { CallRow } from '../../store/ledger/call-columns.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { unknownObject } from '../unknown-object.ts';
import { readSpanBodies, type SpanBodies } from './span-bodies.ts';

export interface TraceWithSpans {
  readonly traceHex: string;
  readonly startUs: bigint;
  readonly endUs: bigint;
  readonly status: string;
  /** The first call: who the trace belongs to. */
  readonly first: CallRow;
  /** Oldest first, at most `limit`. */
  readonly spans: readonly CallRow[];
  readonly spanCount: number;
  /** An exact decimal. */
  readonly totalCost: string;
  readonly bodies: ReadonlyMap<string, SpanBodies>;
}

/**
 * One trace with its first `limit` (at most `traceSpansMax`) calls, by `tr_…` or by the caller's own X-Trace-ID. Faults:
 * `unknown_object`, `unavailable`.
 */
export async function getTrace(
  context: Pick<ControlContext, 'ledger' | 'organizationId' | 'clock'>,
  id: string,
  limit: number = bounds.traceSpansMax,
): Promise<TraceWithSpans> {
  const { organizationId } = context;
  const traceHex = traceHexFor(organizationId, id);
  const ledger = requireLedger(context);
  const spans = await ledger.listSpans(organizationId, traceHex, Math.min(limit, bounds.traceSpansMax));
  const [first] = spans;
  if (first === undefined) throw unknownObject('trace', id);
  const within = { organizationId, traceHex, startUs: first.start_us, endUs: first.trace_end_us };
  return {
    traceHex,
    startUs: first.start_us,
    endUs: first.trace_end_us,
    status: first.trace_status,
    first,
    spans,
    spanCount: first.trace_spans,
    totalCost: first.trace_cost,
    bodies: await readSpanBodies(ledger, within, spans, context.clock.nowMs()),
  };
}

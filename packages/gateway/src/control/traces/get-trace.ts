import { bounds } from '../../kernel/bounds.ts';
import type { SpanRow } from '../../store/ledger/traces.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { unknownObject } from '../unknown-object.ts';
import { traceHexFor } from './trace-hex.ts';

export interface TraceWithSpans {
  readonly traceHex: string;
  readonly startUs: bigint;
  readonly endUs: bigint;
  readonly status: string;
  /** The first call: who the trace belongs to. */
  readonly first: SpanRow;
  /** Oldest first, at most `traceSpansMax`. */
  readonly spans: readonly SpanRow[];
  readonly spanCount: number;
  /** An exact decimal. */
  readonly totalCost: string;
}

/** One trace with its calls, by `tr_…` or by the caller's own X-Trace-ID. Faults: `unknown_object`, `unavailable`. */
export async function getTrace(context: Pick<ControlContext, 'ledger' | 'organizationId'>, id: string): Promise<TraceWithSpans> {
  const traceHex = traceHexFor(context.organizationId, id);
  const spans = await requireLedger(context).listSpans(context.organizationId, traceHex, bounds.traceSpansMax);
  const [first] = spans;
  if (first === undefined) throw unknownObject('trace', id);
  return {
    traceHex,
    startUs: first.start_us,
    endUs: first.trace_end_us,
    status: first.trace_status,
    first,
    spans,
    spanCount: first.trace_spans,
    totalCost: first.trace_cost,
  };
}

import type { ControlContext } from '../context.ts';
import { getTrace } from '../traces/get-trace.ts';

export interface TraceCosts {
  readonly traceHex: string;
  readonly currency: string;
  /** Exact decimal, of the whole trace. */
  readonly cost: string;
  readonly spans: readonly SpanCost[];
  /** There are more spans; the total counts them too. */
  readonly truncated: boolean;
}

export interface SpanCost {
  readonly spanHex: string;
  readonly server: string;
  readonly tool: string;
  readonly cost: string;
  readonly pricedBy: string;
  readonly priceVersion: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly durationUs: number;
}

/** What a trace cost, call by call. Faults: `unknown_object`, `unavailable`. */
export async function traceCosts(context: Pick<ControlContext, 'ledger' | 'organizationId' | 'clock'>, id: string): Promise<TraceCosts> {
  const trace = await getTrace(context, id);
  return {
    traceHex: trace.traceHex,
    currency: trace.first.currency,
    cost: trace.totalCost,
    spans: trace.spans
      .filter(({ priced_by }) => priced_by !== '')
      .map((span): SpanCost => ({
        spanHex: span.span_hex,
        server: span.server,
        tool: span.tool,
        cost: span.cost_text,
        pricedBy: span.priced_by,
        priceVersion: span.price_version,
        inputTokens: span.input_tokens,
        outputTokens: span.output_tokens,
        durationUs: span.duration_us,
      })),
    truncated: trace.spanCount > trace.spans.length,
  };
}

import { bounds } from '../../kernel/bounds.ts';
import { nanoOf, nanoText } from '../../kernel/nano.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
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

/** What a trace cost, call by call, with the tokens that were counted after the calls. Faults: `unknown_object`, `unavailable`. */
export async function traceCosts(context: Pick<ControlContext, 'ledger' | 'organizationId' | 'clock'>, id: string): Promise<TraceCosts> {
  const trace = await getTrace(context, id);
  const { traceHex, startUs, endUs } = trace;
  const counted = await requireLedger(context).listCountedTokens({
    organizationId: context.organizationId,
    traceHex,
    startUs,
    endUs,
    limit: bounds.traceTreeSpansMax,
  });
  const bySpan = new Map(counted.map((row) => [row.span_hex, row]));
  return {
    traceHex,
    currency: trace.first.currency,
    cost: nanoText(counted.reduce((sum, { cost_text }) => sum + nanoOf(cost_text), nanoOf(trace.totalCost))),
    spans: trace.spans
      .filter(({ priced_by }) => priced_by !== '')
      .map((span): SpanCost => {
        const tokens = bySpan.get(span.span_hex);
        return {
          spanHex: span.span_hex,
          server: span.server,
          tool: span.tool,
          cost: nanoText(nanoOf(span.cost_text) + nanoOf(tokens?.cost_text ?? '0')),
          pricedBy: span.priced_by,
          priceVersion: span.price_version,
          inputTokens: span.input_tokens + (tokens?.input_tokens ?? 0),
          outputTokens: span.output_tokens + (tokens?.output_tokens ?? 0),
          durationUs: span.duration_us,
        };
      }),
    truncated: trace.spanCount > trace.spans.length,
  };
}

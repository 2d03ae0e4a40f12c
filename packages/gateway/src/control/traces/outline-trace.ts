import { bounds } from '../../kernel/bounds.ts';
import { traceHexFor } from '../../kernel/id.ts';
import type { OutlinedSpan } from '../../store/ledger/trace-spans.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { unknownObject } from '../unknown-object.ts';
import { spanTree } from './span-tree.ts';

export interface TraceOutline {
  readonly traceHex: string;
  readonly startUs: bigint;
  readonly spanCount: number;
  /** In the order of the tree. */
  readonly spans: readonly OutlinedSpan[];
  /** Places in `spans`. */
  readonly critical: readonly number[];
  /** Those in which all words stand; null where none was given. */
  readonly found: readonly number[] | null;
  /** The trace has more calls than a tree is made of; those that began last are left out. */
  readonly truncated: boolean;
}

/**
 * All calls of a trace, without what only one that looks at them needs: the whole of what windows are parts of. Faults: `unknown_object`, `unavailable`.
 * @param find words with spaces between them
 */
export async function outlineTrace(context: Pick<ControlContext, 'ledger' | 'organizationId'>, traceId: string, find: string): Promise<TraceOutline> {
  const { organizationId } = context;
  const traceHex = traceHexFor(organizationId, traceId);
  const ledger = requireLedger(context);
  const trace = await ledger.findTrace(organizationId, traceHex);
  if (trace === null) throw unknownObject('trace', traceId);
  const words = find.split(/\s+/).filter((word) => word !== '');
  const rows = await ledger.listOutlinedSpans({ organizationId, traceHex, startUs: trace.start_us, endUs: trace.end_us, words }, bounds.traceTreeSpansMax);
  const bySpan = new Map(rows.map((row) => [row.span_hex, row]));
  const spans = spanTree(rows).flatMap(({ spanHex }) => bySpan.get(spanHex) ?? []);
  return {
    traceHex,
    startUs: trace.start_us,
    spanCount: trace.span_count,
    spans,
    critical: criticalPath(spans),
    found: words.length === 0 ? null : spans.flatMap(({ found }, place) => (found === 1 ? [place] : [])),
    truncated: trace.span_count > spans.length,
  };
}

/**
 * The calls that the run waited for: from its end back, each time the call that ended last before. Calls side by side of which one is shorter are not
 * among them (as in the critical path of Jaeger). @returns their places, in order
 */
export function criticalPath(spans: readonly Pick<OutlinedSpan, 'start_us' | 'duration_us'>[]): number[] {
  const byEnd = spans
    .map(({ start_us: start, duration_us: us }, place) => ({ place, start, end: start + BigInt(us) }))
    .toSorted((a, b) => (a.end < b.end ? 1 : a.end > b.end ? -1 : 0));
  const path: number[] = [];
  let before: bigint | null = null;
  for (const { place, start, end } of byEnd) {
    if (before !== null && end > before) continue;
    path.push(place);
    before = start;
  }
  return path.toSorted((a, b) => a - b);
}

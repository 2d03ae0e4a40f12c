import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { traceHexFor } from '../../kernel/id.ts';
import type { CallRow } from '../../store/ledger/call-columns.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { unknownObject } from '../unknown-object.ts';
import { readSpanBodies, type SpanBodies } from './span-bodies.ts';
import { spanTree, type TreePlace } from './span-tree.ts';

export interface SpanWindowInput {
  readonly traceId: string;
  /** The span (16 hex digits) that the window is to have in its middle, or null. */
  readonly around: string | null;
  /** Place in the tree of the first, or null. At most one of these three. */
  readonly offset: number | null;
  /** 1 to `spanWindowMax`. */
  readonly limit: number;
  readonly cursor: string | null;
}

export interface SpanWindow {
  readonly traceHex: string;
  readonly startUs: bigint;
  readonly endUs: bigint;
  readonly status: string;
  readonly spanCount: number;
  /** In the order of the tree. */
  readonly spans: readonly PlacedSpan[];
  /** Place of the first of them in the tree. */
  readonly offset: number;
  /** Windows before and behind this one, null at the ends. */
  readonly before: string | null;
  readonly after: string | null;
  /** The trace has more calls than a tree is made of; those that began last are left out. */
  readonly truncated: boolean;
  readonly bodies: ReadonlyMap<string, SpanBodies>;
}

export interface PlacedSpan extends Pick<TreePlace, 'depth' | 'children'> {
  readonly row: CallRow;
}

/** A part of the tree of a trace's calls. Faults: `unknown_object`, `invalid_params`, `unavailable`. */
export async function listSpans(context: Pick<ControlContext, 'ledger' | 'organizationId' | 'clock'>, input: SpanWindowInput): Promise<SpanWindow> {
  const { organizationId } = context;
  const traceHex = traceHexFor(organizationId, input.traceId);
  const ledger = requireLedger(context);
  const found = await ledger.findTrace(organizationId, traceHex);
  if (found === null) throw unknownObject('trace', input.traceId);
  const within = { organizationId, traceHex, startUs: found.start_us, endUs: found.end_us };
  const tree = spanTree(await ledger.listSpanLinks(within, bounds.traceTreeSpansMax));
  const limit = Math.min(input.limit, bounds.spanWindowMax);
  const offset = offsetOf(input, tree, limit);
  const places = tree.slice(offset, offset + limit);
  const rows = await ledger.listSpansById(
    within,
    places.map(({ spanHex }) => spanHex),
  );
  const bySpan = new Map(rows.map((row) => [row.span_hex, row]));
  const [first, last] = [places.at(0), places.at(-1)];
  return {
    traceHex,
    startUs: found.start_us,
    endUs: found.end_us,
    status: found.trace_status,
    spanCount: found.span_count,
    spans: places.flatMap(({ spanHex, depth, children }) => {
      const row = bySpan.get(spanHex);
      return row === undefined ? [] : [{ row, depth, children }];
    }),
    offset,
    before: offset === 0 || !first ? null : cursorOf('before', first.spanHex),
    after: offset + limit >= tree.length || !last ? null : cursorOf('after', last.spanHex),
    truncated: found.span_count > tree.length,
    bodies: await readSpanBodies(ledger, within, rows, context.clock.nowMs()),
  };
}

/** Faults: `invalid_params` where what is named is not of this trace. */
function offsetOf({ around, offset, cursor }: SpanWindowInput, tree: readonly TreePlace[], limit: number): number {
  if ([around, offset, cursor].filter((given) => given !== null).length > 1)
    throw new Fault('invalid_params', { reason: 'give around, offset or cursor, only one' });
  if (offset !== null) return Math.min(offset, tree.length);
  if (cursor !== null) {
    const [side, spanHex] = Buffer.from(cursor, 'base64url').toString().split(' ');
    const at = tree.findIndex((place) => place.spanHex === spanHex);
    if (at < 0 || (side !== 'after' && side !== 'before')) throw new Fault('invalid_params', { reason: 'the cursor is not one that this trace gave' });
    return side === 'after' ? at + 1 : Math.max(0, at - limit);
  }
  if (around === null) return 0;
  const at = tree.findIndex(({ spanHex }) => spanHex === around);
  if (at < 0) throw new Fault('invalid_params', { reason: 'around is no span of this trace' });
  return Math.max(0, Math.min(at - Math.floor(limit / 2), tree.length - limit));
}

/** Names a span, not a number: a trace may still grow. */
function cursorOf(side: 'before' | 'after', spanHex: string): string {
  return Buffer.from(`${side} ${spanHex}`).toString('base64url');
}

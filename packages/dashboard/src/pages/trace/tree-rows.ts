/** The rows of a waterfall: each call, and below the ones that are open, what happened within it. */
import type { Schemas } from '@gatewayops/sdk';

export type CallSpan = Schemas['PlacedSpan'];
export type ChildSpan = Schemas['ChildSpan'];

interface RowBase {
  readonly id: string;
  /** Of its call in the trace. */
  readonly place: number;
}
export type TreeRow =
  | (RowBase & { readonly kind: 'call'; readonly depth: number; readonly span: CallSpan; readonly isOpen: boolean })
  | (RowBase & { readonly kind: 'child'; readonly depth: number; readonly child: ChildSpan; readonly span: CallSpan })
  /** One of which no more is known yet than when it was. */
  | (RowBase & { readonly kind: 'ahead' });

type CallRow = Extract<TreeRow, { kind: 'call' }>;

const callRows = new WeakMap<CallSpan, CallRow>();

/** The row that a call had stays the same one while it is: a long trace comes in parts, and what is on screen is not drawn anew with each. */
function callRow(span: CallSpan, place: number, isOpen: boolean): CallRow {
  const known = callRows.get(span);
  if (known?.isOpen === isOpen && known.place === place) return known;
  const row: CallRow = { kind: 'call', id: span.id, place, depth: span.depth, span, isOpen };
  callRows.set(span, row);
  return row;
}

/** As many as the longest trace had so far. */
const ahead: TreeRow[] = [];

/** Which calls are open: all but some, or some. */
export interface OpenCalls {
  readonly isAll: boolean;
  readonly but: ReadonlySet<string>;
}

/** @param places those to show, in order */
export function treeRows(places: readonly number[], spans: ReadonlyMap<number, CallSpan>, open: OpenCalls): readonly TreeRow[] {
  const rows: TreeRow[] = [];
  for (const place of places) {
    const span = spans.get(place);
    if (span === undefined) {
      rows.push((ahead[place] ??= { kind: 'ahead', id: `ahead ${place}`, place }));
      continue;
    }
    const isOpen = open.isAll !== open.but.has(span.id);
    rows.push(callRow(span, place, isOpen));
    if (isOpen)
      for (const child of span.children) rows.push({ kind: 'child', id: child.id, place, depth: span.depth + 1 + depthOf(child, span.children), child, span });
  }
  return rows;
}

/** Spans that a server gave may hang on one another. */
function depthOf(child: ChildSpan, all: readonly ChildSpan[]): number {
  let depth = 0;
  let at: ChildSpan | undefined = child;
  // A server may give spans that name each other.
  while (at !== undefined && depth < 16) {
    const parent: string = at.parent_id;
    at = all.find(({ id }) => id === parent);
    if (at !== undefined) depth += 1;
  }
  return depth;
}

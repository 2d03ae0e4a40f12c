/** The rows of a waterfall: each call, and below the ones that are open, what happened within it. */
import type { Schemas } from '@gatewayops/sdk';

export type CallSpan = Schemas['PlacedSpan'];
export type ChildSpan = Schemas['ChildSpan'];

export type TreeRow =
  | { readonly kind: 'call'; readonly id: string; readonly depth: number; readonly span: CallSpan; readonly isOpen: boolean }
  | { readonly kind: 'child'; readonly id: string; readonly depth: number; readonly child: ChildSpan; readonly span: CallSpan };

type CallRow = Extract<TreeRow, { kind: 'call' }>;

const callRows = new WeakMap<CallSpan, CallRow>();

/** The row that a call had stays the same one while it is: a long trace comes in parts, and what is on screen is not drawn anew with each. */
function callRow(span: CallSpan, isOpen: boolean): CallRow {
  const known = callRows.get(span);
  if (known?.isOpen === isOpen) return known;
  const row: CallRow = { kind: 'call', id: span.id, depth: span.depth, span, isOpen };
  callRows.set(span, row);
  return row;
}

export function treeRows(spans: readonly CallSpan[], open: ReadonlySet<string>): readonly TreeRow[] {
  return spans.flatMap((span): readonly TreeRow[] => {
    const isOpen = open.has(span.id);
    const call = callRow(span, isOpen);
    if (!isOpen) return [call];
    return [
      call,
      ...span.children.map((child): TreeRow => ({ kind: 'child', id: child.id, depth: span.depth + 1 + depthOf(child, span.children), child, span })),
    ];
  });
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

interface Times {
  readonly span: CallSpan;
  readonly start: number;
  readonly end: number;
}

const times = new WeakMap<CallSpan, Times>();

/** Read once for each: with each part of a trace that comes the path is looked for, and all is drawn small, anew. */
export function timesOf(span: CallSpan): Times {
  const known = times.get(span);
  if (known !== undefined) return known;
  const start = Date.parse(span.start_time);
  const read = { span, start, end: start + span.duration_ms };
  times.set(span, read);
  return read;
}

/**
 * The calls that the run waited for: from its end back, each time the call that ended last before. Calls side by side of which one is shorter are not
 * among them (as in the critical path of Jaeger).
 */
export function criticalPath(spans: readonly CallSpan[]): ReadonlySet<string> {
  const path = new Set<string>();
  const byEnd = spans.map(timesOf).toSorted((a, b) => b.end - a.end);
  let before = Number.POSITIVE_INFINITY;
  for (const { span, start, end } of byEnd) {
    if (end > before + 0.001) continue;
    path.add(span.id);
    before = start;
  }
  return path;
}

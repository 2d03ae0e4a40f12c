import type { SpanLink } from '../../store/ledger/trace-spans.ts';

/** Where a call stands in the tree of its trace. */
export interface TreePlace {
  readonly spanHex: string;
  /** 0: a call of the run itself. */
  readonly depth: number;
  /** Calls that it is the parent of. */
  readonly children: number;
}

/**
 * The calls of a trace as a tree, flattened: each is followed by what it is the parent of. Siblings stand in the order of
 * `links`, which is that of time. A call whose parent is not of this trace, as where the caller's own span is, is one of the
 * run; so is the first of a ring of parents that somebody invented.
 */
export function spanTree(links: readonly SpanLink[]): TreePlace[] {
  const known = new Set(links.map(({ span_hex }) => span_hex));
  const childrenOf = new Map<string, string[]>();
  const roots: string[] = [];
  for (const { span_hex: span, parent_span_id: parent } of links) {
    if (!known.has(parent) || parent === span) {
      roots.push(span);
      continue;
    }
    const siblings = childrenOf.get(parent);
    if (siblings) siblings.push(span);
    else childrenOf.set(parent, [span]);
  }
  const places: TreePlace[] = [];
  const seen = new Set<string>();
  const walk = (root: string): void => {
    const open = [{ span: root, depth: 0 }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { span, depth } = next;
      if (seen.has(span)) continue;
      seen.add(span);
      const children = childrenOf.get(span) ?? [];
      places.push({ spanHex: span, depth, children: children.length });
      for (const child of children.toReversed()) open.push({ span: child, depth: depth + 1 });
    }
  };
  for (const root of roots) walk(root);
  // What no root leads to is a ring, or hangs on one.
  for (const { span_hex: span } of links) if (!seen.has(span)) walk(span);
  return places;
}

/** Which call of one run is which of another. */
import type { Schemas } from '@gatewayops/sdk';

type Span = Schemas['Span'];

export interface Pair {
  readonly a: Span | null;
  readonly b: Span | null;
}

/** Of longer runs the beginning is compared: the work grows with the product of both. */
export const alignedMax = 500;

/** In the order of both, as long as it is the same: the longest common sequence of the same operation at the same server; others stand alone. */
export function alignCalls(a: readonly Span[], b: readonly Span[]): readonly Pair[] {
  const [left, right] = [a.slice(0, alignedMax), b.slice(0, alignedMax)];
  const [leftKeys, rightKeys] = [left.map(keyOf), right.map(keyOf)];
  // common[i][j]: how many calls from i and j on can stand beside each other.
  const common = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = left.length - 1; i >= 0; i -= 1) {
    const row = common[i];
    if (row === undefined) continue;
    for (let j = right.length - 1; j >= 0; j -= 1) row[j] = leftKeys[i] === rightKeys[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const pairs: Pair[] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const [one, other] = [left[i] ?? null, right[j] ?? null];
    if (one !== null && other !== null && leftKeys[i] === rightKeys[j]) {
      pairs.push({ a: one, b: other });
      i += 1;
      j += 1;
    } else if (one !== null && (other === null || at(i + 1, j) >= at(i, j + 1))) {
      pairs.push({ a: one, b: null });
      i += 1;
    } else {
      pairs.push({ a: null, b: other });
      j += 1;
    }
  }
  return pairs;
}

/** Whether something of the pair is worth a look: one is missing, or they ended differently. */
export function differs({ a, b }: Pair): boolean {
  return a === null || b === null || a.status !== b.status || a.stop !== b.stop;
}

/** The first that ended differently, else the first that one run lacks, else the one whose times are farthest apart. */
export function firstToSee(pairs: readonly Pair[]): number {
  const inBoth = pairs.findIndex((pair) => pair.a !== null && pair.b !== null && differs(pair));
  const different = inBoth === -1 ? pairs.findIndex(differs) : inBoth;
  if (different !== -1) return different;
  const gaps = pairs.map(({ a, b }) => Math.abs((a?.duration_ms ?? 0) - (b?.duration_ms ?? 0)));
  return gaps.length === 0 ? 0 : gaps.indexOf(Math.max(...gaps));
}

function keyOf({ server, operation, tool, name }: Span): string {
  return JSON.stringify([server, operation, tool ?? name]);
}

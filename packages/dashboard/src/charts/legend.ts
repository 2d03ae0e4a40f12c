/** What a table beside lines says of each. */
export type LegendColumn = 'last' | 'mean' | 'most';

export interface LegendRow<Line> extends Readonly<Record<LegendColumn, number | null>> {
  readonly line: Line;
}

/** In their own order, or those with the most first; of a line without a figure nothing is known, and it stands last. */
export function sortedLegend<Line extends { readonly values: readonly (number | null)[] }>(
  lines: readonly Line[],
  by: LegendColumn | null,
): readonly LegendRow<Line>[] {
  const rows = lines.map((line): LegendRow<Line> => {
    const known = line.values.filter((value) => value !== null);
    return {
      line,
      last: known.at(-1) ?? null,
      mean: known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length,
      most: known.length === 0 ? null : known.reduce((one, other) => Math.max(one, other)),
    };
  });
  return by === null ? rows : rows.toSorted((a, b) => (b[by] ?? Number.NEGATIVE_INFINITY) - (a[by] ?? Number.NEGATIVE_INFINITY));
}

export function nearest<Item>(items: readonly Item[], distanceOf: (item: Item) => number): { readonly item: Item; readonly distance: number } | undefined {
  let found: { readonly item: Item; readonly distance: number } | undefined;
  for (const item of items) {
    const distance = distanceOf(item);
    if (found === undefined || distance < found.distance) found = { item, distance };
  }
  return found;
}

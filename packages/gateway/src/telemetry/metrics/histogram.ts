import type { HistogramReading } from '../../kernel/metric-table.ts';

/** Counts of values by fixed upper bounds. */
export class Histogram implements HistogramReading {
  readonly boundaries: readonly number[];
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(boundaries: readonly number[]) {
    this.boundaries = boundaries;
    this.counts = Array.from({ length: boundaries.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const { boundaries, counts } = this;
    let index = 0;
    while (index < boundaries.length && value > (boundaries[index] ?? 0)) index++;
    counts[index] = (counts[index] ?? 0) + 1;
    this.sum += value;
    this.count++;
  }
}

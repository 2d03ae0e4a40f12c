/**
 * Totals of counters that several sources keep, each from its own beginning: what a source that has gone had counted stays counted. What it
 * counted after it was last read is lost with it.
 */
export class RunningTotals {
  private readonly totals = new Map<string, number>();
  private readonly lastBySource = new Map<number, Map<string, number>>();

  /** `value`: what the source has counted under this name since it began. */
  note(source: number, name: string, value: number): void {
    const last = this.lastBySource.get(source) ?? new Map<string, number>();
    this.lastBySource.set(source, last);
    const before = last.get(name) ?? 0;
    // A part of the source that began anew counts from zero.
    this.totals.set(name, (this.totals.get(name) ?? 0) + (value < before ? value : value - before));
    last.set(name, value);
  }

  /** Forgets what sources that are not named counted last, not what they add up to. */
  keep(sources: readonly number[]): void {
    for (const source of this.lastBySource.keys()) if (!sources.includes(source)) this.lastBySource.delete(source);
  }

  all(): ReadonlyMap<string, number> {
    return this.totals;
  }
}

/** Counts by name. Names are the program's own words, never a stranger's: there are as many as there are. */
export class Tally {
  private readonly counts = new Map<string, number>();

  count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  all(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.counts);
  }
}

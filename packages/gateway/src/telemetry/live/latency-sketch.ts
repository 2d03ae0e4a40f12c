/**
 * How long many calls took, in few numbers: counts by steps that grow by a fiftieth each, so that a quantile is within a hundredth of the true
 * one (DDSketch, https://www.vldb.org/pvldb/vol12/p2195-masson.pdf). The ledger's `quantilesDD(0.01)` is the same.
 */
export class LatencySketch {
  private readonly steps = new Map<number, number>();
  private count = 0;

  /** Microseconds; less than one counts as one. */
  add(us: number): void {
    this.addTo(us <= 1 ? 0 : Math.ceil(Math.log(us) / growth), 1);
  }

  merge(other: LatencySketch): void {
    for (const [step, count] of other.steps) this.addTo(step, count);
  }

  /** Microseconds; null where nothing was counted. */
  quantile(level: number): number | null {
    if (this.count === 0) return null;
    const rank = level * (this.count - 1);
    let seen = 0;
    let last = 0;
    for (const step of [...this.steps.keys()].sort((a, b) => a - b)) {
      last = step;
      seen += this.steps.get(step) ?? 0;
      if (seen > rank) break;
    }
    return middleOf(last);
  }

  private addTo(step: number, count: number): void {
    this.steps.set(step, (this.steps.get(step) ?? 0) + count);
    this.count += count;
  }
}

/** A step reaches from one power of this to the next, in logarithms. */
const gamma = 1.01 / 0.99;
const growth = Math.log(gamma);

/** What is at most a hundredth from all of its step. */
function middleOf(step: number): number {
  return (2 * gamma ** step) / (gamma + 1);
}

import type { RetryData } from '../snapshot/upstream-data.ts';

/** What a server that was well has saved for when it is not. */
const savedMax = 10;

/**
 * Bounds the further tries of a server's calls to a share of its calls, so that a server in trouble is not buried under them. Every
 * call saves a fraction, every further try spends one.
 */
export class RetryBudget {
  private readonly share: number;
  private saved = savedMax;

  constructor({ budgetPercent }: RetryData) {
    this.share = budgetPercent / 100;
  }

  called(): void {
    this.saved = Math.min(savedMax, this.saved + this.share);
  }

  /** True where one more try may be made; it is then spent. */
  spend(): boolean {
    if (this.share === 0 || this.saved < 1) return false;
    this.saved -= 1;
    return true;
  }
}

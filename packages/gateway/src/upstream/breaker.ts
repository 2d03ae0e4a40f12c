import type { Clock } from '../kernel/clock.ts';
import type { BreakerData, TargetReport } from '../snapshot/upstream-data.ts';

const slots = 10;
/** Breakers of many nodes that opened together do not all look again together: up to so much longer. */
const openJitter = 0.2;

/**
 * Keeps calls from a target that fails most of them. Closed: all pass, and the failures of the last window are counted. Open: none
 * passes for a while. Half open: a few pass at a time; the first that ends well closes it, one that fails opens it again.
 *
 * Whoever was let through says once how it went: `succeeded`, `failed` or `withdrawn` (it says nothing about the target).
 */
export class Breaker {
  private readonly rules: BreakerData;
  private readonly clock: Clock;
  private readonly random: () => number;
  /** Calls and failures by slices of the window, as a ring. */
  private readonly calls = new Uint32Array(slots);
  private readonly failures = new Uint32Array(slots);
  private slice = 0;
  /** When it may be tried again; 0 while it is closed. */
  private openUntilMs = 0;
  private probes = 0;

  constructor(rules: BreakerData, clock: Clock, random: () => number = Math.random) {
    this.rules = rules;
    this.clock = clock;
    this.random = random;
  }

  get state(): TargetReport['breaker'] {
    if (this.openUntilMs === 0) return 'closed';
    return this.clock.monotonicMs() < this.openUntilMs ? 'open' : 'half_open';
  }

  /** Whether a call may go to the target now. */
  allows(): boolean {
    return this.openUntilMs === 0 || (this.probes < this.rules.probesMax && this.clock.monotonicMs() >= this.openUntilMs);
  }

  /** Lets a call through that `allows` it; true: it is a probe, which is to be said when it ends. */
  enter(): boolean {
    if (this.openUntilMs === 0) return false;
    this.probes++;
    return true;
  }

  /** Milliseconds until it may be tried again, at least 0. */
  waitMs(): number {
    return Math.max(0, this.openUntilMs - this.clock.monotonicMs());
  }

  succeeded(probe: boolean): void {
    if (probe) {
      this.withdrawn(probe);
      this.close();
    } else if (this.openUntilMs === 0) {
      this.turn();
      this.count(this.calls);
    }
  }

  /** `counted`: its success was told already, when its reply began well. */
  failed(probe: boolean, counted = false): void {
    if (probe) {
      this.withdrawn(probe);
      this.open();
    } else if (this.openUntilMs === 0) {
      this.turn();
      if (!counted) this.count(this.calls);
      this.count(this.failures);
      if (this.isBad()) this.open();
    }
  }

  withdrawn(probe: boolean): void {
    if (probe && this.probes > 0) this.probes--;
  }

  private isBad(): boolean {
    const calls = sum(this.calls);
    return calls >= this.rules.callsMin && sum(this.failures) * 100 >= calls * this.rules.failurePercent;
  }

  private open(): void {
    this.openUntilMs = this.clock.monotonicMs() + this.rules.openMs * (1 + this.random() * openJitter);
  }

  private close(): void {
    this.openUntilMs = 0;
    this.calls.fill(0);
    this.failures.fill(0);
  }

  private count(counts: Uint32Array): void {
    const slot = this.slice % slots;
    counts[slot] = (counts[slot] ?? 0) + 1;
  }

  /** Moves on to the slice of now and forgets those that have left the window. */
  private turn(): void {
    const now = Math.floor(this.clock.monotonicMs() / (this.rules.windowMs / slots));
    for (let passed = Math.min(now - this.slice, slots), slice = now; passed > 0; passed--, slice--) {
      const slot = slice % slots;
      this.calls[slot] = 0;
      this.failures[slot] = 0;
    }
    this.slice = now;
  }
}

function sum(counts: Uint32Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

/** Time as a dependency: tests hand in their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Milliseconds on a clock that never goes back; for durations. */
  monotonicMs(): number;
}

/**
 * A clock whose wall time goes forward only, whatever is done to that of the machine: what has ended stays ended, and what is to end does so
 * no later. Where the machine's was wrong and ahead for a while, this one stays ahead: for expiries and windows, never for what is written down.
 */
export function neverBack(clock: Clock): Clock {
  let aheadMs = -Infinity;
  return {
    nowMs() {
      const monotonicMs = clock.monotonicMs();
      aheadMs = Math.max(aheadMs, clock.nowMs() - monotonicMs);
      return Math.floor(aheadMs + monotonicMs);
    },
    monotonicMs: () => clock.monotonicMs(),
  };
}

export const systemClock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

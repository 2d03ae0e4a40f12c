import { bounds } from '../kernel/bounds.ts';

/** How long somebody who has not answered as they should is not asked again: with each failure in a row twice as long, up to a bound. */
export interface RetryPause {
  /** Until they may be asked; 0: they may be. */
  leftMs(): number;
  /** Whoever asked all the same makes the pause no longer. */
  failed(): void;
  succeeded(): void;
}

/** `nowMs`: by a clock that never goes back. */
export function createRetryPause(nowMs: () => number): RetryPause {
  let failures = 0;
  let untilMs = -Infinity;
  const leftMs = (): number => Math.max(0, untilMs - nowMs());
  return {
    leftMs,
    failed() {
      if (leftMs() === 0) untilMs = nowMs() + Math.min(bounds.outsideRetryMs * 2 ** Math.min(failures++, 16), bounds.outsideRetryMsMax);
    },
    succeeded() {
      failures = 0;
      untilMs = -Infinity;
    },
  };
}

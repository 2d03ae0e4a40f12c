import type { Clock } from '../kernel/clock.ts';

/** How fast something grows that only ever grows. */
export interface Growth {
  note(total: number): void;
  /** A second, over the last minute or as long as it is known; null before that says anything. */
  perSecond(): number | null;
}

const sampleMs = 5_000;
const samplesMax = 13;

export function createGrowth(clock: Pick<Clock, 'monotonicMs'>): Growth {
  const samples: { readonly atMs: number; readonly total: number }[] = [];

  return {
    note(total) {
      const atMs = clock.monotonicMs();
      const last = samples.at(-1);
      if (last !== undefined && atMs - last.atMs < sampleMs) return;
      // What is deleted while it is counted is seen a moment late.
      samples.push({ atMs, total: Math.max(total, last?.total ?? 0) });
      if (samples.length > samplesMax) samples.shift();
    },
    perSecond() {
      const [first] = samples;
      const last = samples.at(-1);
      if (first === undefined || last === undefined || first === last) return null;
      return ((last.total - first.total) * 1000) / (last.atMs - first.atMs);
    },
  };
}

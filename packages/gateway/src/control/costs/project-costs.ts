import { scaleNano } from '../../kernel/nano.ts';

export interface ProjectionInput {
  /** Nano-units: what the days of the period before today have cost. */
  readonly doneNano: bigint;
  /** What today has cost so far; null where today is not in the period. */
  readonly todayNano: bigint | null;
  /** Days of the period behind today. */
  readonly daysAhead: number;
  /** What each of the last seven days before today has cost, from the first day with a call on. */
  readonly lastNano: readonly bigint[];
}

export interface Projection {
  readonly nano: bigint;
  /** As if each day to come cost what the cheapest, and the dearest, of the last days has cost. */
  readonly lowNano: bigint;
  readonly highNano: bigint;
  readonly daysAveraged: number;
}

/** Said beside each projection. */
export const projectionMethod =
  'The days that are over, and for today and each day to come the mean of the last seven days before today; for today at least what it has cost so far. `low` and `high` take the cheapest and the dearest of these days instead of their mean.';

/** What a period will have cost at its end; null where no day is left of it, or none is over to judge by. */
export function projectCosts({ doneNano, todayNano, daysAhead, lastNano }: ProjectionInput): Projection | null {
  if ((todayNano === null && daysAhead === 0) || lastNano.length === 0) return null;
  const sum = lastNano.reduce((total, day) => total + day, 0n);
  const days = BigInt(lastNano.length);
  const most = (one: bigint, other: bigint): bigint => (one > other ? one : other);
  const least = lastNano.reduce((one, other) => (one < other ? one : other));
  const dearest = lastNano.reduce(most);
  const ahead = BigInt(daysAhead);
  const today = (day: bigint): bigint => (todayNano === null ? 0n : most(todayNano, day));
  return {
    nano: doneNano + today(scaleNano(sum, 1n, days)) + scaleNano(sum, ahead, days),
    lowNano: doneNano + today(least) + least * ahead,
    highNano: doneNano + today(dearest) + dearest * ahead,
    daysAveraged: lastNano.length,
  };
}

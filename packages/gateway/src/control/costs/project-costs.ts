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
  /** The same of the last four weeks. */
  readonly spreadNano: readonly bigint[];
}

export interface Projection {
  readonly nano: bigint;
  /** In one of ten cases it is less, in one of ten more than these say. */
  readonly lowNano: bigint;
  readonly highNano: bigint;
  readonly daysAveraged: number;
  readonly daysSpread: number;
}

/** Said beside each projection. */
export const projectionMethod =
  'The days that are over, and for today and each day to come the mean of the last seven days before today; for today at least what it has cost so far. `low` and `high` are the tenth and the ninetieth percentile of that sum: days vary as those of the last four weeks did, by chance and apart from each other, and the mean of seven is as uncertain as that leaves it.';

/** What a period will have cost at its end; null where no day is left of it, or fewer than two are over to judge by. */
export function projectCosts({ doneNano, todayNano, daysAhead, lastNano, spreadNano }: ProjectionInput): Projection | null {
  const days = daysAhead + (todayNano === null ? 0 : 1);
  if (days === 0 || lastNano.length === 0 || spreadNano.length < 2) return null;
  const most = (one: bigint, other: bigint): bigint => (one > other ? one : other);
  const sum = lastNano.reduce((total, day) => total + day, 0n);
  const averaged = BigInt(lastNano.length);
  const spentNano = doneNano + (todayNano ?? 0n);
  const today = todayNano === null ? 0n : most(todayNano, scaleNano(sum, 1n, averaged));
  const nano = doneNano + today + scaleNano(sum, BigInt(daysAhead), averaged);
  const halfNano = halfBandNano(spreadNano, days, lastNano.length);
  return {
    nano,
    // What is spent stays spent.
    lowNano: most(spentNano, nano - halfNano),
    highNano: nano + halfNano,
    daysAveraged: lastNano.length,
    daysSpread: spreadNano.length,
  };
}

/**
 * Half of the interval in which the sum of `days` days lies in eight of ten cases, where it is foreseen by the mean of `averaged` days: its variance is that of the days
 * to come, and that of the mean times their number squared. The usual prediction interval of a sample that is still to be taken.
 */
function halfBandNano(spreadNano: readonly bigint[], days: number, averaged: number): bigint {
  // A band needs no exact decimals.
  const costs = spreadNano.map(Number);
  const mean = costs.reduce((total, cost) => total + cost, 0) / costs.length;
  const variance = costs.reduce((total, cost) => total + (cost - mean) ** 2, 0) / (costs.length - 1);
  return BigInt(Math.round(ninetieth(costs.length - 1) * Math.sqrt(variance * days * (1 + days / averaged))));
}

/** Of Student's distribution with 1, 2, … degrees of freedom: what nine of ten lie below. */
const ninetieths = [
  3.078, 1.886, 1.638, 1.533, 1.476, 1.44, 1.415, 1.397, 1.383, 1.372, 1.363, 1.356, 1.35, 1.345, 1.341, 1.337, 1.333, 1.33, 1.328, 1.325, 1.323, 1.321, 1.319,
  1.318, 1.316, 1.315, 1.314,
] as const;

function ninetieth(freedom: number): number {
  return ninetieths[freedom - 1] ?? 1.282;
}

import { describe, expect, test } from 'vitest';
import { projectCosts, type Projection } from './project-costs.ts';

/** The same days on every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const usd = 1_000_000_000;
const nano = (dollars: number): bigint => BigInt(Math.round(dollars * usd));
const project = (
  days: readonly number[],
  { daysAhead, today = null, done = 0 }: { daysAhead: number; today?: number | null; done?: number },
): Projection | null =>
  projectCosts({
    doneNano: nano(done),
    todayNano: today === null ? null : nano(today),
    daysAhead,
    lastNano: days.slice(-7).map(nano),
    spreadNano: days.slice(-28).map(nano),
  });

/** How often, of many months, the true sum lay below, in and above the band that was foreseen before it. */
function outcomes(day: (random: () => number, weekday: number) => number): { readonly below: number; readonly within: number; readonly above: number } {
  const months = 4000;
  const random = generator(7);
  let [below, above] = [0, 0];
  for (let month = 0; month < months; month += 1) {
    const first = Math.floor(random() * 7);
    const known = 3 + Math.floor(random() * 40);
    const daysAhead = 1 + Math.floor(random() * 30);
    const days = Array.from({ length: known + daysAhead }, (_, index) => day(random, (first + index) % 7));
    const band = project(days.slice(0, known), { daysAhead });
    const truth = nano(days.slice(known).reduce((sum, cost) => sum + cost, 0));
    if (band === null) throw new Error('no band');
    if (truth < band.lowNano) below += 1;
    if (truth > band.highNano) above += 1;
  }
  return { below: below / months, within: 1 - (below + above) / months, above: above / months };
}

describe('the band of a projection', () => {
  test('holds what came in about eight of ten months, with one of ten on each side, where days vary by chance', () => {
    const even = outcomes((random) => 10 + 10 * random());
    expect(even.within).toBeGreaterThan(0.77);
    expect(even.within).toBeLessThan(0.83);
    expect(Math.abs(even.below - even.above)).toBeLessThan(0.03);
  });

  test('holds it as often where few days cost much and most little', () => {
    const { within } = outcomes((random) => 2 / (0.05 + random()));
    expect(within).toBeGreaterThan(0.74);
    expect(within).toBeLessThan(0.9);
  });

  test('holds it more often, never less, where the days of a week differ', () => {
    const { within } = outcomes((random, weekday) => (weekday >= 5 ? 1 : 10) * (0.5 + random()));
    expect(within).toBeGreaterThan(0.8);
  });

  test('is nothing where every day cost the same, and narrows as fewer days are left', () => {
    expect(project([5, 5, 5], { daysAhead: 10 })).toMatchObject({ nano: nano(50), lowNano: nano(50), highNano: nano(50) });
    const width = (daysAhead: number): bigint => {
      const band = project([4, 5, 6, 5, 4, 6, 5], { daysAhead });
      return (band?.highNano ?? 0n) - (band?.lowNano ?? 0n);
    };
    expect([30, 20, 10, 1].map(width).toSorted((a, b) => Number(b - a))).toEqual([30, 20, 10, 1].map(width));
  });

  test('is what the formula gives: two days of 4 and 6, two days to come', () => {
    // Mean 5, variance 2, of the sum 2·2·(1 + 2/2) = 8; of one degree of freedom nine of ten lie below 3.078.
    const half = nano(3.078 * Math.sqrt(8));
    expect(project([4, 6], { daysAhead: 2, done: 100 })).toEqual({
      nano: nano(110),
      lowNano: nano(110) - half,
      highNano: nano(110) + half,
      daysAveraged: 2,
      daysSpread: 2,
    });
  });

  test('never says less than is spent already', () => {
    expect(project([0, 0, 0, 30], { daysAhead: 20, today: 3, done: 40 })?.lowNano).toBe(nano(43));
  });
});

describe('a projection', () => {
  test('takes the mean of the last seven days for each day to come, and for today at least what it has cost', () => {
    const days = [100, 100, 7, 7, 7, 7, 7, 7, 7];
    expect(project(days, { daysAhead: 3, today: 2, done: 50 })?.nano).toBe(nano(50 + 7 + 21));
    expect(project(days, { daysAhead: 3, today: 9, done: 50 })?.nano).toBe(nano(50 + 9 + 21));
  });

  test('is none of a period that is over, and none by a single day', () => {
    expect(project([1, 2, 3], { daysAhead: 0 })).toBeNull();
    expect(project([1], { daysAhead: 3 })).toBeNull();
    expect(project([], { daysAhead: 3, today: 1 })).toBeNull();
  });
});

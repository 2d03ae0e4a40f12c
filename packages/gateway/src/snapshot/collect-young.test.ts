import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { createYoungCollector, youngBytes } from './collect-young.ts';

const MiB = 1024 * 1024;

test('what lives short is collected when so much of it has come together, and not before', () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as NonNullable<typeof globalThis.gc>;
  const collectYoung = createYoungCollector(gc, MiB);
  // Nothing is there that is younger than two collections.
  for (let times = 0; times < 3; times++) gc({ type: 'minor' });
  expect(collectYoung()).toBe(false);
  let made: unknown = null;
  for (let times = 0; youngBytes() <= MiB && times < 1_000; times++) made = Array.from({ length: 1_000 }, (_, index) => ({ index }));
  expect([collectYoung(), made !== null, youngBytes() < MiB]).toEqual([true, true, true]);
});

test('where nobody can ask for a collection nothing is done', () => {
  expect(createYoungCollector(undefined, 0)()).toBe(false);
});

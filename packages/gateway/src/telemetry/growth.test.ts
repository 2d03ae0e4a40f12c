import { expect, test } from 'vitest';
import { createGrowth } from './growth.ts';

test('growth is that of the last minute, known from the second sample on', () => {
  let now = 0;
  const growth = createGrowth({ monotonicMs: () => now });
  growth.note(1_000);
  expect(growth.perSecond()).toBeNull();
  now = 4_000;
  growth.note(50_000);
  expect(growth.perSecond()).toBeNull();
  for (now = 5_000; now <= 300_000; now += 5_000) growth.note(1_000 + now * 2);
  expect(growth.perSecond()).toBe(2_000);
  // It stops growing: after a minute nothing else is known of it.
  const whole = 1_000 + 300_000 * 2;
  for (; now <= 370_000; now += 5_000) growth.note(whole);
  expect(growth.perSecond()).toBe(0);
});

test('a total that seems to shrink for a moment does not', () => {
  let now = 0;
  const growth = createGrowth({ monotonicMs: () => now });
  for (const total of [100, 10, 100]) {
    growth.note(total);
    now += 5_000;
  }
  expect(growth.perSecond()).toBe(0);
});

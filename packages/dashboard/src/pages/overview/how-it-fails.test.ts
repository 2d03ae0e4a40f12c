import { expect, test } from 'vitest';
import { howItFails } from './how-it-fails.ts';

const of = (...failed: readonly (number | null)[]): ReturnType<typeof howItFails> =>
  howItFails({ start_times: failed.map((_, index) => `t${index}`), groups: [{ series: { error_percent: failed } }] });

test('a server is failing since the first step behind the last that was well, whatever silence lies between', () => {
  expect(of(0, 0, 50, null, 100, null)).toEqual({ isOver: false, since: 't2' });
  expect(of(100, 0, null, 30)).toEqual({ isOver: false, since: 't3' });
});

test('it was failing where its last calls were well; since when is not known of one that always failed', () => {
  expect(of(100, 100, 0, null)).toEqual({ isOver: true, since: null });
  expect(of(100, null, 100)).toEqual({ isOver: false, since: null });
  expect(of(null, null)).toBeNull();
});

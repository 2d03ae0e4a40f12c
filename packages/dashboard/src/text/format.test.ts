import { expect, test } from 'vitest';
import { durationText, meanCountText } from './format.ts';

test('a mean of counts keeps a digit where it is small, and is nothing only where it is', () => {
  expect([0, 0.04, 0.4, 2.25, 9.96, 1234.5].map(meanCountText)).toEqual(['0', '< 0.1', '0.4', '2.3', '10', '1,235']);
});

test('times have three digits and a unit', () => {
  expect([0, 0.41, 4.2, 9.97, 812, 1240, 200_000].map(durationText)).toEqual(['0 ms', '0.41 ms', '4.2 ms', '10 ms', '812 ms', '1.24 s', '3:20 min']);
});

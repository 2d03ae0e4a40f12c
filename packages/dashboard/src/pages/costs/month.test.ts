import { expect, test } from 'vitest';
import { monthAfter, monthOf, monthText } from './month.ts';

test('a month is its days, also in February of a leap year and over the turn of a year', () => {
  expect(monthOf('2028-02')).toEqual({ name: '2028-02', start_date: '2028-02-01', end_date: '2028-02-29' });
  expect(monthOf('2026-12').end_date).toBe('2026-12-31');
  expect([monthAfter('2026-12', 1), monthAfter('2026-01', -1), monthAfter('2026-11', 0)]).toEqual(['2027-01', '2025-12', '2026-11']);
  expect(monthText('2026-11')).toBe('November 2026');
});

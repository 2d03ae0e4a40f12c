import { expect, test } from 'vitest';
import { fitted } from './data-table.tsx';

test('columns without room are left out, the lowest rank first and of one rank from the right, and one always stays', () => {
  const columns = [
    { id: 'time', track: '72px', rank: 2 },
    { id: 'what', track: 'minmax(160px, 2fr)', rank: 2 },
    { id: 'cost', track: '84px' },
    { id: 'status', track: 'minmax(120px, 1fr)', rank: 1 },
    { id: 'team', track: 'minmax(80px, 1fr)' },
  ];
  const ids = (widthPx: number): string =>
    fitted(columns, widthPx)
      .map(({ id }) => id)
      .join(' ');
  expect(ids(604)).toBe('time what cost status team');
  expect(ids(603)).toBe('time what cost status');
  expect(ids(500)).toBe('time what status');
  expect(ids(300)).toBe('time what');
  expect(ids(10)).toBe('time');
});

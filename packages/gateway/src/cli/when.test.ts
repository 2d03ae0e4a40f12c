import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { parseCount, parseDay, parseWhen } from './when.ts';

const now = Date.UTC(2026, 10, 21, 12);

describe('a time', () => {
  test.each([
    ['90d', 1, '2027-02-19T12:00:00.000Z'],
    ['15m', -1, '2026-11-21T11:45:00.000Z'],
    ['now', -1, '2026-11-21T12:00:00.000Z'],
    ['2026-11-21', -1, '2026-11-21T00:00:00.000Z'],
    ['2026-11-21T10:30', -1, '2026-11-21T10:30:00.000Z'],
    ['2026-11-21T10:30:00+02:00', -1, '2026-11-21T08:30:00.000Z'],
    ['2026-11-21T10:30:00.5Z', -1, '2026-11-21T10:30:00.500Z'],
  ] as const)('%s is read', (text, direction, iso) => expect(new Date(parseWhen(text, now, direction, '--since')).toISOString()).toBe(iso));

  test.each(['', 'yesterday', '2026-13-01', '2026-11-21 10:30', '90', '-1d', '999999999d', '10000-01-01', '1'])(
    '%j is refused by the name of its option',
    (text) => {
      expect(() => parseWhen(text, now, -1, '--since')).toThrow(/--since must be/);
    },
  );

  test('no text gives a time that has no name', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^\d{1,4}[dhms]$/), fc.stringMatching(/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}Z?)?$/)),
        fc.constantFrom(1 as const, -1 as const),
        (text, direction) => {
          try {
            return new Date(parseWhen(text, now, direction, '--since')).toISOString().length === 24;
          } catch (error) {
            return error instanceof Fault && error.code === 'usage';
          }
        },
      ),
    );
  });
});

test('a day that is in no calendar is refused', () => {
  expect(parseDay('2028-02-29', '--from')).toBe('2028-02-29');
  for (const text of ['2027-02-29', '2026-2-1', '2026-11-31', 'today', '']) expect(() => parseDay(text, '--from')).toThrow(/--from/);
});

test('a count is whole and within its bounds', () => {
  expect(parseCount('200', 1, 200, '--limit')).toBe(200);
  for (const text of ['0', '201', '1.5', '-1', '1e2', '', ' 1']) expect(() => parseCount(text, 1, 200, '--limit')).toThrow(/--limit/);
});

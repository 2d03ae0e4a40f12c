import { expect, test } from 'vitest';
import { readSpokenRange } from './spoken-range.ts';

/** A Saturday. */
const now = Date.parse('2026-11-28T12:10:00Z');

test.each([
  ['yesterday', '2026-11-27T00:00', '2026-11-28T00:00'],
  ['today', '2026-11-28T00:00', '2026-11-28T12:10'],
  ['Friday', '2026-11-27T00:00', '2026-11-28T00:00'],
  ['last friday 14:00 to 16:00', '2026-11-27T14:00', '2026-11-27T16:00'],
  ['yesterday 9am to 11am', '2026-11-27T09:00', '2026-11-27T11:00'],
  ['since monday', '2026-11-23T00:00', '2026-11-28T12:10'],
  ['from 9 to 10', '2026-11-28T09:00', '2026-11-28T10:00'],
  ['2 hours ago', '2026-11-28T10:10', '2026-11-28T12:10'],
  ['last week', '2026-11-21T12:10', '2026-11-28T12:10'],
  ['march 2026', '2026-03-01T00:00', '2026-04-01T00:00'],
  ['nov 3 - nov 5', '2026-11-03T00:00', '2026-11-06T00:00'],
  ['2026-11-01', '2026-11-01T00:00', '2026-11-02T00:00'],
])('%s is understood, as what was', (text, from, to) => {
  expect(readSpokenRange(text, 'utc', now)).toEqual({ from: `${from}:00.000Z`, to: `${to}:00.000Z` });
});

test('what lies ahead is the last of its kind where it says no year, and refused where it does', () => {
  expect(readSpokenRange('dec 24', 'utc', now)).toEqual({ from: '2025-12-24T00:00:00.000Z', to: '2025-12-25T00:00:00.000Z' });
  expect(readSpokenRange('23:00 to 23:30', 'utc', now)).toEqual({ from: '2026-11-27T23:00:00.000Z', to: '2026-11-27T23:30:00.000Z' });
  expect(readSpokenRange('2027-01-01', 'utc', now)).toEqual({ problem: expect.stringContaining('future') });
  expect(readSpokenRange('tomorrow', 'utc', now)).toEqual({ problem: expect.stringContaining('future') });
});

test.each(['', 'nonsense', 'yesterday for all of payments', 'yesterday and tuesday and friday'])(
  '%j is refused with examples, never half understood',
  (text) => {
    expect(readSpokenRange(text, 'utc', now)).toEqual({ problem: expect.stringContaining('yesterday, last friday') });
  },
);

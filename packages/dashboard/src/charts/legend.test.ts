import { expect, test } from 'vitest';
import { csvOf } from './chart-file.ts';
import { nearest, sortedLegend } from './legend.ts';

const lines = [
  { label: 'p50', values: [1, null, 3] },
  { label: 'p95', values: [9, 6, null] },
  { label: 'none', values: [null, null, null] },
];

test('a legend says the last, the mean and the most of what is known, and of a line without a figure nothing', () => {
  expect(sortedLegend(lines, null).map(({ last, mean, most }) => [last, mean, most])).toEqual([
    [3, 2, 3],
    [6, 7.5, 9],
    [null, null, null],
  ]);
});

test('it is sorted by what is asked for, most first; what is not known stands last', () => {
  expect(sortedLegend(lines, 'most').map(({ line }) => line.label)).toEqual(['p95', 'p50', 'none']);
  expect(sortedLegend(lines, 'last').map(({ line }) => line.label)).toEqual(['p95', 'p50', 'none']);
});

test('of several marks the cursor is at the nearest', () => {
  expect(nearest([10, 20, 30], (x) => Math.abs(x - 23))).toEqual({ item: 20, distance: 3 });
  expect(nearest([], () => 0)).toBeUndefined();
});

test('a chart as CSV has a row for each step, and nothing where nothing is known', () => {
  expect(
    csvOf(
      [0, 60],
      [lines[0], lines[1]].flatMap((line) => line ?? []),
    ),
  ).toBe('time,p50,p95\r\n1970-01-01T00:00:00.000Z,1,9\r\n1970-01-01T00:01:00.000Z,,6\r\n');
});

test('a name in a CSV neither ends its column nor is a formula', () => {
  expect(csvOf([0], [{ label: '=1+1, "two"', values: [1] }])).toBe(`time,"'=1+1, ""two"""\r\n1970-01-01T00:00:00.000Z,1\r\n`);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { durationText } from '../kernel/duration-text.ts';
import { parseDuration, parseSize, sizeText } from './quantities.ts';

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['90d', 7_776_000_000],
    ['0s', 0],
  ])('%s is %i ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', '30', 's', '1.5h', '-1s', '1 s', '1S', '30sec', '1e3s', '0x1s', '٣s', ' 1s', '1s\n', '999999999999999d'])('%j is none', (text) =>
    expect(parseDuration(text)).toBeNull(),
  );

  test('every number of milliseconds is read as it was written', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 10 ** 14 }), (ms) => parseDuration(durationText(ms)) === ms));
  });
});

describe('sizes', () => {
  test.each([
    ['0B', 0],
    ['512B', 512],
    ['4KiB', 4096],
    ['4MiB', 4_194_304],
    ['1GiB', 1_073_741_824],
  ])('%s is %i bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(['', '4', '4MB', '4M', '4 MiB', '-4MiB', '4.5MiB', '4mib', '999999999999999GiB'])('%j is none', (text) => expect(parseSize(text)).toBeNull());

  test('every number of bytes is read as it was written', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 10 ** 14 }), (bytes) => parseSize(sizeText(bytes)) === bytes));
  });
});

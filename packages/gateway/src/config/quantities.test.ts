import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { durationText } from '../kernel/duration-text.ts';
import { nanoMax, parseDuration, parseNano, parseSize, sizeText } from './quantities.ts';

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

describe('money', () => {
  test.each([
    ['0.00001', 10_000n],
    ['1e-5', 10_000n],
    ['0.000000001', 1n],
    ['.5', 500_000_000n],
    ['1.', 1_000_000_000n],
    ['0.1', 100_000_000n],
    ['0', 0n],
    ['0e999', 0n],
    ['1.10000000000', 1_100_000_000n],
    ['9007199.254740991', nanoMax],
    ['1.5e3', 1_500_000_000_000n],
  ])('%s is %s nano', (text, nano) => expect(parseNano(text)).toBe(nano));

  test.each(['-1', '0.0000000001', '1e-10', '9007199.254740992', '1e999', '', '.', 'e1', 'abc', '1,5', '0x10', '1_000', 'Infinity', 'NaN', '1 '])(
    '%j is none',
    (text) => {
      expect(typeof parseNano(text)).toBe('string');
    },
  );

  test('every amount that can be held is read exactly as it was written', () => {
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: nanoMax }), (nano) => parseNano(decimalText(nano)) === nano));
  });

  test('no text makes the reader throw or slow', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.eE+-]{0,40}$/)), (text) => ['bigint', 'string'].includes(typeof parseNano(text))));
  });
});

function decimalText(nano: bigint): string {
  const digits = nano.toString().padStart(10, '0');
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nanoMax, nanoOf, nanoText, parseNano, scaleNano } from './nano.ts';

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

  test('every amount is written as the shortest decimal that is read as it', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: nanoMax }), (nano) => {
        const text = nanoText(nano);
        expect(parseNano(text)).toBe(nano);
        expect(text).not.toMatch(/\.\d*0$|\.$/);
      }),
    );
    expect([nanoText(0n), nanoText(1n), nanoText(-1_500_000_000n), nanoText(10n ** 27n)]).toEqual(['0', '0.000000001', '-1.5', '1000000000000000000']);
  });

  test('what a store gives is read exactly, of any size', () => {
    fc.assert(fc.property(fc.bigInt({ min: -(10n ** 36n), max: 10n ** 36n }), (nano) => nanoOf(nanoText(nano)) === nano));
    expect(() => nanoOf('1e5')).toThrow(RangeError);
  });

  test('a share is the nearest amount, halves away from zero', () => {
    expect([scaleNano(10n, 1n, 3n), scaleNano(5n, 1n, 2n), scaleNano(-5n, 1n, 2n), scaleNano(7n, 2n, 7n)]).toEqual([3n, 3n, -3n, 2n]);
  });

  test('no text makes the reader throw or slow', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.eE+-]{0,40}$/)), (text) => ['bigint', 'string'].includes(typeof parseNano(text))));
  });
});

function decimalText(nano: bigint): string {
  const digits = nano.toString().padStart(10, '0');
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nanoMax } from '../kernel/nano.ts';
import { CallRecord } from './call-record.ts';
import { priceCall, timeNano } from './price-call.ts';

const price = { perCall: 1_000_000, perTokenInput: 10_000, perTokenOutput: 30_000, perSecond: 0, by: 'tool', version: 7 } as const;

test('a call costs its price per call and per token, exactly, and names the version of the list', () => {
  const record = new CallRecord(1, 0);
  record.inputTokens = 1_234_567;
  record.outputTokens = 7;
  priceCall(record, price);
  expect([record.costNano, record.pricedBy, record.priceVersion, record.endedAt]).toEqual([1_000_000 + 12_345_670_000 + 210_000, 'tool', 7, 0]);
});

test('absurd token figures of a tool give the largest exact amount, never one that cannot be stored', () => {
  const record = new CallRecord(1, 0);
  record.inputTokens = 0xffffffff;
  record.outputTokens = 0xffffffff;
  priceCall(record, { ...price, perTokenInput: Number.MAX_SAFE_INTEGER, perTokenOutput: Number.MAX_SAFE_INTEGER });
  expect(record.costNano).toBe(Number.MAX_SAFE_INTEGER);
});

test('the time that is priced is the time that is recorded', () => {
  const record = new CallRecord(1, performance.now() - 1500.25);
  priceCall(record, { ...price, perSecond: 1_000_000 });
  // One nano-dollar a microsecond: the cost shows the duration.
  expect(record.costNano).toBe(1_000_000 + Math.round((record.endedAt - record.startedAt) * 1000));
});

describe('for any prices and figures', () => {
  const amount = fc.oneof(
    fc.constantFrom(0, 1, 999_999, 1_000_000, 1_000_001, Number.MAX_SAFE_INTEGER),
    fc.integer({ min: 0, max: 10 ** 9 }),
    fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  );
  const tokens = fc.oneof(fc.constantFrom(0, 1, 0xffffffff), fc.integer({ min: 0, max: 100_000 }));
  const least = (nano: bigint): number => Number(nano > nanoMax ? nanoMax : nano);

  test('the cost is that of integer arithmetic without bounds, up to the largest amount', () => {
    fc.assert(
      fc.property(amount, amount, amount, tokens, tokens, (perCall, perTokenInput, perTokenOutput, input, output) => {
        const record = new CallRecord(1, 0);
        record.inputTokens = input;
        record.outputTokens = output;
        priceCall(record, { ...price, perCall, perTokenInput, perTokenOutput });
        expect(record.costNano).toBe(least(BigInt(perCall) + BigInt(perTokenInput) * BigInt(input) + BigInt(perTokenOutput) * BigInt(output)));
      }),
      { numRuns: 2000 },
    );
  });

  test('the share of seconds is the nearest nano-dollar, halves up', () => {
    fc.assert(
      fc.property(amount, fc.oneof(fc.integer({ min: 0, max: 10_000_000 }), fc.integer({ min: 0, max: 10 ** 12 })), (perSecond, durationUs) => {
        const exact = (BigInt(perSecond) * BigInt(durationUs) + 500_000n) / 1_000_000n;
        const found = timeNano(perSecond, durationUs);
        if (exact <= nanoMax) expect(found).toBe(Number(exact));
        else expect(found).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
      }),
      { numRuns: 2000 },
    );
  });
});

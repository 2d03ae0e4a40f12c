import { expect, test } from 'vitest';
import { CallRecord } from './call-record.ts';
import { priceCall } from './price-call.ts';

const price = { perCall: 1_000_000, perTokenInput: 10_000, perTokenOutput: 30_000, by: 'tool' } as const;

test('a call costs its price per call and per token, exactly', () => {
  const record = new CallRecord(1, 0);
  record.inputTokens = 1_234_567;
  record.outputTokens = 7;
  priceCall(record, price);
  expect([record.costNano, record.pricedBy]).toEqual([1_000_000 + 12_345_670_000 + 210_000, 'tool']);
});

test('absurd token figures of a tool give the largest exact amount, never one that cannot be stored', () => {
  const record = new CallRecord(1, 0);
  record.inputTokens = 0xffffffff;
  record.outputTokens = 0xffffffff;
  priceCall(record, { ...price, perTokenInput: Number.MAX_SAFE_INTEGER, perTokenOutput: Number.MAX_SAFE_INTEGER });
  expect(record.costNano).toBe(Number.MAX_SAFE_INTEGER);
});

import { expect, test } from 'vitest';
import { createMemoryTokens } from './memory-tokens.ts';

test('more buckets than the bound cost only the one unused for longest', async () => {
  const tokens = createMemoryTokens(2);
  const rule = { limit: 5, windowMs: 1000, burst: 0 };
  for (const bucket of ['a', 'b', 'a', 'c']) await tokens.takeTokens(bucket, rule, 1, 1_000_000);
  expect((await tokens.takeTokens('a', rule, 0, 1_000_000)).remaining).toBe(3);
  expect((await tokens.takeTokens('b', rule, 0, 1_000_000)).remaining).toBe(5);
});

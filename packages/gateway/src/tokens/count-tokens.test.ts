import { countTokens as countWhole } from 'gpt-tokenizer/encoding/o200k_base';
import { expect, test } from 'vitest';
import { countTokens } from './count-tokens.ts';

test('texts have as many tokens as the vocabulary says, long ones too', async () => {
  expect(await countTokens('')).toBe(0);
  expect(await countTokens('hello world')).toBe(2);
  const long = 'The quick brown fox jumps over the lazy dog, 12 times. '.repeat(400);
  expect(await countTokens(long)).toBe(countWhole(long));
});

test('what looks like a special token is text, and half a character is counted', async () => {
  expect(await countTokens('<|endoftext|>')).toBeGreaterThan(1);
  expect(await countTokens('\ud800')).toBeGreaterThan(0);
});

test('a text without any space takes time by its length', async () => {
  const time = async (length: number): Promise<number> => {
    const from = performance.now();
    await countTokens('🐟'.repeat(length / 2));
    return performance.now() - from;
  };
  await time(20_000);
  const [short, long] = [await time(20_000), await time(160_000)];
  // Eight times the text: by its square it would take 64 times as long.
  expect(long).toBeLessThan(Math.max(short, 20) * 32);
}, 120_000);

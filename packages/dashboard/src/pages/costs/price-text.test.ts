import { expect, test } from 'vitest';
import { amountText, changesText, forText, isPriced, nameOf, placeOf, type Price, widerAmount } from './price-text.ts';

const price = (name: string, spec: Price['spec']): Price => ({ name, spec, currency: 'USD', source: 'registry', file: null, line: null, version: 1 });

test('a price is named for what it prices, and the name leads back to it', () => {
  expect(['default', 'search', 'search/query', 'files/dir/read'].map(forText)).toEqual([
    'all other calls',
    'search, every tool',
    'search · query',
    'files · dir/read',
  ]);
  for (const name of ['search', 'search/query', 'files/dir/read']) expect(nameOf(...placeOf(name))).toBe(name);
  expect(nameOf('', '')).toBe('default');
});

test('no decimal of an amount is cut, and none is added', () => {
  expect([0.002, 0.000000001, 3, 0].map((amount) => amountText(amount, 'EUR'))).toEqual(['0.002 EUR', '0.000000001 EUR', '3 EUR', '0 EUR']);
});

test('what a price leaves out is that of the next wider one', () => {
  const prices = [price('default', { per_call: 1, per_second: 3 }), price('search', { per_call: 2 }), price('search/query', {})];
  expect(widerAmount(prices, 'search/query', 'per_call')).toEqual({ amount: 2, from: 'search' });
  expect(widerAmount(prices, 'search/query', 'per_second')).toEqual({ amount: 3, from: 'default' });
  expect(widerAmount(prices, 'search', 'per_call')).toEqual({ amount: 1, from: 'default' });
  expect(widerAmount(prices, 'search', 'per_token_input')).toBeNull();
  expect(widerAmount(prices, 'default', 'per_call')).toBeNull();
});

test('a tool has a price where anything prices it, and none by entries that say nothing', () => {
  expect(isPriced([price('default', {}), price('search', { per_call: 0 })], 'search/query')).toBe(true);
  expect(isPriced([price('default', {}), price('search', { per_call: 0 })], 'mail/send')).toBe(false);
  expect(isPriced([price('default', { per_second: 1 })], 'mail/send')).toBe(true);
});

test('two lists differ in what was added, changed and taken away', () => {
  const before = { default: { per_call: 1 }, overrides: [{ server: 'search', tool: null, per_call: 2 }] };
  const after = { default: { per_call: 1 }, overrides: [{ server: 'search', tool: 'query', per_call: 0.1, per_second: 3 }] };
  expect(changesText(after, before)).toEqual(['search, every tool: per call 2 → none', 'search · query: per call none → 0.1, per second none → 3']);
  expect(changesText(before, null)).toEqual(['all other calls: per call none → 1', 'search, every tool: per call none → 2']);
  expect(changesText(after, after)).toEqual([]);
});

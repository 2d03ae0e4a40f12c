import { expect, test } from 'vitest';
import { exactMoneyText, moneyText } from './say.ts';

test('money has two decimals from one on and four below; where it must be exact, all that it has', () => {
  expect([12.345, 1, 0.5, 0.00005].map((amount) => moneyText(amount))).toEqual(['$12.35', '$1.00', '$0.5000', '$0.0001']);
  expect([12.345, 1, 0.5, 0.00005, 0.000000001, 0].map((amount) => exactMoneyText(amount))).toEqual([
    '$12.345',
    '$1.00',
    '$0.5000',
    '$0.00005',
    '$0.000000001',
    '$0.0000',
  ]);
  expect(exactMoneyText(0.00005, 'EUR')).toBe('0.00005 EUR');
});

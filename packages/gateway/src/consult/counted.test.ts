import { expect, test } from 'vitest';
import type { Question } from './consultant.ts';
import { createCountedConsultant } from './counted.ts';
import type { Opinion } from './opinion.ts';

test('answers are counted by what they say, and the engine is failing while the last question had none', async () => {
  let opinion: Opinion = { decision: 'allow', decisionId: 'd' };
  const consultant = createCountedConsultant({ name: 'opa:a/b', ask: async () => opinion, close: async () => undefined });
  const failing: unknown[] = [];
  const none = (reason: 'timeout' | 'too_large' | 'undefined'): Opinion => ({ decision: 'none', decisionId: '', reason });
  for (opinion of [opinion, none('timeout'), none('too_large'), none('undefined'), { decision: 'deny', decisionId: 'd', reason: null } as const]) {
    expect(await consultant.ask({} as Question)).toBe(opinion);
    failing.push(consultant.report().failing);
  }
  expect(failing).toEqual([null, 'timeout', 'timeout', null, null]);
  const { opinions, failures, seconds, secondsTotal } = consultant.report();
  expect({ opinions, failures }).toEqual({ opinions: { allow: 1, deny: 1, hold: 0, none: 3 }, failures: { timeout: 1, too_large: 1, undefined: 1 } });
  expect([seconds.reduce((sum, one) => sum + one, 0), secondsTotal >= 0]).toEqual([5, true]);
});

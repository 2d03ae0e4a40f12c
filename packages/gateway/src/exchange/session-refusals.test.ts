import { expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { bounds } from '../kernel/bounds.ts';
import { createSessionRefusals, refusedSession, sessionRefusalOf, type SessionRefusal } from './session-refusals.ts';

test('refusals are told once a second, counted by reason, key and address; a flood of addresses is counted under no name', async () => {
  const told: (readonly SessionRefusal[])[] = [];
  const refusals = createSessionRefusals((taken) => told.push(taken));
  const keyOf = (keyId: string) => ({ keyId, organizationId: 'org_a' });
  for (let index = 0; index < 1_000; index++) refusals.note('forged', keyOf('key_a'), `10.0.0.${index % 200}`);
  refusals.note('foreign', keyOf('key_b'), '10.0.0.1');
  await until(() => told.length > 0, { timeoutMs: 30_000 });
  expect(told).toHaveLength(1);
  const [first = []] = told;
  expect(first.length).toBeLessThanOrEqual(bounds.signInCallersMax + 2);
  expect(first.reduce((sum, { count }) => sum + count, 0)).toBe(1_001);
  expect(first.filter(({ peer }) => peer === '')).toEqual([
    { reason: 'forged', subject: '', organizationId: '', peer: '', count: 1_000 - bounds.signInCallersMax * 5 },
    { reason: 'foreign', subject: '', organizationId: '', peer: '', count: 1 },
  ]);
});

test('the caller hears no more than that there is no such session', () => {
  const fault = refusedSession('foreign');
  expect([fault.code, sessionRefusalOf(fault), fault.message]).toEqual(['session_not_found', 'foreign', 'The session is unknown or has ended.']);
});

import { describe, expect, test } from 'vitest';
import { bridgeLimits } from './bridge-options.ts';
import { restartPolicy } from './restart-policy.ts';

function policyAt() {
  let now = 0;
  const policy = restartPolicy(bridgeLimits({ processes: 'session' }), { nowMs: () => now, monotonicMs: () => now });
  return { policy, pass: (ms: number) => (now += ms) };
}

describe('restartPolicy', () => {
  test('P1: waits 1, 2, 4, 8 s and is a quarantine at the fifth failure within a minute', () => {
    const { policy, pass } = policyAt();
    const waits: number[] = [];
    for (let failure = 1; failure <= 4; failure++) {
      expect(policy.failed()).toBe('back_off');
      waits.push(policy.waitMs());
      pass(policy.waitMs());
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000]);
    expect(policy.quarantined).toBe(false);
    expect(policy.failed()).toBe('quarantine_began');
    expect(policy.quarantined).toBe(true);
    expect(policy.waitMs()).toBe(60_000);
  });

  test('P1: a quarantine goes on with a longer pause after a failed try, and one success ends it', () => {
    const { policy, pass } = policyAt();
    for (let failure = 1; failure <= 5; failure++) policy.failed();
    pass(60_000);
    expect(policy.waitMs()).toBe(0);
    expect(policy.failed()).toBe('quarantine_goes_on');
    expect(policy.waitMs()).toBe(120_000);
    for (let failure = 1; failure <= 10; failure++) policy.failed();
    expect(policy.waitMs()).toBe(900_000);
    policy.succeeded();
    expect([policy.quarantined, policy.waitMs()]).toEqual([false, 0]);
    policy.failed();
    expect(policy.waitMs()).toBe(1000);
  });

  test('P1: a server that answers a trial but fails in use comes back to a longer pause', () => {
    const { policy, pass } = policyAt();
    for (let failure = 1; failure <= 5; failure++) policy.failed();
    pass(60_000);
    policy.reopened();
    expect([policy.quarantined, policy.waitMs()]).toEqual([false, 0]);
    for (let failure = 1; failure <= 5; failure++) policy.failed();
    expect([policy.quarantined, policy.waitMs()]).toEqual([true, 120_000]);
    policy.reopened();
    policy.succeeded();
    for (let failure = 1; failure <= 5; failure++) policy.failed();
    expect(policy.waitMs()).toBe(60_000);
  });

  test('failures far apart never are a quarantine, and the wait ends at a minute', () => {
    const { policy, pass } = policyAt();
    for (let failure = 1; failure <= 12; failure++) {
      expect(policy.failed()).toBe('back_off');
      pass(policy.waitMs() + 15_000);
    }
    policy.failed();
    expect(policy.waitMs()).toBe(60_000);
  });
});

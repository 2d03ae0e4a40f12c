import { beforeEach, describe, expect, test } from 'vitest';
import { Breaker } from './breaker.ts';

let nowMs = 0;
const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
const rules = { failurePercent: 50, callsMin: 20, windowMs: 10_000, openMs: 10_000, probesMax: 1 };
let breaker: Breaker;
beforeEach(() => {
  nowMs = 50_000;
  breaker = new Breaker(rules, clock, () => 0);
});

function fail(times: number): void {
  for (let n = 0; n < times; n++) breaker.failed(breaker.enter());
}
function succeed(times: number): void {
  for (let n = 0; n < times; n++) breaker.succeeded(breaker.enter());
}

describe('closed', () => {
  test('U3: opens at half of twenty calls in ten seconds, and not before', () => {
    succeed(10);
    fail(9);
    expect(breaker.state).toBe('closed');
    fail(1);
    expect([breaker.state, breaker.allows(), breaker.waitMs()]).toEqual(['open', false, 10_000]);
  });

  test('few calls never open it, however many of them fail', () => {
    fail(19);
    expect(breaker.allows()).toBe(true);
  });

  test('what has left the window no longer counts', () => {
    fail(19);
    nowMs += 10_000;
    fail(1);
    expect(breaker.state).toBe('closed');
    // Part of it: the calls of nine seconds ago count, those of eleven do not.
    nowMs += 9_000;
    fail(18);
    expect(breaker.state).toBe('closed');
    nowMs += 900;
    fail(1);
    expect(breaker.state).toBe('open');
  });

  test('a reply that began well and broke off is one failed call', () => {
    for (let n = 0; n < 20; n++) {
      breaker.succeeded(false);
      if (n % 2 === 1) breaker.failed(false, true);
    }
    expect(breaker.state).toBe('open');
  });

  test('what a caller broke off says nothing', () => {
    for (let n = 0; n < 100; n++) breaker.withdrawn(breaker.enter());
    expect(breaker.state).toBe('closed');
  });
});

describe('open', () => {
  beforeEach(() => fail(20));

  test('lets one probe through when its time is over; one that ends well closes it, with nothing remembered', () => {
    nowMs += 9_999;
    expect(breaker.allows()).toBe(false);
    nowMs += 1;
    expect([breaker.state, breaker.allows()]).toEqual(['half_open', true]);
    const probe = breaker.enter();
    expect([probe, breaker.allows()]).toEqual([true, false]);
    breaker.succeeded(probe);
    expect([breaker.state, breaker.allows()]).toEqual(['closed', true]);
    fail(19);
    expect(breaker.state).toBe('closed');
  });

  test('a probe that fails opens it for as long again', () => {
    nowMs += 10_000;
    breaker.failed(breaker.enter());
    expect([breaker.state, breaker.waitMs()]).toEqual(['open', 10_000]);
  });

  test('a probe that a caller broke off makes room for another', () => {
    nowMs += 10_000;
    breaker.withdrawn(breaker.enter());
    expect(breaker.allows()).toBe(true);
  });

  test('calls that were under way when it opened change nothing', () => {
    breaker.succeeded(false);
    breaker.failed(false);
    expect([breaker.state, breaker.waitMs()]).toEqual(['open', 10_000]);
  });
});

test('breakers that opened together look again at different times', () => {
  const late = new Breaker(rules, clock, () => 1);
  for (let n = 0; n < 20; n++) late.failed(false);
  expect(late.waitMs()).toBe(12_000);
});

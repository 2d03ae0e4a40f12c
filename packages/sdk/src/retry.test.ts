import { describe, expect, test } from 'vitest';
import { ConnectionError, UnreadableAnswerError, UsageError } from './errors.ts';
import { faultError } from './read-fault.ts';
import { retryWaitMs, type Safety } from './retry.ts';

function fault(code: string, status: number, retryAfterMs: number | null = null): Error {
  return faultError(code, code, { status, retryAfterMs, fix: '', docs: null, requestId: null, traceId: null, details: {} });
}

const safeties: readonly Safety[] = ['read', 'keyed', 'write'];

describe('a request is sent again only where that is safe', () => {
  test.each([
    ['a lost connection', new ConnectionError('lost'), ['read', 'keyed']],
    ['a limit', fault('rate_limit_exceeded', 429), ['read', 'keyed', 'write']],
    ['a gateway that shuts down', fault('draining', 503), ['read', 'keyed', 'write']],
    // A change whose answer was lost in the registry may have been made.
    ['a store that is away', fault('unavailable', 503), ['read', 'keyed']],
    ['the same call under way', fault('request_in_flight', 409), ['read', 'keyed']],
    ['a server that is not ready', fault('upstream_unavailable', 503), ['read', 'keyed']],
    // Kept as the answer to its id.
    ['a server that did not answer', fault('mcp_timeout', 504), ['read']],
    ['a server that broke off', fault('upstream_reset', 502), []],
    ['a proxy that has no gateway', new UnreadableAnswerError('html', 502), ['read', 'keyed']],
    ['a refusal', fault('policy_denied', 403), []],
    ['a bug', fault('internal_error', 500), []],
    ['a wrong argument', new UsageError('x', 'y'), []],
    ['anything else', new Error('x'), []],
  ])('%s', (_what, error, again) => {
    expect(safeties.filter((safety) => retryWaitMs(error, safety, 1) !== null)).toEqual(again);
  });
});

test('waits double up to a bound, with jitter, and never less than the gateway asks', () => {
  const lost = new ConnectionError('lost');
  expect([1, 2, 3, 9].map((attempt) => retryWaitMs(lost, 'read', attempt, 1))).toEqual([500, 1_000, 2_000, 8_000]);
  expect(retryWaitMs(lost, 'read', 1, 0)).toBe(250);
  expect([0, 1].map((random) => retryWaitMs(fault('unavailable', 503, 20_000), 'read', 1, random))).toEqual([20_000, 22_000]);
  expect(retryWaitMs(fault('rate_limit_exceeded', 429, 61_000), 'read', 1)).toBeNull();
});

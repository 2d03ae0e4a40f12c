import { describe, expect, test } from 'vitest';
import type { LeaseGrant, LeaseRequest } from './lease.ts';
import { createLimiter, type Limiter, type Verdict } from './limiter.ts';

const windowMs = 60_000;
const startMs = 100 * windowMs;
const rule = { limit: 500, windowMs, burst: 0 };

/** A broker under the test's hand: each request waits until the test answers it. */
function setup(workers = 1) {
  const requests: { request: LeaseRequest; resolve: (grant: LeaseGrant) => void; reject: (error: Error) => void }[] = [];
  const clock = { ms: startMs, nowMs: () => clock.ms, monotonicMs: () => clock.ms };
  let serial = 0;
  const limiter = createLimiter({ ask: (request) => new Promise((resolve, reject) => requests.push({ request, resolve, reject })), clock, workers });
  return {
    limiter,
    clock,
    requests,
    async grant(granted: number, remaining: number) {
      const next = requests.shift();
      if (next === undefined) throw new Error('nothing was asked');
      const windowIndex = Math.floor(clock.ms / windowMs);
      next.resolve({ granted, remaining, windowIndex, resetAtMs: (windowIndex + 1) * windowMs, serial: ++serial });
      await settled();
      return next.request;
    },
    async fail() {
      requests.shift()?.reject(new Error('channel closed'));
      await settled();
    },
  };
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function takeNow(limiter: Limiter, bucket = 'b', of = rule): Verdict {
  const verdict = limiter.take(bucket, of);
  if (verdict instanceof Promise) throw new Error('it had to ask');
  return { ...verdict };
}

describe('limiter', () => {
  test('the first call asks; the lease then answers at once and tells what is left', async () => {
    const { limiter, grant, requests } = setup();
    const first = limiter.take('b', rule);
    expect(await grant(10, 490)).toMatchObject({ bucket: 'b', need: 1, want: 125, returned: [] });
    expect(await first).toEqual({ admitted: true, limit: 500, remaining: 499, resetAtMs: startMs + windowMs, retryAfterSeconds: 0 });
    expect(takeNow(limiter)).toEqual({ admitted: true, limit: 500, remaining: 498, resetAtMs: startMs + windowMs, retryAfterSeconds: 0 });
    expect(requests).toHaveLength(0);
  });

  test('calls that wait for the same bucket share one request', async () => {
    const { limiter, grant, requests } = setup();
    const calls = Array.from({ length: 5 }, async () => limiter.take('b', rule));
    expect(requests).toHaveLength(1);
    await grant(1, 499);
    expect(await grant(4, 495)).toMatchObject({ need: 4 });
    expect((await Promise.all(calls)).every((verdict) => verdict.admitted)).toBe(true);
    expect(requests).toHaveLength(0);
  });

  test('the next lease is fetched ahead when little is left, and disturbs nobody', async () => {
    const { limiter, grant, requests } = setup(2);
    void limiter.take('b', rule);
    await grant(9, 400);
    for (let left = 8; left > 3; left--) takeNow(limiter);
    expect(requests).toHaveLength(0);
    takeNow(limiter);
    expect(requests).toHaveLength(1);
    takeNow(limiter);
    expect(await grant(50, 350)).toMatchObject({ need: 0, want: 50 });
    expect(takeNow(limiter).remaining).toBe(400);
  });

  test('a lease asked ahead that brings nothing is no refusal: the next call asks for itself', async () => {
    const { limiter, grant } = setup();
    void limiter.take('b', rule);
    await grant(2, 3);
    takeNow(limiter);
    const waiting = limiter.take('b', rule);
    expect(await grant(0, 0)).toMatchObject({ need: 0 });
    expect(await grant(1, 0)).toMatchObject({ need: 1 });
    expect((await waiting).admitted).toBe(true);
  });

  test('a refused bucket is refused at once for a second, then asked again', async () => {
    const { limiter, grant, clock, requests } = setup();
    const refused = limiter.take('b', rule);
    await grant(0, 0);
    expect(await refused).toEqual({ admitted: false, limit: 500, remaining: 0, resetAtMs: startMs + windowMs, retryAfterSeconds: 60 });
    clock.ms += 999;
    expect(takeNow(limiter)).toMatchObject({ admitted: false, retryAfterSeconds: 60 });
    clock.ms += 1;
    const again = limiter.take('b', rule);
    await grant(1, 0);
    expect((await again).admitted).toBe(true);
    expect(requests).toHaveLength(0);
  });

  test('a refusal ends with its window', async () => {
    const { limiter, grant, clock, requests } = setup();
    clock.ms += windowMs - 1;
    void limiter.take('b', rule);
    await grant(0, 0);
    expect(takeNow(limiter)).toMatchObject({ admitted: false, retryAfterSeconds: 1 });
    clock.ms += 1;
    void limiter.take('b', rule);
    expect(requests).toHaveLength(1);
  });

  test('a lease ends with its window, and what is left of it goes back with the next request', async () => {
    const { limiter, grant, clock } = setup();
    void limiter.take('b', rule);
    await grant(5, 495);
    clock.ms += windowMs;
    const next = limiter.take('b', rule);
    expect((await grant(1, 499)).returned).toEqual([{ bucket: 'b', rule, windowIndex: 100, count: 4 }]);
    expect((await next).admitted).toBe(true);
  });

  test('what is left when a lease of the next window arrives goes back too', async () => {
    const { limiter, grant, clock } = setup();
    void limiter.take('b', rule);
    await grant(9, 400);
    for (let left = 8; left > 2; left--) takeNow(limiter);
    clock.ms += windowMs;
    expect(await grant(5, 495)).toMatchObject({ need: 0 });
    expect(takeNow(limiter).remaining).toBe(499);
    expect(await limiter.recall({ bucket: 'b', serial: 2 })).toEqual([
      { bucket: 'b', rule, windowIndex: 100, count: 2 },
      { bucket: 'b', rule, windowIndex: 101, count: 4 },
    ]);
  });

  test('limits up to 20 are taken one by one', async () => {
    const { limiter, grant, requests } = setup();
    const low = { ...rule, limit: 20 };
    for (let i = 0; i < 3; i++) {
      const call = limiter.take('b', low);
      expect(await grant(1, 19 - i)).toMatchObject({ want: 1, need: 1 });
      expect((await call).admitted).toBe(true);
    }
    expect(requests).toHaveLength(0);
  });

  test('a lease grows with what is left, shrinks with it, and has a bound', async () => {
    const { limiter, grant } = setup(2);
    const wants: number[] = [];
    for (const remaining of [800, 8, 0, 0]) {
      void limiter.take('b', { ...rule, limit: 100_000 });
      wants.push((await grant(1, remaining)).want);
    }
    expect(wants).toEqual([1024, 100, 1, 1]);
  });

  test('a changed rule takes effect with the next call, and the old lease goes back', async () => {
    const { limiter, grant } = setup();
    void limiter.take('b', rule);
    await grant(5, 495);
    const raised = { ...rule, limit: 1000 };
    const call = limiter.take('b', raised);
    expect(await grant(1, 990)).toMatchObject({ rule: raised, returned: [{ bucket: 'b', rule, windowIndex: 100, count: 4 }] });
    expect(await call).toMatchObject({ limit: 1000 });
  });

  test('a supervisor that does not answer is `unavailable` for those who wait, not for those who hold a lease', async () => {
    const { limiter, grant, fail, requests } = setup();
    const first = limiter.take('b', rule);
    await Promise.all([expect(first).rejects.toMatchObject({ code: 'unavailable' }), fail()]);
    void limiter.take('b', rule);
    await grant(4, 400);
    for (let i = 0; i < 3; i++) expect(takeNow(limiter).admitted).toBe(true);
    const last = limiter.take('b', rule);
    // The request ahead of need fails; the call that joined it gets its own.
    await fail();
    expect(requests).toHaveLength(1);
    await grant(1, 300);
    expect((await last).admitted).toBe(true);
  });

  test('a recall gives up what is unspent, once', async () => {
    const { limiter, grant } = setup();
    void limiter.take('b', rule);
    await grant(5, 495);
    expect(await limiter.recall({ bucket: 'b', serial: 1 })).toEqual([{ bucket: 'b', rule, windowIndex: 100, count: 4 }]);
    expect(await limiter.recall({ bucket: 'b', serial: 1 })).toEqual([]);
    expect(await limiter.recall({ bucket: 'unknown', serial: 9 })).toEqual([]);
    expect(limiter.take('b', rule)).toBeInstanceOf(Promise);
  });

  test('a recall that overtakes its grant waits for it; calls in line are served first', async () => {
    const { limiter, grant } = setup();
    const call = limiter.take('b', rule);
    const recalled = limiter.recall({ bucket: 'b', serial: 1 });
    void limiter.take('b', rule);
    await grant(5, 495);
    expect(await recalled).toEqual([{ bucket: 'b', rule, windowIndex: 100, count: 3 }]);
    expect((await call).admitted).toBe(true);
  });

  test('a recall does not wait for a request that stands in line behind it', async () => {
    const { limiter, grant, requests } = setup();
    void limiter.take('b', rule);
    void limiter.take('b', rule);
    const recalled = limiter.recall({ bucket: 'b', serial: 1 });
    await grant(1, 495);
    expect(requests).toHaveLength(1);
    expect(await recalled).toEqual([]);
  });

  test('at its end a worker gives everything back', async () => {
    const { limiter, grant } = setup();
    for (const bucket of ['a', 'b']) {
      void limiter.take(bucket, rule);
      await grant(3, 400);
    }
    expect(limiter.returnAll().map(({ bucket, count }) => [bucket, count])).toEqual([
      ['a', 2],
      ['b', 2],
    ]);
    expect(limiter.returnAll()).toEqual([]);
  });

  test('a forgotten bucket is asked for anew', async () => {
    const { limiter, grant } = setup();
    void limiter.take('b', rule);
    await grant(3, 400);
    limiter.forget('b');
    expect(limiter.take('b', rule)).toBeInstanceOf(Promise);
  });
});

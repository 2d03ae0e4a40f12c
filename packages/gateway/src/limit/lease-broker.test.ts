import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { neverBack } from '../kernel/clock.ts';
import { silentLog, type Log } from '../kernel/log.ts';
import { createMemoryTokens } from '../store/state/memory-tokens.ts';
import type { TokenRule, TokenStore } from '../store/state/state-store.ts';
import { createLeaseBroker, type LeaseBroker } from './lease-broker.ts';
import type { LeaseRequest, LeaseReturn } from './lease.ts';
import { createLimiter, type Limiter, type Verdict } from './limiter.ts';

const windowMs = 60_000;
const startMs = 100 * windowMs;

describe('limits over several workers', () => {
  test('in a window exactly limit + burst calls pass, no more and no fewer, in whatever order messages arrive', async () => {
    await fc.assert(
      fc.asyncProperty(anyRule, anyCalls, anySeed, async (rule, calls, seed) => {
        const node = startNode(seed, 3);
        for (const worker of calls) {
          node.call(worker, rule);
          await node.some();
        }
        await node.quiet();
        expect(node.verdicts).toHaveLength(calls.length);
        expect(node.admitted()).toBe(Math.min(calls.length, rule.limit + rule.burst));
      }),
      { numRuns: 120 },
    );
  });

  test('window after window, what passes is what one single bucket would let pass', async () => {
    const windows = fc.array(fc.record({ skip: fc.integer({ min: 1, max: 3 }), calls: anyCalls }), { maxLength: 8, size: 'max' });
    await fc.assert(
      fc.asyncProperty(anyRule, windows, anySeed, async (rule, series, seed) => {
        const node = startNode(seed, 3);
        let tokens = rule.limit + rule.burst;
        for (const { skip, calls } of series) {
          node.clock.ms += skip * windowMs;
          tokens = Math.min(rule.limit + rule.burst, tokens + skip * rule.limit);
          node.verdicts.length = 0;
          for (const worker of calls) {
            node.call(worker, rule);
            await node.some();
          }
          await node.quiet();
          expect(node.admitted()).toBe(Math.min(calls.length, tokens));
          tokens -= node.admitted();
        }
      }),
      { numRuns: 80 },
    );
  });

  test('over any run of windows no more than their limits and one burst pass, when windows end at any moment and shared state fails at any step', async () => {
    const steps = fc.array(
      fc.record({
        worker: fc.nat(2),
        run: fc.integer({ min: 1, max: 20 }),
        pass: fc.oneof(fc.constant(0), fc.nat(40_000)),
        fails: fc.constantFrom('no', 'no', 'before', 'after'),
      }),
      { maxLength: 30, size: 'max' },
    );
    await fc.assert(
      fc.asyncProperty(anyRule, steps, anySeed, async (rule, series, seed) => {
        const node = startNode(seed, 3);
        for (const { worker, run, pass, fails } of series) {
          node.clock.ms += pass;
          node.failing = fails;
          for (let calls = 0; calls < run; calls++) {
            node.call(worker, rule);
            await node.some();
          }
        }
        node.failing = 'no';
        await node.quiet();
        const passed = Map.groupBy(
          node.verdicts.filter((verdict) => verdict.admitted),
          (verdict) => verdict.resetAtMs / windowMs - 1,
        );
        const [first, last] = [startMs / windowMs, Math.floor(node.clock.ms / windowMs)];
        for (let from = first; from <= last; from++) {
          let sum = 0;
          for (let to = from; to <= last; to++) {
            sum += passed.get(to)?.length ?? 0;
            expect(sum).toBeLessThanOrEqual(rule.limit * (to - from + 1) + rule.burst);
          }
        }
      }),
      { numRuns: 80 },
    );
  });
});

describe('lease broker', () => {
  const rule = { limit: 100, windowMs, burst: 0 };
  const request = (want: number, need = want): LeaseRequest => ({ bucket: 'b', rule, want, need, returned: [] });

  function setup(options: Partial<Parameters<typeof createLeaseBroker>[0]> = {}) {
    const clock = { ms: startMs, nowMs: () => clock.ms, monotonicMs: () => clock.ms };
    const state = createMemoryTokens();
    const broker = createLeaseBroker({ state, local: null, recall: async () => [], clock, log: silentLog, ...options });
    return { broker, state, clock };
  }

  test('tokens that calls wait for are fetched from other workers; tokens asked ahead are not', async () => {
    const asked: number[] = [];
    const { broker } = setup({
      recall: async (worker) => {
        asked.push(worker);
        return [{ bucket: 'b', rule, windowIndex: 100, count: 30 }];
      },
    });
    expect((await broker.lease(1, request(100, 1))).granted).toBe(100);
    expect((await broker.lease(2, request(10, 0))).granted).toBe(0);
    expect(asked).toEqual([]);
    expect(await broker.lease(2, request(10, 2))).toMatchObject({ granted: 2, remaining: 28 });
    expect(asked).toEqual([1]);
  });

  test('a worker that holds nothing unspent is not asked', async () => {
    const asked: number[] = [];
    const { broker } = setup({ recall: async (worker) => (asked.push(worker), []) });
    await broker.lease(1, request(60));
    await broker.lease(2, request(40));
    expect((await broker.lease(3, request(1))).granted).toBe(0);
    expect(asked).toEqual([]);
  });

  test('requests that come while tokens are being recalled get their part of them', async () => {
    const recalled = Promise.withResolvers<LeaseReturn[]>();
    const { broker } = setup({ recall: () => recalled.promise });
    await broker.lease(1, request(100, 1));
    const leases = [2, 3].map((worker) => broker.lease(worker, request(1)));
    recalled.resolve([{ bucket: 'b', rule, windowIndex: 100, count: 30 }]);
    expect((await Promise.all(leases)).map(({ granted, remaining }) => [granted, remaining])).toEqual([
      [1, 29],
      [1, 28],
    ]);
  });

  test('tokens saved from the last window count, also when they come with a request that stands in line', async () => {
    const saving = { ...rule, burst: 50 };
    const recalled = Promise.withResolvers<LeaseReturn[]>();
    const { broker, clock } = setup({ recall: () => recalled.promise });
    await broker.lease(1, { ...request(150, 1), rule: saving });
    clock.ms += windowMs;
    const second = broker.lease(2, { ...request(10), rule: saving });
    const first = broker.lease(1, { ...request(1), rule: saving, returned: [{ bucket: 'b', rule: saving, windowIndex: 100, count: 149 }] });
    recalled.resolve([]);
    expect(await second).toMatchObject({ granted: 10, remaining: 140 });
    expect(await first).toMatchObject({ granted: 1, remaining: 139 });
  });

  test('a hung worker delays a refusal by 250 ms, once; what it gives back later can be taken', async () => {
    let answer: (returns: LeaseReturn[]) => void = () => undefined;
    const { broker } = setup({ recall: () => new Promise((resolve) => (answer = resolve)) });
    await broker.lease(1, request(100, 1));
    const startedAt = performance.now();
    expect((await broker.lease(2, request(1))).granted).toBe(0);
    expect(performance.now() - startedAt).toBeGreaterThan(240);
    expect((await broker.lease(2, request(1))).granted).toBe(0);
    expect(broker.status()).toMatchObject({ recalls: 1, recallsUnanswered: 1 });
    answer([{ bucket: 'b', rule, windowIndex: 100, count: 7 }]);
    await new Promise((resolve) => setImmediate(resolve));
    expect((await broker.lease(2, request(1))).remaining).toBe(6);
  });

  test('the tokens of a dead worker count as spent, and it is not asked', async () => {
    const asked: number[] = [];
    const { broker } = setup({ recall: async (worker) => (asked.push(worker), []) });
    await broker.lease(1, request(100, 1));
    broker.workerGone(1);
    expect((await broker.lease(2, request(1))).granted).toBe(0);
    expect(asked).toEqual([]);
  });

  test('the worker that asks is not asked itself', async () => {
    const asked: number[] = [];
    const { broker } = setup({ recall: async (worker) => (asked.push(worker), []) });
    await broker.lease(1, request(100, 1));
    expect((await broker.lease(1, request(1))).granted).toBe(0);
    expect(asked).toEqual([]);
  });

  test('tokens given back unasked can be taken by others', async () => {
    const { broker } = setup();
    await broker.lease(1, request(100));
    await broker.giveBack([{ bucket: 'b', rule, windowIndex: 100, count: 5 }]);
    expect((await broker.lease(2, request(10))).granted).toBe(5);
  });

  test('D7: while shared state is away this node counts alone, goes on from what it knew, says so once, and settles when it is back', async () => {
    const events: string[] = [];
    const clock = { ms: startMs, nowMs: () => clock.ms, monotonicMs: () => clock.ms };
    const shared = createMemoryTokens();
    let away = false;
    const state: TokenStore = {
      takeTokens: (...args) => (away ? Promise.reject(new Error('away')) : shared.takeTokens(...args)),
      returnTokens: (...args) => (away ? Promise.reject(new Error('away')) : shared.returnTokens(...args)),
    };
    const { broker } = setup({ state, local: createMemoryTokens(), clock, log: eventLog(events) });
    expect((await broker.lease(1, request(60))).granted).toBe(60);
    away = true;
    expect((await broker.lease(1, request(30))).granted).toBe(30);
    await broker.giveBack([{ bucket: 'b', rule, windowIndex: 100, count: 10 }]);
    expect(await broker.lease(1, request(5))).toMatchObject({ granted: 5, remaining: 15 });
    expect(broker.status()).toMatchObject({ mode: 'local', localLeases: 2 });
    away = false;
    expect(await broker.lease(1, request(99))).toMatchObject({ granted: 15, remaining: 0 });
    expect(broker.status().mode).toBe('shared');
    expect(events).toEqual(['limits.local', 'limits.shared']);
    away = true;
    clock.ms += windowMs;
    expect((await broker.lease(1, request(999))).granted).toBe(100);
  });

  test('D8: shared state that comes back empty opens no window again for a node that has spent it', async () => {
    const clock = { nowMs: () => startMs, monotonicMs: () => startMs };
    let shared = createMemoryTokens();
    const state: TokenStore = { takeTokens: (...args) => shared.takeTokens(...args), returnTokens: (...args) => shared.returnTokens(...args) };
    const { broker } = setup({ state, local: createMemoryTokens(), clock });
    expect((await broker.lease(1, request(70))).granted).toBe(70);
    shared = createMemoryTokens();
    expect((await broker.lease(1, request(999))).granted).toBe(30);
    shared = createMemoryTokens();
    expect((await broker.lease(1, request(1))).granted).toBe(0);
  });

  test('L4: a clock that is set back opens no window again, and keeps none shut for as long', async () => {
    let wallMs = startMs;
    let monotonicMs = 0;
    const clock = neverBack({ nowMs: () => wallMs, monotonicMs: () => monotonicMs });
    const { broker } = setup({ clock });
    expect((await broker.lease(1, request(999))).granted).toBe(100);
    wallMs -= 3_600_000;
    expect((await broker.lease(1, request(1))).granted).toBe(0);
    wallMs += windowMs;
    monotonicMs += windowMs;
    expect((await broker.lease(1, request(999))).granted).toBe(100);
  });

  test('what other nodes took is not counted as this node’s own', async () => {
    const clock = { nowMs: () => startMs, monotonicMs: () => startMs };
    const shared = createMemoryTokens();
    let away = false;
    const state: TokenStore = { ...shared, takeTokens: (...args) => (away ? Promise.reject(new Error('away')) : shared.takeTokens(...args)) };
    const { broker } = setup({ state, local: createMemoryTokens(), clock });
    await shared.takeTokens('b', rule, 90, startMs);
    expect((await broker.lease(1, request(60))).granted).toBe(10);
    away = true;
    expect((await broker.lease(1, request(999))).granted).toBe(90);
  });

  test('shared state in the same process that fails is the asker’s fault to show', async () => {
    const { broker } = setup({ state: { takeTokens: () => Promise.reject(new Error('broken')), returnTokens: async () => undefined } });
    await expect(broker.lease(1, request(1))).rejects.toThrow('broken');
    await expect(broker.lease(1, request(1))).rejects.toThrow('broken');
  });
});

// Small limits are taken one by one, larger ones in leases: both matter.
const anyRule = fc.record({ limit: fc.integer({ min: 1, max: 90 }), windowMs: fc.constant(windowMs), burst: fc.oneof(fc.constant(0), fc.nat(60)) });
const anySeed = fc.integer({ min: 1, max: 2 ** 31 - 1 });

/** The worker of each call. Runs, so that a worker may run dry while another sits on its lease. */
const anyCalls = fc
  .array(fc.record({ worker: fc.nat(2), run: fc.integer({ min: 1, max: 50 }) }), { maxLength: 8, size: 'max' })
  .map((runs) => runs.flatMap(({ worker, run }) => Array.from({ length: run }, () => worker)));

/**
 * One node: a broker and its workers, with messages between them that arrive in order on each link, at moments and in an
 * interleaving that the seed decides, sometimes several before anyone has acted on the first, as on a real channel.
 */
function startNode(seed: number, workers: number) {
  const clock = { ms: startMs, nowMs: () => clock.ms, monotonicMs: () => clock.ms };
  const random = generator(seed);
  const toStore: (() => void)[] = [];
  const fromStore: (() => void)[] = [];
  const links: (() => void)[][] = [...Array.from({ length: workers * 2 }, () => []), toStore, fromStore];
  const limiters: Limiter[] = [];
  const verdicts: Verdict[] = [];
  let open = 0;

  const shared = createMemoryTokens();
  const node = { clock, verdicts, call, some, quiet, failing: 'no', admitted: () => verdicts.filter((verdict) => verdict.admitted).length };
  const unreliable: TokenStore = {
    takeTokens: (...args) => unreliably(() => shared.takeTokens(...args)),
    returnTokens: (...args) => unreliably(() => shared.returnTokens(...args)),
  };

  /** Over a link of its own, as to a server: steps keep their order, answers take their time. */
  function unreliably<T>(step: () => Promise<T>): Promise<T> {
    const { failing } = node;
    if (failing === 'before') return Promise.reject(new Error('not reached'));
    return over(toStore, fromStore, async () => {
      const value = await step();
      if (failing === 'after') throw new Error('answer lost');
      return value;
    });
  }

  const broker: LeaseBroker = createLeaseBroker({
    state: unreliable,
    local: createMemoryTokens(),
    recall: (worker, recalled) => over(toWorker(worker), toBroker(worker), () => limiters[worker]?.recall(recalled) ?? Promise.resolve([])),
    clock,
    log: silentLog,
  });
  for (let worker = 0; worker < workers; worker++) {
    limiters.push(createLimiter({ ask: (request) => over(toBroker(worker), toWorker(worker), () => broker.lease(worker, request)), clock, workers }));
  }

  function toBroker(worker: number): (() => void)[] {
    return links[worker * 2] ?? [];
  }

  function toWorker(worker: number): (() => void)[] {
    return links[worker * 2 + 1] ?? [];
  }

  function over<T>(there: (() => void)[], back: (() => void)[], handle: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      there.push(
        () =>
          void handle().then(
            (value) => back.push(() => resolve(value)),
            (error: Error) => back.push(() => reject(error)),
          ),
      );
    });
  }

  function call(worker: number, rule: TokenRule): void {
    const verdict = limiters[worker]?.take('b', rule);
    if (verdict === undefined) return;
    open += 1;
    void record(verdict instanceof Promise ? verdict : Promise.resolve({ ...verdict }));
  }

  async function record(verdict: Promise<Verdict>): Promise<void> {
    verdicts.push(await verdict);
    open -= 1;
  }

  /** Delivers a few messages, or none. */
  async function some(): Promise<void> {
    for (let steps = random(4); steps > 0; steps--) await deliver();
  }

  /** Delivers until nobody waits. */
  async function quiet(): Promise<void> {
    for (let steps = 0; open > 0 || links.some((link) => link.length > 0); steps++) {
      if (steps > 20_000) throw new Error('the node does not come to rest');
      await deliver();
    }
  }

  async function deliver(): Promise<void> {
    const ready = links.filter((link) => link.length > 0);
    const link = ready[random(Math.max(1, ready.length))];
    for (let messages = 1 + random(3); messages > 0; messages--) link?.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }

  return node;
}

/** A small generator (mulberry32), so that a failing run can be repeated by its seed. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function eventLog(events: string[]): Log {
  const log: Log = {
    debug() {},
    info: (event) => void events.push(event),
    warn: (event) => void events.push(event),
    error: (event) => void events.push(event),
    child: () => log,
  };
  return log;
}

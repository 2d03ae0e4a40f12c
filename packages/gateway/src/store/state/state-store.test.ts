import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWith } from '../../../../../test/support/requires.ts';
import { startRedis, type TemporaryRedis } from '../../../../../test/support/redis.ts';
import { systemClock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import { openEmbeddedState } from './embedded-state.ts';
import { openRedisState } from './redis-state.ts';
import type { StateStore, TokenRule } from './state-store.ts';
import { fullBucket, returnToBucket, takeFromBucket } from './token-bucket.ts';

describe('embedded', () => {
  keepsTheContract(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatewayops-state-'));
    const store = await openEmbeddedState({ folder, clock: systemClock, log: silentLog });
    return {
      store,
      async end() {
        await store.close();
        rmSync(folder, { recursive: true });
      },
    };
  });
});

describeWith('redis-server', 'redis', () => {
  keepsTheContract(async () => {
    const redis: TemporaryRedis = await startRedis();
    const store = await openRedisState({ url: redis.url, clock: systemClock, log: silentLog, commandTimeoutMs: 5_000 });
    return {
      store,
      async end() {
        await store.close();
        await redis.stop();
      },
    };
  });
});

/** What both adapters promise. `open` is called once; every test mints keys of its own. */
function keepsTheContract(open: () => Promise<{ store: StateStore; end: () => Promise<void> }>): void {
  let store: StateStore;
  let end: () => Promise<void>;
  let keys = 0;
  const newKey = (): string => `key-${keys++}`;
  const long = 60_000;

  beforeAll(async () => {
    ({ store, end } = await open());
  });
  afterAll(() => end());

  async function gone(key: string): Promise<void> {
    const deadline = Date.now() + 5_000;
    while ((await store.get(key)) !== null) {
      if (Date.now() > deadline) throw new Error('the value did not expire');
      await wait(5);
    }
  }

  test('any bytes come back unchanged, and nothing before they are set', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (value) => {
        const key = newKey();
        expect(await store.get(key)).toBeNull();
        await store.set(key, value, long);
        expect(await store.get(key)).toEqual(Buffer.from(value));
      }),
      { numRuns: 50 },
    );
  });

  test('a value is a copy: changing the bytes handed in or out changes nothing', async () => {
    const key = newKey();
    const value = Buffer.from('abc');
    await store.set(key, value, long);
    value.fill(0);
    (await store.get(key))?.fill(0);
    expect((await store.get(key))?.toString()).toBe('abc');
  });

  test('a part of a larger buffer is stored as just that part', async () => {
    const key = newKey();
    await store.set(key, Buffer.from('xxabcxx').subarray(2, 5), long);
    expect((await store.get(key))?.toString()).toBe('abc');
  });

  test('a value of 1 MiB and more is kept', async () => {
    const key = newKey();
    const value = Buffer.alloc(1_200_000, 7);
    await store.set(key, value, long);
    expect((await store.get(key))?.equals(value)).toBe(true);
  });

  test('a value ends with its time, and its name is free again', async () => {
    const key = newKey();
    await store.set(key, Buffer.from('a'), 30);
    await gone(key);
    expect(await store.take(key)).toBeNull();
    expect(await store.touch(key, long)).toBe(false);
    expect(await store.setIfAbsent(key, Buffer.from('b'), long)).toBe(true);
  });

  test('set replaces the value and its time', async () => {
    const key = newKey();
    await store.set(key, Buffer.from('a'), long);
    await store.set(key, Buffer.from('b'), 30);
    await gone(key);
  });

  test('touch gives a value another time, longer or shorter', async () => {
    const [longer, shorter] = [newKey(), newKey()];
    await store.set(longer, Buffer.from('a'), 500);
    expect(await store.touch(longer, long)).toBe(true);
    await store.set(shorter, Buffer.from('b'), long);
    expect(await store.touch(shorter, 700)).toBe(true);
    await gone(shorter);
    expect((await store.get(longer))?.toString()).toBe('a');
  });

  test('of many setIfAbsent at once exactly one succeeds, and its value stays', async () => {
    const key = newKey();
    const won = await Promise.all(Array.from({ length: 20 }, (_, i) => store.setIfAbsent(key, Buffer.from([i]), long)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await store.get(key)).toEqual(Buffer.from([won.indexOf(true)]));
  });

  test('replace changes only what is still as it was read, and of many at once exactly one does', async () => {
    const key = newKey();
    const bytes = (text: string): Buffer => Buffer.from([0xff, 0x00, ...Buffer.from(text)]);
    expect(await store.replace(key, bytes('a'), bytes('b'), long)).toBe(false);
    expect(await store.replace(key, null, bytes('a'), long)).toBe(true);
    expect(await store.replace(key, null, bytes('b'), long)).toBe(false);
    const won = await Promise.all(Array.from({ length: 20 }, (_, i) => store.replace(key, bytes('a'), bytes(`b${i}`), i === 0 ? 30 : long)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await store.get(key)).toEqual(bytes(`b${won.indexOf(true)}`));
    const current = await store.get(key);
    expect(await store.replace(key, current, bytes('c'), 30)).toBe(true);
    await gone(key);
    expect(await store.replace(key, bytes('c'), bytes('d'), long)).toBe(false);
  });

  test('of many takes at once exactly one gets the value', async () => {
    const key = newKey();
    await store.set(key, Buffer.from('once'), long);
    const got = await Promise.all(Array.from({ length: 20 }, () => store.take(key)));
    expect(got.filter((value) => value !== null).map(String)).toEqual(['once']);
    expect(await store.get(key)).toBeNull();
  });

  test('a deleted value is gone; deleting nothing is no error', async () => {
    const key = newKey();
    await store.set(key, Buffer.from('a'), long);
    await store.delete(key);
    await store.delete(key);
    expect(await store.get(key)).toBeNull();
  });

  describe('token buckets', () => {
    const rule: TokenRule = { limit: 10, windowMs: 60_000, burst: 5 };
    const at = (window: number, offsetMs = 0): number => window * 60_000 + offsetMs;

    test('a new bucket holds limit and burst, and gives no more in its window', async () => {
      const bucket = newKey();
      expect(await store.takeTokens(bucket, rule, 12, at(100, 59_999))).toEqual({ granted: 12, remaining: 3, resetAtMs: at(101), windowIndex: 100 });
      expect(await store.takeTokens(bucket, rule, 12, at(100))).toEqual({ granted: 3, remaining: 0, resetAtMs: at(101), windowIndex: 100 });
      expect((await store.takeTokens(bucket, rule, 1, at(100))).granted).toBe(0);
    });

    test('each boundary adds the limit; what was saved counts up to the burst', async () => {
      const bucket = newKey();
      await store.takeTokens(bucket, rule, 15, at(100));
      expect((await store.takeTokens(bucket, rule, 99, at(101))).granted).toBe(10);
      expect((await store.takeTokens(bucket, rule, 7, at(102))).granted).toBe(7);
      expect((await store.takeTokens(bucket, rule, 99, at(103))).granted).toBe(13);
      expect((await store.takeTokens(bucket, rule, 99, at(105))).granted).toBe(15);
    });

    test('an idle gap of a million windows costs nothing and fills only to the brim', async () => {
      const bucket = newKey();
      await store.takeTokens(bucket, rule, 15, at(100));
      expect((await store.takeTokens(bucket, rule, 99, at(1_000_100))).granted).toBe(15);
    });

    test('tokens given back in their window can be taken again; those of another window are dropped', async () => {
      const bucket = newKey();
      await store.takeTokens(bucket, rule, 15, at(100));
      await store.returnTokens(bucket, rule, 100, 4);
      expect((await store.takeTokens(bucket, rule, 99, at(100))).granted).toBe(4);
      await store.takeTokens(bucket, rule, 0, at(101));
      await store.returnTokens(bucket, rule, 100, 5);
      expect((await store.takeTokens(bucket, rule, 99, at(101))).granted).toBe(10);
      await store.returnTokens(newKey(), rule, 100, 5);
    });

    test('a clock that lags behind takes from the newer window and turns nothing back', async () => {
      const bucket = newKey();
      await store.takeTokens(bucket, rule, 15, at(101));
      expect(await store.takeTokens(bucket, rule, 1, at(100))).toEqual({ granted: 0, remaining: 0, resetAtMs: at(102), windowIndex: 101 });
      expect((await store.takeTokens(bucket, rule, 99, at(102))).granted).toBe(10);
    });

    test('a changed rule counts at once, and alternating rules never add up to more', async () => {
      const bucket = newKey();
      const raised = { ...rule, limit: 100 };
      await store.takeTokens(bucket, rule, 15, at(100));
      expect((await store.takeTokens(bucket, raised, 999, at(100))).granted).toBe(90);
      expect(await store.takeTokens(bucket, rule, 1, at(100))).toMatchObject({ granted: 0, remaining: 0 });
      expect((await store.takeTokens(bucket, raised, 1, at(100))).granted).toBe(0);
      // The debt of a lowered rule ends with the window.
      expect((await store.takeTokens(bucket, rule, 99, at(101))).granted).toBe(10);
    });

    test('numbers past 10^14 keep their digits', async () => {
      const huge: TokenRule = { limit: 900_000_000_000_001, windowMs: 60_000, burst: 0 };
      const bucket = newKey();
      expect((await store.takeTokens(bucket, huge, 1, at(100))).remaining).toBe(900_000_000_000_000);
      expect((await store.takeTokens(bucket, huge, 1, at(100))).remaining).toBe(899_999_999_999_999);
    });

    test('any series of steps gives what the arithmetic of token-bucket.ts gives', async () => {
      const rules = fc.record({ limit: fc.integer({ min: 1, max: 20 }), windowMs: fc.constant(60_000), burst: fc.nat(20) });
      const steps = fc.array(
        fc.record({
          rule: fc.nat(1),
          ahead: fc.integer({ min: -60_000, max: 150_000 }),
          take: fc.nat(15),
          giveBack: fc.nat(5),
          of: fc.integer({ min: -1, max: 0 }),
        }),
        { maxLength: 25, size: 'max' },
      );
      await fc.assert(
        fc.asyncProperty(fc.tuple(rules, rules), steps, async (pair, series) => {
          const bucket = newKey();
          let nowMs = at(1000);
          const model = fullBucket(pair[0], nowMs);
          await store.takeTokens(bucket, pair[0], 0, nowMs);
          for (const step of series) {
            nowMs += step.ahead;
            const rule = pair[step.rule === 0 ? 0 : 1];
            const granted = takeFromBucket(model, rule, step.take, nowMs);
            expect(await store.takeTokens(bucket, rule, step.take, nowMs)).toEqual({
              granted,
              remaining: Math.max(0, model.tokens),
              windowIndex: model.windowIndex,
              resetAtMs: (model.windowIndex + 1) * 60_000,
            });
            returnToBucket(model, model.windowIndex + step.of, step.giveBack);
            await store.returnTokens(bucket, rule, model.windowIndex + step.of, step.giveBack);
          }
        }),
        { numRuns: 40 },
      );
    });
  });

  test('status says that it is ready', () => {
    expect(store.status()).toMatchObject({ ready: true, reason: null });
  });
}

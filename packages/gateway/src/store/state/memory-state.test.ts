import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../kernel/fault.ts';
import { createMemoryState } from './memory-state.ts';

function testClock() {
  let ms = 1_000_000;
  return { nowMs: () => ms, monotonicMs: () => ms, pass: (by: number) => void (ms += by) };
}

const kilobyte = Buffer.alloc(1024);

describe('memory state', () => {
  test('a full store refuses new values with `unavailable`, keeps the old ones and counts the refusal', async () => {
    const store = createMemoryState({ clock: testClock(), entriesMax: 3 });
    for (const key of ['a', 'b', 'c']) await store.set(key, kilobyte, 1000);
    await expect(store.set('d', kilobyte, 1000)).rejects.toThrow(Fault);
    await expect(store.setIfAbsent('d', kilobyte, 1000)).rejects.toMatchObject({ code: 'unavailable' });
    await store.set('a', Buffer.from('replaced'), 1000);
    expect((await store.get('a'))?.toString()).toBe('replaced');
    expect(store.status()).toMatchObject({ entries: 3, failures: 2 });
  });

  test('room that expired values held is found before anything is refused', async () => {
    const clock = testClock();
    const store = createMemoryState({ clock, entriesMax: 100 });
    for (let i = 0; i < 100; i++) await store.set(`old-${i}`, kilobyte, i === 0 ? 50 : 100);
    await expect(store.set('new', kilobyte, 100)).rejects.toThrow(Fault);
    clock.pass(50);
    await store.set('new', kilobyte, 1000);
    await expect(store.set('newer', kilobyte, 100)).rejects.toThrow(Fault);
    clock.pass(50);
    for (let i = 0; i < 99; i++) await store.set(`new-${i}`, kilobyte, 1000);
    expect(store.status().entries).toBe(100);
  });

  test('writing alone clears away what expired, with no timer and no reader', async () => {
    const clock = testClock();
    const store = createMemoryState({ clock });
    for (let i = 0; i < 5_000; i++) {
      await store.set(`k-${i}`, kilobyte, 100);
      clock.pass(1);
    }
    expect(store.status().entries).toBeLessThan(300);
  });

  test('bytes stay within their bound and are counted exactly, whatever is done', async () => {
    const step = fc.record({
      act: fc.constantFrom('set', 'setIfAbsent', 'replace', 'take', 'delete', 'touch', 'get'),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      size: fc.nat(3000),
      ttlMs: fc.integer({ min: 1, max: 50 }),
      pass: fc.nat(30),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const clock = testClock();
        const bytesMax = 5000;
        const store = createMemoryState({ clock, bytesMax });
        for (const { act, key, size, ttlMs, pass } of steps) {
          const value = Buffer.alloc(size);
          if (act === 'set') await store.set(key, value, ttlMs).catch(() => undefined);
          else if (act === 'setIfAbsent') await store.setIfAbsent(key, value, ttlMs).catch(() => undefined);
          else if (act === 'replace') await store.replace(key, await store.get(key), value, ttlMs).catch(() => undefined);
          else if (act === 'touch') await store.touch(key, ttlMs);
          else await store[act](key);
          expect(store.status().bytes).toBeLessThanOrEqual(bytesMax);
          clock.pass(pass);
        }
        for (const key of ['a', 'b', 'c', 'd']) await store.delete(key);
        expect(store.status()).toMatchObject({ bytes: 0, entries: 0 });
      }),
      { numRuns: 60 },
    );
  });

  test('more buckets than the bound cost only the one unused for longest', async () => {
    const clock = testClock();
    const store = createMemoryState({ clock, bucketsMax: 2 });
    const rule = { limit: 5, windowMs: 1000, burst: 0 };
    for (const bucket of ['a', 'b', 'a', 'c']) await store.takeTokens(bucket, rule, 1, clock.nowMs());
    expect((await store.takeTokens('a', rule, 0, clock.nowMs())).remaining).toBe(3);
    expect((await store.takeTokens('b', rule, 0, clock.nowMs())).remaining).toBe(5);
  });
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../kernel/fault.ts';
import { createMemoryValues } from './memory-values.ts';

function testClock() {
  let ms = 1_000_000;
  return { nowMs: () => ms, monotonicMs: () => ms, pass: (by: number) => void (ms += by) };
}

const kilobyte = Buffer.alloc(1024);

describe('values in memory', () => {
  test('a full store refuses new values with `unavailable`, keeps the old ones and counts the refusal', () => {
    const clock = testClock();
    const values = createMemoryValues({ clock, entriesMax: 3 });
    const soon = clock.nowMs() + 1000;
    for (const key of ['a', 'b', 'c']) values.set(key, kilobyte, soon);
    for (const method of ['set', 'setIfAbsent'] as const) expect(() => values[method]('d', kilobyte, soon)).toThrow(Fault);
    values.set('a', Buffer.from('replaced'), soon);
    expect(values.get('a')?.toString()).toBe('replaced');
    expect([values.entries, values.refused]).toEqual([3, 2]);
  });

  test('room that expired values held is found before anything is refused', () => {
    const clock = testClock();
    const values = createMemoryValues({ clock, entriesMax: 100 });
    const set = (key: string, ttlMs: number): void => values.set(key, kilobyte, clock.nowMs() + ttlMs);
    for (let i = 0; i < 100; i++) set(`old-${i}`, i === 0 ? 50 : 100);
    expect(() => set('new', 100)).toThrow(Fault);
    clock.pass(50);
    set('new', 1000);
    expect(() => set('newer', 100)).toThrow(Fault);
    clock.pass(50);
    for (let i = 0; i < 99; i++) set(`new-${i}`, 1000);
    expect(values.entries).toBe(100);
  });

  test('writing alone clears away what expired, with no timer and no reader', () => {
    const clock = testClock();
    const values = createMemoryValues({ clock });
    for (let i = 0; i < 5_000; i++) {
      values.set(`k-${i}`, kilobyte, clock.nowMs() + 100);
      clock.pass(1);
    }
    expect(values.entries).toBeLessThan(300);
  });

  test('bytes stay within their bound and are counted exactly, whatever is done', () => {
    const step = fc.record({
      act: fc.constantFrom('set', 'setIfAbsent', 'replace', 'take', 'delete', 'touch', 'get'),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      size: fc.nat(3000),
      ttlMs: fc.integer({ min: 1, max: 50 }),
      pass: fc.nat(30),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const clock = testClock();
        const bytesMax = 5000;
        const values = createMemoryValues({ clock, bytesMax });
        for (const { act, key, size, ttlMs, pass } of steps) {
          const expiresAtMs = clock.nowMs() + ttlMs;
          try {
            if (act === 'set' || act === 'setIfAbsent') values[act](key, Buffer.alloc(size), expiresAtMs);
            else if (act === 'replace') values.replace(key, values.get(key) ?? Buffer.alloc(0), Buffer.alloc(size), expiresAtMs);
            else if (act === 'touch') values.touch(key, expiresAtMs);
            else values[act](key);
          } catch (error) {
            expect(error).toMatchObject({ code: 'unavailable' });
          }
          expect(values.bytes).toBeLessThanOrEqual(bytesMax);
          clock.pass(pass);
        }
        for (const key of ['a', 'b', 'c', 'd']) values.delete(key);
        expect([values.bytes, values.entries]).toEqual([0, 0]);
      }),
      { numRuns: 60 },
    );
  });
});

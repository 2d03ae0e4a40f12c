import fc from 'fast-check';
import { expect, test } from 'vitest';
import { neverBack } from './clock.ts';

/** What happens to the clocks of a machine: time passes, and the wall clock is set. */
const steps = fc.array(fc.record({ passedMs: fc.nat(100_000), setMs: fc.integer({ min: -3_600_000, max: 3_600_000 }) }), { maxLength: 50 });

test('L4: a clock that never goes back is at no time behind the wall clock, and no time that passed is lost to it', () => {
  fc.assert(
    fc.property(steps, (all) => {
      let wallMs = 1_700_000_000_000;
      let monotonicMs = 5.5;
      const clock = neverBack({ nowMs: () => wallMs, monotonicMs: () => monotonicMs });
      let before = clock.nowMs();
      for (const { passedMs, setMs } of all) {
        wallMs += passedMs + setMs;
        monotonicMs += passedMs;
        const now = clock.nowMs();
        expect(now).toBeGreaterThanOrEqual(before + passedMs);
        expect(now).toBeGreaterThanOrEqual(wallMs);
        before = now;
      }
    }),
  );
});

test('L4: on a machine whose clock is right it is that clock', () => {
  let ms = 1_000;
  const clock = neverBack({ nowMs: () => 1_700_000_000_000 + Math.floor(ms), monotonicMs: () => ms });
  for (let step = 0; step < 1_000; step++) {
    ms += 0.7;
    expect(clock.nowMs() - Math.floor(ms) - 1_700_000_000_000).toBeLessThanOrEqual(1);
  }
});

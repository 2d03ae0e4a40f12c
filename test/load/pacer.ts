/**
 * The clock of the fixed-rate load, in a thread of its own: timers of the event loop have a grain of a millisecond, in
 * which five requests of 5,000 a second would leave together. It sleeps with `Atomics.wait`, whose grain is some 50 µs,
 * and wakes the main thread at each intended start; a wake-up that was not yet taken is not doubled.
 *
 * Worker data: `{ shared: SharedArrayBuffer of two Int32, intervalMs }`; `shared[0]` = 1 stops it, `shared[1]` = 1 while a
 * wake-up waits to be taken.
 */
import { parentPort, workerData } from 'node:worker_threads';

const { shared, intervalMs } = workerData as { shared: SharedArrayBuffer; intervalMs: number };
const flags = new Int32Array(shared);
let next = performance.now() + intervalMs;

while (Atomics.load(flags, 0) === 0) {
  const pause = next - performance.now();
  if (pause > 0) Atomics.wait(flags, 0, 0, pause);
  // After a pause of the whole machine the main thread catches up by itself; one wake-up is enough for it.
  next = Math.max(next + intervalMs, performance.now());
  if (Atomics.exchange(flags, 1, 1) === 0) parentPort?.postMessage(0);
}

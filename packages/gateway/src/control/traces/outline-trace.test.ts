import { expect, test } from 'vitest';
import { criticalPath } from './outline-trace.ts';

const call = (startMs: number, durationMs: number) => ({ start_us: BigInt(startMs * 1000), duration_us: durationMs * 1000 });

test('the critical path is what the run waited for, from its end back', () => {
  expect(criticalPath([call(0, 10), call(1, 5), call(10, 20)])).toEqual([0, 2]);
  // A call within another is not waited for beside it, nor one that goes on beside a later one.
  expect(criticalPath([call(0, 100), call(20, 30), call(60, 10)])).toEqual([0]);
  expect(criticalPath([call(0, 50), call(40, 30), call(0, 40)])).toEqual([1, 2]);
  expect(criticalPath([])).toEqual([]);
});

import { expect, test } from 'vitest';
import { criticalPath, treeRows, type CallSpan } from './tree-rows.ts';

function call(id: string, startMs: number, durationMs: number): CallSpan {
  return { id, depth: 0, start_time: new Date(startMs).toISOString(), duration_ms: durationMs, children: [] } as CallSpan;
}

test('when more of a trace come, and when another call is opened, the rows that were there are the same ones', () => {
  const [a, b, c] = [call('a', 0, 10), call('b', 10, 10), call('c', 20, 10)];
  const before = treeRows([a, b], new Set());
  const after = treeRows([a, b, c], new Set(['b']));
  expect(after.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  expect(after[0]).toBe(before[0]);
  expect(after[1]).not.toBe(before[1]);
  expect(after[1]).toMatchObject({ isOpen: true });
});

test('the critical path is what the run waited for, from its end back', () => {
  expect(criticalPath([call('first', 0, 10), call('beside', 1, 5), call('last', 10, 20)])).toEqual(new Set(['last', 'first']));
});

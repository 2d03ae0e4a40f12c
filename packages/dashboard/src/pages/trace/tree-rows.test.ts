import { expect, test } from 'vitest';
import { treeRows, type CallSpan } from './tree-rows.ts';

const call = (id: string, children: readonly string[] = []): CallSpan =>
  ({ id, depth: 0, children: children.map((child) => ({ id: child, parent_id: id })) }) as CallSpan;
const none = { isAll: false, but: new Set<string>() };

test('when more of a trace come, and when another call is opened, the rows that were there are the same ones', () => {
  const [a, b, c] = [call('a'), call('b', ['b.auth']), call('c')];
  const spans = new Map([
    [0, a],
    [1, b],
  ]);
  const before = treeRows([0, 1, 2, 3], spans, none);
  expect(before.map(({ kind }) => kind)).toEqual(['call', 'call', 'ahead', 'ahead']);
  const after = treeRows([0, 1, 2, 3], new Map([...spans, [2, c]]), { isAll: false, but: new Set(['b']) });
  expect(after.map(({ id, place }) => [id, place])).toEqual([
    ['a', 0],
    ['b', 1],
    ['b.auth', 1],
    ['c', 2],
    ['ahead 3', 3],
  ]);
  expect([after[0], after[4]]).toEqual([before[0], before[3]]);
  expect([after[0] === before[0], after[4] === before[3]]).toEqual([true, true]);
  expect(after[1]).toMatchObject({ isOpen: true });
  expect(treeRows([1], spans, { isAll: true, but: new Set(['b']) })).toHaveLength(1);
});

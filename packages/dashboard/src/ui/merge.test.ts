import { expect, test } from 'vitest';
import { changesOf, merged } from './merge.ts';

const before = { name: 'Ana', to: ['a', 'b'], when: null };

test('what only the other has changed stays theirs, what was changed here lies on top', () => {
  const theirs = { name: 'Ana B', to: ['a', 'b'], when: 'x > 1' };
  const mine = { name: 'Ana', to: ['a', 'b'], when: 'x > 2' };
  expect(merged(before, theirs, mine)).toEqual({ name: 'Ana B', to: ['a', 'b'], when: 'x > 2' });
  expect(changesOf(before, theirs, mine)).toEqual([
    { field: 'name', before: 'Ana', theirs: 'Ana B', mine: 'Ana', isBoth: false },
    { field: 'when', before: null, theirs: 'x > 1', mine: 'x > 2', isBoth: true },
  ]);
});

test('of a list it is what each put in and took out', () => {
  expect(merged(before, { ...before, to: ['b', 'c'] }, { ...before, to: ['a', 'b', 'd'] })).toEqual({ ...before, to: ['b', 'c', 'd'] });
  expect(merged(before, { ...before, to: ['a', 'b', 'c'] }, { ...before, to: ['b'] })).toEqual({ ...before, to: ['b', 'c'] });
});

test('what the other has taken away is gone unless it was changed here', () => {
  expect(merged({ tools: ['x'], reason: 'r' }, {}, { tools: ['x'], reason: 'mine' })).toEqual({ reason: 'mine' });
});

import { expect, test } from 'vitest';
import { changesOf, nameIn } from './changes-of.ts';

test('members that differ are named by their path, with what is absent left empty', () => {
  expect(
    changesOf(
      { name: 'a', scopes: { servers: ['x'], actions: null }, same: 1 },
      { name: 'b', scopes: { servers: ['x', 'y'], actions: null }, same: 1, new: true },
    ),
  ).toEqual([
    { path: 'name', before: 'a', after: 'b' },
    { path: 'scopes.servers', before: '["x"]', after: '["x","y"]' },
    { path: 'new', before: '', after: 'true' },
  ]);
});

test('what was made or deleted has one side only; what is no map is compared whole', () => {
  expect(changesOf(undefined, { name: 'a' })).toEqual([{ path: 'name', before: '', after: 'a' }]);
  expect(changesOf({ name: 'a' }, null)).toEqual([{ path: 'name', before: 'a', after: '' }]);
  expect(changesOf('a', 'b')).toEqual([{ path: 'value', before: 'a', after: 'b' }]);
  expect(changesOf({ a: null }, { a: { b: 1 } })).toEqual([{ path: 'a.b', before: '', after: '1' }]);
  expect(changesOf(undefined, undefined)).toEqual([]);
});

test('a thing is called as it was made, as it is after the event, as it was where it is gone, and nothing where none of them says it', () => {
  expect(nameIn({ name: 'made', scopes: {} })).toBe('made');
  expect(nameIn({ user: { id: 'usr_ana', name: 'Ana' } })).toBe('Ana');
  expect(nameIn({ before: { name: 'old' }, after: { name: 'new' } })).toBe('new');
  expect(nameIn({ before: { name: 'old' }, after: null })).toBe('old');
  expect(nameIn({ after: { name: 7 } })).toBe(null);
  expect(nameIn({})).toBe(null);
});

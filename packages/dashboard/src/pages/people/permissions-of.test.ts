import { expect, test } from 'vitest';
import { covers, groupsOf, isCovered, toggled, type Permission } from './permissions-of.ts';

const all: readonly Permission[] = ['tools.call', 'tools.list', 'keys.read', 'keys.write'].map((name) => ({ name, kind: 'control', description: '' }));
const held = (patterns: readonly string[]): string[] => all.map(({ name }) => name).filter((name) => isCovered(patterns, name));

test('a pattern stands for its own and no more', () => {
  expect([covers('tools.*', 'tools.call'), covers('tools.*', 'toolsets.call'), covers('*', 'keys.read'), covers('keys.read', 'keys.write')]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

test('what is taken in is held, what is taken out is not, and nothing else changes', () => {
  for (const before of [[], ['*'], ['tools.*'], ['tools.call', 'keys.*'], ['keys.read']])
    for (const pattern of ['*', 'tools.*', 'keys.*', ...all.map(({ name }) => name)]) {
      const own = all.map(({ name }) => name).filter((name) => covers(pattern, name));
      const isIn = own.every((name) => isCovered(before, name));
      const others = held(before).filter((name) => !own.includes(name));
      const after = new Set(held(toggled(before, pattern, all)));
      expect([before, pattern, after]).toEqual([before, pattern, new Set([...others, ...(isIn ? [] : own)])]);
    }
});

test('groups are by what stands before the first dot, in the order they come', () => {
  expect(groupsOf(all).map(({ group, permissions }) => [group, permissions.length])).toEqual([
    ['tools', 2],
    ['keys', 2],
  ]);
});

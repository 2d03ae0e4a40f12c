import { expect, test } from 'vitest';
import { linesOf, liveGroupsOf, type LiveGroup } from './groups.ts';

const group = (server: string, calls: number, errors = 0, p95 = 5): LiveGroup => ({ server, calls, errors, latency_ms: { p50: 1, p95, p99: 9 } });

test('seconds make a line for each of seven servers by name and one of all others, whatever they were first seen as', () => {
  const seconds = [[group('h', 9, 3), group('a', 1)], Array.from('bcdefgi').map((name) => group(name, 2))];
  const groups = liveGroupsOf(seconds);
  expect(groups.map(({ server }) => server)).toEqual(['b', 'c', 'd', 'e', 'f', 'g', 'h', null]);
  expect(groups[6]).toEqual({ server: 'h', tool: null, rate: [9, 0], failed: [100 / 3, null], p95: [5, null] });
  expect(groups[7]).toEqual({ server: null, tool: null, rate: [1, 2], failed: [0, 0], p95: [5, 5] });
  expect(linesOf(groups, 'rate').map(({ label, colour }) => [label, colour])).toEqual([
    ...Array.from('bcdefgh').map((name, index) => [name, `--series-${index + 1}`]),
    ['all others', '--ink-3'],
  ]);
});

test('how long several servers took together is not known of seconds', () => {
  const groups = liveGroupsOf([Array.from('abcdefghi').map((name, index) => group(name, 20 - index))]);
  expect(groups.at(-1)).toMatchObject({ server: null, rate: [25], p95: [null] });
});

test('a tool is named with its server, unless there is but one', () => {
  const tool = (server: string, name: string): LiveGroup => ({ ...group(server, 1), tool: name });
  expect(linesOf(liveGroupsOf([[tool('a', 'x'), tool('b', 'x')]]), 'rate').map(({ label }) => label)).toEqual(['a · x', 'b · x']);
  expect(linesOf(liveGroupsOf([[tool('a', 'x'), tool('a', 'y')]]), 'rate').map(({ label }) => label)).toEqual(['x', 'y']);
});

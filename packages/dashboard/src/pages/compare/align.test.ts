import type { Schemas } from '@gatewayops/sdk';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alignCalls, differs, firstToSee } from './align.ts';

const span = (tool: string, more: Partial<Schemas['Span']> = {}): Schemas['Span'] =>
  ({ id: tool, server: 's', operation: 'mcp.tools.call', tool, name: tool, status: 'success', stop: 'reply', duration_ms: 1, ...more }) as Schemas['Span'];
const runs = (text: string): Schemas['Span'][] => Array.from(text, (tool) => span(tool));
const told = (a: string, b: string): string[] => alignCalls(runs(a), runs(b)).map((pair) => `${pair.a?.tool ?? '-'}${pair.b?.tool ?? '-'}`);

test('calls of the same tool stand beside each other; what only one run has stands alone, in its place', () => {
  expect(told('abc', 'abc')).toEqual(['aa', 'bb', 'cc']);
  expect(told('abc', 'axc')).toEqual(['aa', 'b-', '-x', 'cc']);
  expect(told('', 'ab')).toEqual(['-a', '-b']);
});

test('no call is lost or doubled, the order of both is kept, and a run beside itself has no gap', () => {
  const run = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 30 });
  fc.assert(
    fc.property(run, run, (a, b) => {
      const pairs = alignCalls(runs(a), runs(b));
      expect(pairs.map((pair) => pair.a?.tool ?? '').join('')).toBe(a);
      expect(pairs.map((pair) => pair.b?.tool ?? '').join('')).toBe(b);
      expect(alignCalls(runs(a), runs(a)).some(differs)).toBe(false);
    }),
  );
});

test('what ended differently is seen first, else what took another time', () => {
  const a = [span('x'), span('y'), span('z', { duration_ms: 900 })];
  expect(firstToSee(alignCalls(a, [span('x'), span('y', { status: 'blocked', stop: 'access' }), span('z')]))).toBe(1);
  expect(firstToSee(alignCalls(a, [span('w'), span('x', { status: 'error' }), ...runs('yz')]))).toBe(1);
  expect(firstToSee(alignCalls(a, runs('xyz')))).toBe(2);
  expect(firstToSee([])).toBe(0);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { spanTree } from './span-tree.ts';

const link = (span: string, parent = ''): { span_hex: string; parent_span_id: string } => ({ span_hex: span, parent_span_id: parent });

test('a parent stands before its children, siblings in the order of time, strangers at the root', () => {
  const tree = spanTree([link('late-child', 'root'), link('root', 'of-the-caller'), link('second'), link('child', 'root'), link('grandchild', 'late-child')]);
  expect(tree.map(({ spanHex, depth, children }) => [spanHex, depth, children])).toEqual([
    ['root', 0, 2],
    ['late-child', 1, 1],
    ['grandchild', 2, 0],
    ['child', 1, 0],
    ['second', 0, 0],
  ]);
});

test('every call is there once, whatever parents were invented', () => {
  const id = fc.integer({ min: 0, max: 12 }).map(String);
  fc.assert(
    fc.property(fc.uniqueArray(fc.record({ span_hex: id, parent_span_id: id }), { selector: ({ span_hex }) => span_hex, maxLength: 13 }), (links) => {
      expect(
        spanTree(links)
          .map(({ spanHex }) => spanHex)
          .toSorted(),
      ).toEqual(links.map(({ span_hex }) => span_hex).toSorted());
    }),
    { numRuns: 500 },
  );
});

test('a chain of calls as long as a trace may be is walked without a deep stack', () => {
  const links = Array.from({ length: 50_000 }, (_, index) => link(String(index), index === 0 ? '' : String(index - 1)));
  expect(spanTree(links).at(-1)).toEqual({ spanHex: '49999', depth: 49_999, children: 0 });
});

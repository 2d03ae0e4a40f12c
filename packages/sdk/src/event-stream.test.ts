import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEventParser } from './event-stream.ts';

const line = fc.oneof(
  fc.constantFrom('', ':', ': ping', 'data', 'data:', 'data: a', 'data:b', 'data:  c', 'event: call', 'event:', 'id: 7', 'retry: 10', 'other: x', 'data: ü€😀'),
  fc.string({ maxLength: 12 }).filter((text) => !/[\r\n\0\uFEFF]/.test(text)),
);
/** A stream, and where it is cut into pieces. */
const stream = fc.record({
  lines: fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 30 }),
  cuts: fc.array(fc.nat({ max: 400 }), { maxLength: 8 }),
});

test('reads any stream, in any pieces, as eventsource-parser does', () => {
  fc.assert(
    fc.property(stream, ({ lines, cuts }) => {
      const text = lines.map(([content, end]) => content + end).join('');
      const expected: { type: string; data: string }[] = [];
      const peer = createParser({ onEvent: ({ event, data }) => void expected.push({ type: event ?? 'message', data }) });
      const parse = createEventParser();
      const found: { type: string; data: string }[] = [];
      const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
      // A return at the very end may be half of a line's end: what follows decides.
      for (const piece of [...places.slice(1).map((to, index) => text.slice(places[index], to)), ':\n']) {
        peer.feed(piece);
        found.push(...parse(piece).map(({ type, data }) => ({ type, data })));
      }
      expect(found).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test('an event without an id has the one that the stream has come to', () => {
  const parse = createEventParser();
  expect(parse('event: open\ndata: {}\n\nid: a\nevent: call\ndata: 1\n\nevent: heartbeat\ndata: 2\n\nid\ndata: 3\n\n')).toEqual([
    { type: 'open', data: '{}', id: undefined },
    { type: 'call', data: '1', id: 'a' },
    { type: 'heartbeat', data: '2', id: 'a' },
    { type: 'message', data: '3', id: '' },
  ]);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import { EventIdRewriter } from './rewrite-event-ids.ts';
import { SseWatch } from './sse-watch.ts';

/** A stream cut into chunks at any places. */
const stream = fc
  .tuple(
    fc.array(
      fc.record({
        id: fc.option(fc.stringMatching(/^[a-z0-9-]{0,12}$/)),
        data: fc.array(fc.stringMatching(/^[ -~é]{0,40}$/), { minLength: 0, maxLength: 3 }),
        comment: fc.boolean(),
      }),
      { maxLength: 6 },
    ),
    fc.constantFrom('\n', '\r\n'),
    fc.array(fc.nat({ max: 400 }), { maxLength: 12 }),
  )
  .map(([events, eol, cuts]) => {
    const text = events
      .map(({ id, data, comment }) =>
        [...(comment ? [': id: not an id'] : []), ...(id === null ? [] : [`id: ${id}`]), 'event: message', ...data.map((line) => `data: ${line}`), '', ''].join(
          eol,
        ),
      )
      .join('');
    const whole = Buffer.from(text);
    const places = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b);
    const chunks = [...places, whole.length].map((place, index) => whole.subarray(index === 0 ? 0 : places[index - 1], place));
    return { events, text, chunks };
  });

describe('SseWatch', () => {
  test('sees the data of every event however the stream is cut', () => {
    fc.assert(
      fc.property(stream, ({ events, chunks }) => {
        const seen: (string | null)[] = [];
        const watch = new SseWatch(1024, (data) => seen.push(data?.toString('utf8') ?? null));
        for (const chunk of chunks) watch.feed(chunk);
        expect(seen).toEqual(events.filter((event) => event.data.length > 0).map((event) => event.data.join('\n')));
        expect(watch.betweenEvents).toBe(true);
      }),
    );
  });

  test('M25: an event above the bound is noticed before it ends, one of 16 MiB is not', () => {
    const feed = (bytes: number): boolean => {
      const watch = new SseWatch(1024);
      const chunk = Buffer.alloc(1024 * 1024, 'x');
      watch.feed(Buffer.from('data: '));
      for (let sent = 0; sent < bytes; sent += chunk.length) watch.feed(chunk);
      return watch.oversized;
    };
    expect(feed(16 * 1024 * 1024)).toBe(false);
    expect(feed(20 * 1024 * 1024)).toBe(true);
    expect(bounds.sseEventBytesMax).toBeLessThan(20 * 1000 * 1000);
  });

  test('keeps of an event that is longer than it may keep what the record needs, in however many lines and pieces it comes', () => {
    const reply = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: ['a text', '"isError":false'], isError: true } }, null, 1);
    fc.assert(
      fc.property(
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 16, max: 60 }),
        fc.boolean(),
        (eol, pieceBytes, keptBytes, lines) => {
          const data = lines ? reply.split('\n') : [reply.replaceAll('\n', '')];
          const noise = [`: ${'x'.repeat(100)}`, `id: ${'y'.repeat(100)}`];
          const text = Buffer.from(['data: short', '', ...data.flatMap((line) => [`data: ${line}`, ...noise]), '', ''].join(eol));
          const watch = new SseWatch(keptBytes);
          for (let at = 0; at < text.length; at += pieceBytes) watch.feed(text.subarray(at, at + pieceBytes));
          expect(JSON.parse(watch.lastData?.toString() ?? '')).toEqual({ result: { isError: true } });
          watch.feed(Buffer.from(`data: short${eol}${eol}`));
          expect(watch.lastData?.toString()).toBe('short');
        },
      ),
    );
    let seen: Buffer | null | undefined;
    new SseWatch(16, (data) => (seen = data)).feed(Buffer.from(`data: ${'x'.repeat(17)}\n\n`));
    expect(seen).toBeNull();
  });
});

describe('EventIdRewriter', () => {
  test('changes id lines and not one other byte, however the stream is cut', () => {
    fc.assert(
      fc.property(stream, ({ text, chunks }) => {
        const rewriter = new EventIdRewriter((id) => `<${id}>`);
        const out = Buffer.concat([...chunks.map((chunk) => rewriter.transform(chunk)), rewriter.rest()]).toString('utf8');
        expect(out).toBe(text.replace(/^id: ([^\r\n]+)/gm, 'id: <$1>'));
      }),
    );
  });
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventStream } from './event-stream.ts';

function read(text: string, cuts: readonly number[] = [], bytesMax = 1_000): { data: (string | null)[]; stream: EventStream } {
  const data: (string | null)[] = [];
  const stream = new EventStream(bytesMax, (event) => data.push(event === null ? null : event.toString()));
  const bytes = Buffer.from(text);
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1))), bytes.length].sort((a, b) => a - b);
  let at = 0;
  for (const end of ends) {
    // The socket's memory is used again after each part.
    const part = Buffer.from(bytes.subarray(at, end));
    stream.feed(part);
    part.fill(0x78);
    at = end;
  }
  return { data, stream };
}

const text = [
  ': a comment\n\n',
  'id: e0\nretry: 70\ndata:\n\n',
  'event: message\r\nid:e1\r\ndata: {"a":\r\ndata: 1}\r\n\r\n',
  'data: two\n\n',
  'id\ndata: three\n\nid: e4\ndata: never dispatched\n',
].join('');

test('however the bytes come, each event is read once, and where the stream can be taken up again', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 8 }), (cuts) => {
      const { data, stream } = read(text, cuts);
      expect(data).toEqual(['{"a":\n1}', 'two', 'three']);
      expect([stream.lastEventId, stream.retryMs]).toEqual(['', 70]);
    }),
  );
});

test('the last id is that of the last event that came whole, and holds until there is another', () => {
  expect(read('id: a\ndata: 1\n\ndata: 2\n\nid: b\ndata: 3\n').stream.lastEventId).toBe('a');
});

test('an event that is too long ends it, whole or not', () => {
  for (const long of [`data: ${'x'.repeat(30)}\n\n`, `data: ${'x'.repeat(30)}`, 'data: x\n'.repeat(30)])
    expect(read(`data: 1\n\n${long}`, [], 30).data.slice(0, 2)).toEqual(['1', null]);
  expect(read('data: 123456789\n\n'.repeat(30), [], 30).data).toHaveLength(30);
});

test('a server may not ask for a pause of more than a minute', () => {
  expect(read('retry: 99999999\n\n').stream.retryMs).toBe(60_000);
  expect(read('retry: soon\n\n').stream.retryMs).toBeNull();
});

test('an event that comes byte by byte costs the memory of its bytes', () => {
  const bytes = 4 * 1024 * 1024;
  let read = 0;
  const stream = new EventStream(2 * bytes, (data) => (read += data?.length ?? 0));
  const before = process.memoryUsage().rss;
  const part = Buffer.from('x');
  stream.feed(Buffer.from('data: '));
  for (let index = 0; index < bytes; index++) stream.feed(part);
  const after = process.memoryUsage().rss;
  stream.feed(Buffer.from('\n\n'));
  expect(read).toBe(bytes);
  expect(after - before).toBeLessThan(100 * 1024 * 1024);
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lineReader } from './line-reader.ts';

function read(chunks: readonly Buffer[], bytesMax = 1024): { lines: string[]; tooLong: number } {
  const lines: string[] = [];
  let tooLong = 0;
  const reader = lineReader(
    bytesMax,
    (line) => lines.push(line.toString('latin1')),
    () => tooLong++,
  );
  for (const chunk of chunks) reader.feed(chunk);
  return { lines, tooLong };
}

describe('lineReader', () => {
  test('gives the same lines however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[^\n\r]{0,20}$/)), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (lines, sizes) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(read(chunks).lines).toEqual(lines.map((line) => Buffer.from(line).toString('latin1')));
      }),
    );
  });

  test('a carriage return before the newline is no part of the line', () => {
    expect(read([Buffer.from('a\r'), Buffer.from('\nb\n')]).lines).toEqual(['a', 'b']);
  });

  test('P4: a line that is too long is reported once, before its end has come, and nothing is read after it', () => {
    expect(read([Buffer.from('ok\n'), Buffer.alloc(30, 'a'), Buffer.alloc(30, 'a'), Buffer.from('\n{}\n')], 50)).toEqual({ lines: ['ok'], tooLong: 1 });
    expect(read([Buffer.alloc(50, 'a'), Buffer.from('\n')], 50).lines).toHaveLength(1);
  });
});

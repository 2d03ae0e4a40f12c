import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from './byte-writer.ts';

function readText(bytes: Buffer): { text: string; end: number } {
  let length = 0;
  let at = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++] ?? 0;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  return { text: bytes.toString('utf8', at, at + length), end: at + length };
}

test('any text is read back as it was, whatever its length and characters', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 300 }), fc.string({ minLength: 100, maxLength: 20_000 })),
      (text) => {
        const writer = new ByteWriter(16);
        writer.text(text);
        writer.u8(0xab);
        const bytes = writer.bytes.subarray(0, writer.length);
        const read = readText(bytes);
        expect(read.text).toBe(text.toWellFormed());
        expect([...bytes.subarray(read.end)]).toEqual([0xab]);
      },
    ),
  );
});

test('a lone surrogate becomes the replacement character, as UTF-8 has no other way', () => {
  const writer = new ByteWriter(16);
  writer.text('a\ud800b');
  expect(readText(writer.bytes).text).toBe('a\ufffdb');
});

test('integers are little-endian, exact up to 2^53, and 32 bits saturate', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const writer = new ByteWriter(1);
      writer.u64(value);
      writer.u32(value);
      expect(writer.bytes.readBigUInt64LE(0)).toBe(BigInt(value));
      expect(writer.bytes.readUInt32LE(8)).toBe(Math.min(value, 0xffffffff));
    }),
  );
});

import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bounds } from './bounds.ts';
import { createSealer } from './seal.ts';

const sealer = createSealer(randomBytes(32));

describe('seal', () => {
  test('any bytes come back unchanged under the same associated text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000, size: 'max' }), fc.string(), (plain, associated) => {
        expect(sealer.open(sealer.seal(plain, associated), associated)).toEqual(Buffer.from(plain));
      }),
    );
  });

  test('one changed bit anywhere, or a cut, opens to null', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(), fc.nat(7), (plain, place, bit) => {
        const sealed = sealer.seal(plain, 'a');
        const changed = Buffer.from(sealed);
        const at = place % sealed.length;
        changed.writeUInt8(changed.readUInt8(at) ^ (1 << bit), at);
        expect(sealer.open(changed, 'a')).toBeNull();
        expect(sealer.open(sealed.subarray(0, at), 'a')).toBeNull();
      }),
    );
  });

  test('another associated text or another key opens to null', () => {
    const sealed = sealer.seal(Buffer.from('answer'), 'principal-1');
    expect(sealer.open(sealed, 'principal-2')).toBeNull();
    expect(createSealer(randomBytes(32)).open(sealed, 'principal-1')).toBeNull();
  });

  test('the same value sealed twice differs, beyond one pool of nonces', () => {
    const seen = new Set(Array.from({ length: 1000 }, () => sealer.seal(Buffer.alloc(0), '').toString('hex', 1, 13)));
    expect(seen.size).toBe(1000);
  });

  test('a sealed value holds no plain bytes', () => {
    expect(sealer.seal(Buffer.from('a-recognisable-secret'), 'x').includes('recognisable')).toBe(false);
  });

  test('wiping the key buffer afterwards does not change the sealer', () => {
    const key = randomBytes(32);
    const other = createSealer(key);
    const sealed = other.seal(Buffer.from('kept'), '');
    key.fill(0);
    expect(other.open(sealed, '')?.toString()).toBe('kept');
  });

  test('what an earlier key has sealed is opened, and the first alone seals', () => {
    const [first, earlier] = [randomBytes(32), randomBytes(32)];
    const both = createSealer(first, earlier);
    const before = createSealer(earlier).seal(Buffer.from('kept'), 'a');
    expect([both.open(before, 'a')?.toString(), both.open(before, 'b')]).toEqual(['kept', null]);
    const after = both.seal(Buffer.from('new'), 'a');
    expect([createSealer(first).open(after, 'a')?.toString(), createSealer(earlier).open(after, 'a')]).toEqual(['new', null]);
  });

  test('a key of another length is refused', () => {
    expect(() => createSealer(randomBytes(16))).toThrow(RangeError);
    expect(() => createSealer(randomBytes(32), randomBytes(31))).toThrow(RangeError);
  });
});

describe('sealed text', () => {
  test('is URL-safe and comes back unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (plain) => {
        const text = sealer.sealText(plain, 's');
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(sealer.openText(text, 's')).toBe(plain);
      }),
    );
  });

  test('only the one canonical spelling opens', () => {
    const text = sealer.sealText('handle', 's');
    for (const other of [`${text}=`, `${text} `, ` ${text}`, `${text}!`, text.slice(0, 4) + '\n' + text.slice(4), '']) {
      expect(sealer.openText(other, 's')).toBeNull();
    }
  });

  test('is bounded both ways', () => {
    expect(() => sealer.sealText('x'.repeat(bounds.sessionHandleBytesMax), 's')).toThrow(RangeError);
    expect(sealer.openText('A'.repeat(bounds.sessionHandleBytesMax + 1), 's')).toBeNull();
  });
});

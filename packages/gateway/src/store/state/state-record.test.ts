import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeRecord, readRecords, type StateRecord } from './state-record.ts';

const key = fc.string({ unit: 'grapheme', maxLength: 40 });
const expiresAtMs = fc.double({ min: 0, max: 2 ** 53, noNaN: true });
const anyRecord: fc.Arbitrary<StateRecord> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), key, expiresAtMs, value: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) }),
  fc.record({ kind: fc.constant('touch' as const), key, expiresAtMs }),
  fc.record({ kind: fc.constant('delete' as const), key }),
);

function read(bytes: Buffer): { records: StateRecord[]; length: number } {
  const records: StateRecord[] = [];
  return { length: readRecords(bytes, (record) => records.push(record)), records };
}

describe('records of the shared state', () => {
  test('come back as they were written', () => {
    fc.assert(
      fc.property(fc.array(anyRecord), (records) => {
        const bytes = Buffer.concat(records.map(encodeRecord));
        expect(read(bytes)).toEqual({ records, length: bytes.length });
      }),
    );
  });

  test('cut anywhere, all that were whole are read and nothing else', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1 }), fc.nat(), (records, place) => {
        const parts = records.map(encodeRecord);
        const bytes = Buffer.concat(parts);
        const cut = place % bytes.length;
        let whole = 0;
        let length = 0;
        while (length + (parts[whole]?.length ?? 0) <= cut) length += parts[whole++]?.length ?? 0;
        expect(read(bytes.subarray(0, cut))).toEqual({ records: records.slice(0, whole), length });
      }),
    );
  });

  test('with one bit changed, or in any bytes at all, nothing is read that was not written', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1 }), fc.nat(), fc.nat(7), (records, place, bit) => {
        const bytes = Buffer.concat(records.map(encodeRecord));
        const at = place % bytes.length;
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
        const { records: found } = read(bytes);
        expect(found).toEqual(records.slice(0, found.length));
        expect(found.length).toBeLessThan(records.length);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(read(Buffer.from(bytes)).length).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});

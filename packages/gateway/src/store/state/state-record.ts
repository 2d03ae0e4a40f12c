import { crc32 } from 'node:zlib';

/** One change of the embedded shared state, as it lies in its files. */
export type StateRecord =
  | { readonly kind: 'set'; readonly key: string; readonly expiresAtMs: number; readonly value: Uint8Array }
  | { readonly kind: 'touch'; readonly key: string; readonly expiresAtMs: number }
  | { readonly kind: 'delete'; readonly key: string };

/**
 * Length of the payload and its CRC-32, four bytes each, little-endian. The payload is the kind (1), when the value ends (8, milliseconds
 * since the epoch), the length of the key (2), the key, and the value.
 */
const headBytes = 8;
const fixedBytes = 11;
const kinds = ['set', 'touch', 'delete'] as const;

export function encodeRecord(record: StateRecord): Buffer {
  const key = Buffer.from(record.key);
  if (key.length > 0xffff) throw new RangeError('a key of shared state has at most 65,535 bytes');
  const value = record.kind === 'set' ? record.value : null;
  const payloadBytes = fixedBytes + key.length + (value?.length ?? 0);
  const bytes = Buffer.allocUnsafe(headBytes + payloadBytes);
  bytes.writeUInt32LE(payloadBytes, 0);
  bytes.writeUInt8(kinds.indexOf(record.kind), headBytes);
  bytes.writeDoubleLE(record.kind === 'delete' ? 0 : record.expiresAtMs, headBytes + 1);
  bytes.writeUInt16LE(key.length, headBytes + 9);
  bytes.set(key, headBytes + fixedBytes);
  if (value !== null) bytes.set(value, headBytes + fixedBytes + key.length);
  bytes.writeUInt32LE(crc32(bytes.subarray(headBytes)), 4);
  return bytes;
}

/** Reads records from the start of `bytes` up to what is no whole record. Returns how many bytes were read. */
export function readRecords(bytes: Buffer, onRecord: (record: StateRecord) => void): number {
  let at = 0;
  while (at + headBytes <= bytes.length) {
    const end = at + headBytes + bytes.readUInt32LE(at);
    if (end > bytes.length || end < at + headBytes + fixedBytes) break;
    const payload = bytes.subarray(at + headBytes, end);
    if (crc32(payload) !== bytes.readUInt32LE(at + 4)) break;
    const record = recordOf(payload);
    if (record === null) break;
    onRecord(record);
    at = end;
  }
  return at;
}

function recordOf(payload: Buffer): StateRecord | null {
  const kind = kinds[payload.readUInt8(0)];
  const expiresAtMs = payload.readDoubleLE(1);
  const valueAt = fixedBytes + payload.readUInt16LE(9);
  if (kind === undefined || valueAt > payload.length) return null;
  const key = payload.toString('utf8', fixedBytes, valueAt);
  if (kind === 'delete') return { kind, key };
  return kind === 'touch' ? { kind, key, expiresAtMs } : { kind, key, expiresAtMs, value: payload.subarray(valueAt) };
}

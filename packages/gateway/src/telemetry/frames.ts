import { frameHeadBytes, frameKind, intentColumns, outcomeColumns, type Column } from '../record/call-row.ts';
import { bounds } from '../kernel/bounds.ts';

/** What the bytes of a segment hold, up to where they stop making sense. */
export interface Scan {
  /** Bytes from the start that are whole frames. */
  readonly scanned: number;
  /** `partial`: a frame begins that does not end here, `needed` bytes long; `corrupt`: what begins here is no frame. */
  readonly rest: 'none' | 'partial' | 'corrupt';
  readonly needed: number;
}

/**
 * Walks the frames in `bytes` (framing: record/call-row.ts) and says of each where its payload lies. `onFrame` returns false
 * to stop after that frame.
 */
export function scanFrames(bytes: Buffer, onFrame: (kind: 'intent' | 'outcome', callNumber: number, start: number, end: number) => boolean): Scan {
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    const payloadAt = at + frameHeadBytes;
    const end = at + 4 + length;
    if (payloadAt > end || length > bounds.journalFrameBytesMax) return { scanned: at, rest: 'corrupt', needed: 0 };
    if (at + 4 < bytes.length && !isKind(bytes[at + 4])) return { scanned: at, rest: 'corrupt', needed: 0 };
    if (end > bytes.length) return { scanned: at, rest: 'partial', needed: end - at };
    const kind = bytes[at + 4] === frameKind.intent ? 'intent' : 'outcome';
    const more = onFrame(kind, bytes.readUInt32LE(at + 5), payloadAt, end);
    at = end;
    if (!more) break;
  }
  return { scanned: at, rest: at === bytes.length ? 'none' : 'partial', needed: frameHeadBytes };
}

function isKind(value: number | undefined): boolean {
  return value === frameKind.intent || value === frameKind.outcome;
}

const known = new Map([...intentColumns, ...outcomeColumns].map((column) => [column.name, column]));

/** The columns that a segment's header names, or null where this program does not know one of them. */
export function columnsOf(names: readonly string[]): readonly Column[] | null {
  const columns = names.map((name) => known.get(name));
  return columns.every((column) => column !== undefined) ? columns : null;
}

/** Where each column lies in the RowBinary bytes from `from` to `to`, into `places`: two numbers a column, of a text without its length. False where they are not exactly these columns. */
export function locate(columns: readonly Column[], bytes: Buffer, from: number, to: number, places: Int32Array): boolean {
  let at = from;
  let index = 0;
  for (const { type } of columns) {
    let length = widths[type];
    if (length === null) {
      const text = readLength(bytes, at);
      if (text === null) return false;
      ({ length, at } = text);
    }
    places[index++] = at;
    at += length;
    if (at > to) return false;
    places[index++] = at;
  }
  return at === to;
}

/** Bytes of a value; null: a text with its length before it. */
export const widths: Readonly<Record<Column['type'], number | null>> = {
  String: null,
  'LowCardinality(String)': null,
  'FixedString(32)': 32,
  'FixedString(16)': 16,
  "DateTime64(6, 'UTC')": 8,
  UInt8: 1,
  UInt16: 2,
  UInt32: 4,
  UInt64: 8,
  Int32: 4,
  'Decimal(18, 9)': 8,
};

/** A LEB128 length and where the text after it begins. */
export function readLength(bytes: Buffer, at: number): { readonly length: number; readonly at: number } | null {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { length, at: at + index + 1 };
  }
  return null;
}

/** Rows of ClickHouse's RowBinaryWithNamesAndTypes (https://clickhouse.com/docs/interfaces/formats/RowBinaryWithNamesAndTypes), undecoded. */

export interface RawRow {
  readonly bytes: Buffer;
  /** Its last column, a UInt64. */
  readonly sequence: number;
}

/** The rows one after the other. Throws where a type is none of ours, or the bytes end within a row. */
export function* readRows(bytes: Buffer): Generator<RawRow, undefined> {
  if (bytes.length === 0) return undefined;
  let at = 0;
  const count = number();
  for (let index = 0; index < count; index++) text();
  const types = Array.from({ length: count }, () => widthOf(text()));
  while (at < bytes.length) {
    const start = at;
    for (const width of types) {
      if (width === null) {
        const length = number();
        at += length;
      } else at += width;
    }
    if (at > bytes.length) throw new RangeError('the ledger sent half a row');
    yield { bytes: bytes.subarray(start, at), sequence: Number(bytes.readBigUInt64LE(at - 8)) };
  }
  return undefined;

  /** LEB128. */
  function number(): number {
    let value = 0;
    for (let index = 0; index < 5; index++) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value;
    }
    throw new RangeError('the ledger sent a length that is none');
  }

  function text(): string {
    const length = number();
    return bytes.toString('utf8', at, (at += length));
  }
}

/** Bytes of a value; null: a text with its length before it. */
function widthOf(type: string): number | null {
  const inner = /^LowCardinality\((.+)\)$/.exec(type)?.[1] ?? type;
  if (inner === 'String') return null;
  const fixed = /^FixedString\((\d+)\)$/.exec(inner)?.[1];
  if (fixed !== undefined) return Number(fixed);
  const integer = /^U?Int(8|16|32|64|128|256)$/.exec(inner)?.[1];
  if (integer !== undefined) return Number(integer) / 8;
  const decimal = /^Decimal\((\d+), \d+\)$/.exec(inner)?.[1];
  if (decimal !== undefined) return Number(decimal) <= 9 ? 4 : Number(decimal) <= 18 ? 8 : Number(decimal) <= 38 ? 16 : 32;
  if (inner.startsWith('DateTime64(') || inner === 'Float64') return 8;
  if (/^DateTime(?:\(|$)/.test(inner) || inner === 'Float32') return 4;
  if (inner === 'Bool' || inner.startsWith('Enum8(')) return 1;
  if (inner === 'Date' || inner.startsWith('Enum16(')) return 2;
  throw new TypeError(`rows of the type ${type} cannot be read`);
}

/**
 * record: what happened. One wide record a call, written to the journal as an intent before the first byte goes
 * upstream and as an outcome before the last byte of the reply. Imports `kernel/`; types from other rooms.
 */

/** A growing buffer with the writes of ClickHouse's RowBinary. Integers are little-endian; text is a LEB128 length and UTF-8. */
export class ByteWriter {
  bytes: Buffer;
  length = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Makes room for `more` bytes. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.length = this.bytes.writeUInt16LE(value, this.length);
  }

  u32(value: number): void {
    this.reserve(4);
    this.length = this.bytes.writeUInt32LE(value > 0xffffffff ? 0xffffffff : value, this.length);
  }

  i32(value: number): void {
    this.reserve(4);
    this.length = this.bytes.writeInt32LE(value, this.length);
  }

  /** An integer of at most 2^53 in eight bytes: UInt64, and Int64 for what is not negative. */
  u64(value: number): void {
    this.reserve(8);
    const high = Math.floor(value / 0x100000000);
    this.bytes.writeUInt32LE(value - high * 0x100000000, this.length);
    this.length = this.bytes.writeUInt32LE(high, this.length + 4);
  }

  /** Characters of ASCII without a length: FixedString. */
  fixed(ascii: string): void {
    this.reserve(ascii.length);
    const { bytes } = this;
    let at = this.length;
    for (let index = 0; index < ascii.length; index++) bytes[at++] = ascii.charCodeAt(index);
    this.length = at;
  }

  text(value: string): void {
    const { length } = value;
    if (length > shortTextMax) return this.longText(value);
    this.reserve(1 + length * 3);
    const { bytes } = this;
    const start = this.length;
    // For a few characters a loop beats the call into native code.
    for (let index = 0, at = start + 1; index < length; index++, at++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) return this.longText(value);
      bytes[at] = code;
    }
    bytes[start] = length;
    this.length = start + 1 + length;
  }

  block(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  private longText(value: string): void {
    let rest = Buffer.byteLength(value);
    this.reserve(5 + rest);
    const size = rest;
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
    this.bytes.write(value, this.length, size, 'utf8');
    this.length += size;
  }
}

const shortTextMax = 40;

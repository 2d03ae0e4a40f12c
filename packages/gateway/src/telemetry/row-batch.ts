import { ByteWriter } from '../record/byte-writer.ts';

/** A row of `calls`: the two halves of its RowBinary, as views. */
export interface Row {
  readonly intent: Buffer;
  readonly outcome: Buffer;
}

/**
 * Rows on their way to the ledger, in one piece of memory as an insert sends them. Thousands of views a second would cost
 * more in garbage collection than all the rest of their way.
 */
export class RowBatch {
  readonly #writer: ByteWriter;
  /** Two a row: where its intent ends, where it ends. */
  readonly #ends: number[] = [];

  constructor(capacity = 64 * 1024) {
    this.#writer = new ByteWriter(capacity);
  }

  static of(rows: Iterable<Row>): RowBatch {
    const batch = new RowBatch();
    for (const { intent, outcome } of rows) batch.add(intent, 0, intent.length, outcome, 0, outcome.length);
    return batch;
  }

  get count(): number {
    return this.#ends.length / 2;
  }

  /** Two a row: where its first half ends, where it ends. */
  get ends(): readonly number[] {
    return this.#ends;
  }

  get byteLength(): number {
    return this.#writer.length;
  }

  get bytes(): Buffer {
    return this.#writer.bytes.subarray(0, this.#writer.length);
  }

  /** Copies both halves. */
  add(intent: Buffer, intentStart: number, intentEnd: number, outcome: Buffer, outcomeStart: number, outcomeEnd: number): void {
    this.#half(intent, intentStart, intentEnd);
    this.#half(outcome, outcomeStart, outcomeEnd);
  }

  rows(): Row[] {
    return Array.from({ length: this.count }, (_, row) => {
      const { bytes, start, middle, end } = this.place(row);
      return { intent: bytes.subarray(start, middle), outcome: bytes.subarray(middle, end) };
    });
  }

  /** Where the halves of one row lie until another is added. */
  place(row: number): { readonly bytes: Buffer; readonly start: number; readonly middle: number; readonly end: number } {
    const ends = this.#ends;
    return { bytes: this.#writer.bytes, start: row === 0 ? 0 : (ends[row * 2 - 1] ?? 0), middle: ends[row * 2] ?? 0, end: ends[row * 2 + 1] ?? 0 };
  }

  #half(from: Buffer, start: number, end: number): void {
    const writer = this.#writer;
    writer.reserve(end - start);
    writer.length += from.copy(writer.bytes, writer.length, start, end);
    this.#ends.push(writer.length);
  }
}

import type { Column } from '../record/call-row.ts';
import { locate } from './frames.ts';
import type { RowShape } from './read-segment.ts';
import type { RowBatch } from './row-batch.ts';

/**
 * One row of `calls` in its two RowBinary halves. `at` finds where each column lies and decodes nothing; a column is decoded when it
 * is asked for. The same object reads one row after the other, so it is good until the next `at` only.
 */
export class CallRowReader {
  readonly shape: RowShape;
  /** Two numbers a column: where it begins and ends. */
  private readonly intentExtents: Int32Array;
  private readonly outcomeExtents: Int32Array;
  private readonly places = new Map<string, { readonly half: 'intent' | 'outcome'; readonly index: number; readonly column: Column }>();
  private intent: Buffer = empty;
  private outcome: Buffer = empty;
  private intentAt: readonly [start: number, end: number] = [0, 0];
  private outcomeAt: readonly [start: number, end: number] = [0, 0];

  constructor(shape: RowShape) {
    this.shape = shape;
    this.intentExtents = new Int32Array(shape.intent.length * 2);
    this.outcomeExtents = new Int32Array(shape.outcome.length * 2);
    for (const [index, column] of shape.intent.entries()) this.places.set(column.name, { half: 'intent', index, column });
    for (const [index, column] of shape.outcome.entries()) this.places.set(column.name, { half: 'outcome', index, column });
  }

  /** False where the bytes are not exactly these columns. */
  at(intent: Buffer, intentStart: number, intentEnd: number, outcome: Buffer, outcomeStart: number, outcomeEnd: number): boolean {
    this.intent = intent;
    this.outcome = outcome;
    this.intentAt = [intentStart, intentEnd];
    this.outcomeAt = [outcomeStart, outcomeEnd];
    return (
      locate(this.shape.intent, intent, intentStart, intentEnd, this.intentExtents) &&
      locate(this.shape.outcome, outcome, outcomeStart, outcomeEnd, this.outcomeExtents)
    );
  }

  /** Copies the row as it is. */
  copyTo(batch: RowBatch): void {
    batch.add(this.intent, ...this.intentAt, this.outcome, ...this.outcomeAt);
  }

  /** Of a text or a FixedString; empty where rows of this shape have no such column. */
  text(name: string): string {
    const place = this.places.get(name);
    if (place === undefined) return '';
    const extents = place.half === 'intent' ? this.intentExtents : this.outcomeExtents;
    const bytes = place.half === 'intent' ? this.intent : this.outcome;
    return bytes.toString('utf8', extents[place.index * 2], extents[place.index * 2 + 1]);
  }

  /** Of an integer, exact up to 2^53: times in microseconds, amounts in billionths. 0 where rows of this shape have no such column. */
  number(name: string): number {
    const place = this.places.get(name);
    if (place === undefined) return 0;
    const extents = place.half === 'intent' ? this.intentExtents : this.outcomeExtents;
    const bytes = place.half === 'intent' ? this.intent : this.outcome;
    const start = extents[place.index * 2] ?? 0;
    switch (place.column.type) {
      case 'UInt8':
        return bytes.readUInt8(start);
      case 'UInt16':
        return bytes.readUInt16LE(start);
      case 'UInt32':
        return bytes.readUInt32LE(start);
      case 'Int32':
        return bytes.readInt32LE(start);
      case 'UInt64':
      case "DateTime64(6, 'UTC')":
      case 'Decimal(18, 9)':
        // None of ours is negative.
        return bytes.readUInt32LE(start + 4) * 0x100000000 + bytes.readUInt32LE(start);
      default:
        return 0;
    }
  }
}

const empty = Buffer.alloc(0);

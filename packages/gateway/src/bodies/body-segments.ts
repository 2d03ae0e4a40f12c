/**
 * Files of masked rows on their way to the ledger. A file is written under the ending `.open` and handed over by its renaming: then it is whole, and is
 * sent and deleted as one. It begins with a JSON line (`SegmentHead`) and holds frames: `u32 LE length of what follows`,
 * `u32 LE sequence`, `u8 length of the source`, source, row.
 */
import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { bounds } from '../kernel/bounds.ts';

export type BodyTable = 'payloads' | 'counted_tokens';

export interface SegmentHead {
  readonly format: 1;
  readonly table: BodyTable;
  readonly columns: readonly string[];
}

export const openEnding = '.open';

export interface BodySegments {
  append(row: Buffer, source: string, sequence: number): void;
  /** Writes what is at hand, and hands the file over where it is old or large enough, or at once with `force`. */
  flush(force: boolean): void;
  /** Rows that could not be written, since the last time that it was asked. */
  takeLost(): number;
}

export interface BodySegmentsOptions {
  readonly folder: string;
  /** Unique for the life of the folder. */
  readonly writer: string;
  readonly table: BodyTable;
  readonly columns: readonly string[];
}

/** Hands over what a process that is gone has left: only one writes here at a time. */
export function handOverLeft(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder)) if (name.endsWith(openEnding)) renameSync(join(folder, name), join(folder, name.slice(0, -openEnding.length)));
}

export function createBodySegments({ folder, writer, table, columns }: BodySegmentsOptions): BodySegments {
  const head = Buffer.from(`${JSON.stringify({ format: 1, table, columns } satisfies SegmentHead)}\n`);
  let number = 0;
  let file: { readonly fd: number; readonly path: string; readonly openedAt: number; bytes: number } | null = null;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let lost = 0;

  function write(): void {
    if (waiting.length === 0) return;
    const rows = waiting;
    waiting = [];
    waitingBytes = 0;
    const bytes = Buffer.concat(rows);
    try {
      file ??= begin();
      writeAll(file.fd, bytes);
      file.bytes += bytes.length;
    } catch {
      // A full disk: bodies go first. What was written of them ends in half a frame, which a reader drops.
      lost += rows.length;
      end();
    }
  }

  function begin(): NonNullable<typeof file> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${writer}-${String(number++).padStart(8, '0')}.${table}`);
    const fd = openSync(`${path}${openEnding}`, 'ax', 0o600);
    try {
      writeAll(fd, head);
    } catch (error) {
      closeSync(fd);
      rmSync(`${path}${openEnding}`, { force: true });
      throw error;
    }
    return { fd, path, openedAt: performance.now(), bytes: head.length };
  }

  function end(): void {
    const ended = file;
    file = null;
    if (ended === null) return;
    try {
      closeSync(ended.fd);
      renameSync(`${ended.path}${openEnding}`, ended.path);
    } catch {
      // The folder was taken away.
      lost += 1;
    }
  }

  return {
    append(row, source, sequence) {
      const name = Buffer.from(source);
      const frame = Buffer.allocUnsafe(9 + name.length);
      frame.writeUInt32LE(5 + name.length + row.length, 0);
      frame.writeUInt32LE(sequence, 4);
      frame.writeUInt8(name.length, 8);
      name.copy(frame, 9);
      waiting.push(Buffer.concat([frame, row]));
      waitingBytes += frame.length + row.length;
      if (waitingBytes >= bounds.bodySegmentBytesMax / 8) this.flush(false);
    },
    flush(force) {
      write();
      if (file === null) return;
      // The ledger sorts and indexes each file by itself, and again with others: many small ones cost more than the calls in them.
      const ageMsMax = file.bytes < bounds.bodySegmentSmallBytes ? bounds.bodySegmentMs : bounds.bodySegmentLargeMs;
      if (force || file.bytes >= bounds.bodySegmentBytesMax || performance.now() - file.openedAt >= ageMsMax) end();
    },
    takeLost() {
      const count = lost;
      lost = 0;
      return count;
    },
  };
}

function writeAll(fd: number, bytes: Buffer): void {
  let at = 0;
  while (at < bytes.length) at += writeSync(fd, bytes, at, bytes.length - at);
}

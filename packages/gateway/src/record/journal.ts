/**
 * The journal: append-only segments on local disk, one writer a worker. All entries of one turn of the event loop share one
 * `write`, so that the kernel holds every intent before its call goes upstream and every outcome before its reply ends: killing
 * every process loses neither. `sync` adds one fdatasync a turn against power loss.
 */
import { closeSync, fdatasyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { ByteWriter } from './byte-writer.ts';
import { frameHeadBytes, frameKind, intentColumns, outcomeColumns, type SegmentHeader } from './call-row.ts';

export interface Journal {
  /** Opens a frame in the buffer of this turn; write the payload with `writer`, then call `end`. */
  begin(kind: 'intent' | 'outcome', callNumber: number): ByteWriter;
  end(): void;
  /**
   * Settles when everything ended so far is with the kernel. Rejects with `audit_blocked` when it could not be written;
   * then nothing of the turn counts as recorded.
   */
  committed(): Promise<void>;
  /** Null while entries can be written; else since when they cannot. */
  blockedSinceMs(): number | null;
  close(): void;
}

export interface JournalOptions {
  readonly folder: string;
  /** Unique for the life of the state folder: `{boot}-{worker}`. */
  readonly writer: string;
  readonly segmentBytesMax: number;
  readonly sync: boolean;
  readonly log: Log;
  /** Runs its argument once at the end of the current turn of the event loop. */
  readonly atTurnEnd?: (task: () => void) => void;
}

interface Turn {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (fault: Fault) => void;
}

const header = (writer: string, segment: number): Buffer => {
  const value: SegmentHeader = {
    format: 1,
    writer,
    segment,
    intent: intentColumns.map((column) => column.name),
    outcome: outcomeColumns.map((column) => column.name),
  };
  return Buffer.from(`${JSON.stringify(value)}\n`);
};

/** Memory above this is given back after a burst. */
const bufferBytesKept = 1024 * 1024;

export function openJournal(options: JournalOptions): Journal {
  const { folder, writer, segmentBytesMax, sync, log } = options;
  const atTurnEnd = options.atTurnEnd ?? ((task: () => void): void => void setImmediate(task));
  let segment = 0;
  let fd = -1;
  let segmentBytes = 0;
  let buffer = new ByteWriter(64 * 1024);
  let frameStart = 0;
  let turn: Turn | null = null;
  let blockedSince: number | null = null;
  const done = Promise.resolve();

  mkdirSync(folder, { recursive: true, mode: 0o700 });
  openSegment();

  function openSegment(): void {
    const name = `${writer}-${String(segment).padStart(8, '0')}.journal`;
    const opened = openSync(join(folder, name), 'ax', 0o600);
    const head = header(writer, segment);
    try {
      writeAll(opened, head, head.length);
    } catch (error) {
      closeSync(opened);
      segment++;
      throw error;
    }
    fd = opened;
    segmentBytes = head.length;
    segment++;
  }

  function flush(): void {
    const flushed = turn;
    turn = null;
    if (!flushed) return;
    const size = buffer.length;
    try {
      // After a failure the segment may end in half a frame, which a reader takes for the end of the file: go on in a new one.
      if (fd < 0) openSegment();
      writeAll(fd, buffer.bytes, size);
      if (sync) fdatasyncSync(fd);
      segmentBytes += size;
      if (blockedSince !== null) {
        blockedSince = null;
        log.info('journal.recovered', {});
      }
    } catch (error) {
      if (fd >= 0) closeSync(fd);
      fd = -1;
      if (blockedSince === null) {
        blockedSince = Date.now();
        log.error('journal.blocked', { reason: error instanceof Error ? error.message : String(error) });
      }
      reset();
      flushed.reject(new Fault('audit_blocked', {}, { cause: error }));
      return;
    }
    reset();
    if (segmentBytes >= segmentBytesMax) rotate();
    flushed.resolve();
  }

  function reset(): void {
    if (buffer.bytes.length > bufferBytesKept) buffer = new ByteWriter(64 * 1024);
    buffer.length = 0;
  }

  function rotate(): void {
    closeSync(fd);
    fd = -1;
    try {
      openSegment();
    } catch (error) {
      log.warn('journal.rotate_failed', { reason: error instanceof Error ? error.message : String(error) });
    }
  }

  return {
    begin(kind, callNumber) {
      if (turn === null) {
        turn = Promise.withResolvers<void>();
        // A turn that nobody waits for must not become an unhandled rejection.
        turn.promise.catch(() => undefined);
        atTurnEnd(flush);
      }
      frameStart = buffer.length;
      buffer.reserve(frameHeadBytes);
      buffer.length += 4;
      buffer.u8(frameKind[kind]);
      buffer.u32(callNumber);
      return buffer;
    },
    end() {
      buffer.bytes.writeUInt32LE(buffer.length - frameStart - 4, frameStart);
    },
    committed: () => turn?.promise ?? done,
    blockedSinceMs: () => blockedSince,
    close() {
      flush();
      if (fd >= 0) closeSync(fd);
      fd = -1;
    },
  };
}

function writeAll(fd: number, bytes: Buffer, size: number): void {
  let at = 0;
  while (at < size) at += writeSync(fd, bytes, at, size - at);
}

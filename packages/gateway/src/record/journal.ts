/**
 * The journal: append-only segments on local disk, one writer a worker. All entries of one turn of the event loop share one
 * `write`, so that the kernel holds every intent before its call goes upstream and every outcome before its reply ends: killing
 * every process loses neither. `sync` adds one fdatasync a turn against power loss.
 */
import { closeSync, fdatasyncSync, fstatSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { bounds } from '../kernel/bounds.ts';
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
  /** Null while entries can be written; else since when they cannot. It finds out by itself when they can again. */
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
/** How often a segment is looked for in its folder, for one that was removed takes bytes which nobody will read; and how much room there is. */
const lookMs = 500;
/** How often a new segment is tried while none can be written. */
const retryMs = 250;

export function openJournal(options: JournalOptions): Journal {
  const { folder, writer, segmentBytesMax, sync, log } = options;
  const atTurnEnd = options.atTurnEnd ?? ((task: () => void): void => void setImmediate(task));
  let segment = 0;
  let fd = -1;
  let segmentBytes = 0;
  let buffer = new ByteWriter(64 * 1024);
  /** Where the frame under way begins; -1 between two. */
  let frameStart = -1;
  let lookAt = 0;
  /** Bytes of the segment at which the room on the disk is looked at again, whatever the time. */
  let lookAtBytes = 0;
  let retry: NodeJS.Timeout | null = null;
  let turn: Turn | null = null;
  let blockedSince: number | null = null;
  const done = Promise.resolve();

  openSegment();

  function openSegment(): void {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${writer}-${String(segment).padStart(8, '0')}.journal`);
    const opened = openSync(path, 'ax', 0o600);
    const head = header(writer, segment++);
    try {
      writeAll(opened, head, head.length);
    } catch (error) {
      closeSync(opened);
      rmSync(path, { force: true });
      throw error;
    }
    fd = opened;
    segmentBytes = head.length;
    lookAt = performance.now() + lookMs;
    lookAtBytes = 0;
  }

  function flush(): void {
    const flushed = turn;
    turn = null;
    if (!flushed) return;
    dropUnfinished();
    const size = buffer.length;
    try {
      if (fd < 0) throw new Error('no segment can be written');
      look();
      writeAll(fd, buffer.bytes, size);
      if (sync) fdatasyncSync(fd);
      segmentBytes += size;
    } catch (error) {
      reset();
      // It may end in half a frame, which a reader takes for the end of the file: only a new one goes on.
      closeSegment();
      block(error);
      flushed.reject(new Fault('audit_blocked', {}, { cause: error }));
      return;
    }
    reset();
    if (segmentBytes >= segmentBytesMax) rotate();
    flushed.resolve();
  }

  function look(): void {
    const now = performance.now();
    if (now < lookAt && segmentBytes < lookAtBytes) return;
    lookAt = now + lookMs;
    if (fstatSync(fd).nlink === 0) throw new Error('the segment was removed');
    const { isThere, leftBytes } = room();
    lookAtBytes = segmentBytes + leftBytes / 4;
    if (!isThere) holdBack();
  }

  /** Whether the disk has more than is left to others: who brings the journal to the ledger has to note there how far it is. */
  function room(): { readonly isThere: boolean; readonly leftBytes: number } {
    const { bavail, blocks, bsize } = statfsSync(folder);
    const leftBytes = Math.min(bounds.journalRoomLeftBytes, (blocks * bsize) / 8);
    return { isThere: bavail * bsize >= leftBytes, leftBytes };
  }

  /**
   * No further calls, while those under way still have room for their outcomes. The segment ends here: it can be deleted when it is in
   * the ledger, and the last one cannot.
   */
  function holdBack(): void {
    if (blockedSince !== null) return;
    closeSegment();
    openSegment();
    block(new Error('the disk is nearly full'));
  }

  function block(error: unknown): void {
    if (blockedSince !== null) return;
    blockedSince = Date.now();
    log.error('journal.blocked', { reason: reasonOf(error) });
    retry = setInterval(tryAgain, retryMs);
    retry.unref();
  }

  /** Calls are refused while the journal is blocked, so none of them would find out that it no longer is. */
  function tryAgain(): void {
    try {
      if (fd < 0) openSegment();
      if (!room().isThere) return;
    } catch {
      return;
    }
    if (retry) clearInterval(retry);
    retry = null;
    blockedSince = null;
    log.info('journal.recovered', {});
  }

  function closeSegment(): void {
    const closing = fd;
    fd = -1;
    try {
      if (closing >= 0) closeSync(closing);
    } catch (error) {
      // NFS and quotas report a failed write here; what was written is what counts, and that was answered for.
      log.warn('journal.close_failed', { reason: reasonOf(error) });
    }
  }

  /** Whoever threw between `begin` and `end` leaves no half frame before those of other calls. */
  function dropUnfinished(): void {
    if (frameStart >= 0) buffer.length = frameStart;
    frameStart = -1;
  }

  function reset(): void {
    if (buffer.bytes.length > bufferBytesKept) buffer = new ByteWriter(64 * 1024);
    buffer.length = 0;
  }

  function rotate(): void {
    closeSegment();
    try {
      openSegment();
    } catch (error) {
      block(error);
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
      dropUnfinished();
      frameStart = buffer.length;
      buffer.reserve(frameHeadBytes);
      buffer.length += 4;
      buffer.u8(frameKind[kind]);
      buffer.u32(callNumber);
      return buffer;
    },
    end() {
      buffer.bytes.writeUInt32LE(buffer.length - frameStart - 4, frameStart);
      frameStart = -1;
    },
    committed: () => turn?.promise ?? done,
    blockedSinceMs: () => blockedSince,
    close() {
      flush();
      if (retry) clearInterval(retry);
      closeSegment();
    },
  };
}

function writeAll(fd: number, bytes: Buffer, size: number): void {
  let at = 0;
  while (at < size) at += writeSync(fd, bytes, at, size - at);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

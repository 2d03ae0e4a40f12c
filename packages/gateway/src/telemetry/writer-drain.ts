import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { newCursor, readCursor, writeCursor, type Cursor, type PendingIntent, type Plan, type Position } from './cursor.ts';
import type { Delivery } from './deliver.ts';
import { remove, writeWhole, type JournalFolder, type WriterFiles } from './journal-folder.ts';
import { columnsOf } from './frames.ts';
import { readSegment, type RowShape, type SegmentRead } from './read-segment.ts';
import { RowBatch } from './row-batch.ts';
import { createScout } from './scout.ts';
import type { Tap } from './tap.ts';
import { encodeUnknownOutcome } from './unknown-outcome.ts';

export interface WriterDrainOptions {
  readonly writer: string;
  readonly folder: JournalFolder;
  /** Resolves when the ledger has the rows; rejects when telemetry stops. */
  readonly deliver: (delivery: Delivery) => Promise<void>;
  /** Gets every row once, as soon as it is read. */
  readonly tap: Tap;
  readonly clock: Clock;
  readonly log: Log;
}

/** The way of one writer's journal to the ledger. `step` is never called before the last call of it has settled. */
export interface WriterDrain {
  /**
   * Reads on, and sends what is due: at once with `force`, else when there is enough of it or it has waited long enough.
   * `closed`: the writer is gone and wrote nothing after `files` were listed. True when nothing of the writer is left.
   */
  step(files: WriterFiles, closed: boolean, force: boolean): Promise<boolean>;
  /** While a step waits for the ledger: lets the tap see what is written meanwhile. Never rejects. */
  scout(files: WriterFiles): void;
  /** Bytes of these files that are not in the ledger. */
  lagBytes(files: WriterFiles): number;
  /** Bytes of segments that were deleted, all of them in the ledger. */
  removedBytes(): number;
  /** Rows read that are not in the ledger. */
  lagRows(): number;
  /** On the monotonic clock: everything written before it is in the ledger. Null: not known yet. */
  drainedToMs(): number | null;
  /** Entries and file rests that will never be rows: outcomes without an intent, and what could not be read. */
  dropped(): number;
}

/** An intent whose outcome is not read yet: `length` bytes from `start`. */
interface Pending extends PendingIntent {
  bytes: Buffer;
  start: number;
}

const chunkBytes = 256 * 1024;
/** A ledger that takes a batch sooner keeps nobody waiting. */
const scoutAfterMs = 1_000;

export function createWriterDrain({ writer, folder, deliver, tap, clock, log }: WriterDrainOptions): WriterDrain {
  const cursorPath = folder.cursor(writer);
  let committed: Cursor | null = null;
  // Ahead of `committed` by the rows that wait in `rows`.
  let at: Position = { segment: 0, offset: 0 };
  const pending = new Map<number, Pending>();
  let shape: RowShape | null = null;
  const memory = Buffer.allocUnsafeSlow(chunkBytes);
  let rows = new RowBatch();
  let firstRowMs = 0;
  let again = false;
  let dropped = 0;
  let removedBytes = 0;
  let drainedToMs: number | null = null;
  const scout = createScout({ writer, folder, tap });
  /** Rows of the batch that the tap has had. */
  let tapped = 0;
  let sendingSinceMs: number | null = null;
  let scouting: Promise<void> = Promise.resolve();
  let isScouting = false;

  async function step(files: WriterFiles, closed: boolean, force: boolean): Promise<boolean> {
    const startedMs = clock.monotonicMs();
    await scouting;
    committed ??= await restore();
    if (committed.done) return clearAway(files);
    if (committed.plan !== null) {
      await readOn(files, closed, committed.plan.to);
      if (committed.plan.ending) endPending();
      await send(committed.plan);
      return false;
    }
    const more = await readOn(files, closed, null);
    const ending = closed && !more;
    if (ending) endPending();
    const due = force || ending || more || clock.monotonicMs() - firstRowMs >= bounds.batchWaitMs;
    if (rows.count > 0 && due) await plan(ending);
    else if (rows.count === 0 && (ending || at.segment > committed.at.segment)) await advance(at, ending);
    if (rows.count === 0 && !more) drainedToMs = startedMs;
    await dropSegments(files);
    return false;
  }

  async function restore(): Promise<Cursor> {
    let cursor: Cursor | null = null;
    try {
      cursor = await readCursor(cursorPath);
    } catch (error) {
      // Without it rows may come twice; refusing them would lose them.
      log.error('drain.cursor_lost', { writer, error });
    }
    cursor ??= newCursor();
    at = cursor.at;
    shape = shapeOf(cursor.columns);
    for (const intent of cursor.pending) {
      const path = intent.carried ? folder.carry(writer, intent.segment) : folder.segment(writer, intent.segment);
      try {
        pending.set(intent.call, { ...intent, bytes: await readBytes(path, intent.offset, intent.length), start: 0 });
      } catch (error) {
        dropped += 1;
        log.error('drain.intent_lost', { writer, error });
      }
    }
    again = cursor.plan !== null;
    return cursor;
  }

  /** Reads until nothing whole follows, the batch is full or `to` is reached. True where more can be read at once. */
  async function readOn(files: WriterFiles, closed: boolean, to: Position | null): Promise<boolean> {
    for (;;) {
      const segment = files.segments.find(({ number }) => number >= at.segment);
      if (segment === undefined) return false;
      if (segment.number > at.segment) at = { segment: segment.number, offset: 0 };
      if (to !== null && at.segment === to.segment && at.offset >= to.offset) return false;
      // A segment without news is not opened: this is asked several times a second, and most of the time nothing happens.
      const {
        offset,
        why,
        shape: found,
      }: SegmentRead = segment.bytes <= at.offset
        ? { offset: at.offset, why: 'end', shape: null }
        : await readSegment({
            path: folder.segment(writer, at.segment),
            from: at.offset,
            to: to?.segment === at.segment ? to.offset : null,
            shape,
            memory,
            onFrame,
            onChunk,
          });
      at = { segment: at.segment, offset };
      shape ??= found;
      passToTap();
      if (why === 'stopped') return to === null;
      const next = files.segments.find(({ number }) => number > at.segment);
      if (why === 'corrupt' && (next !== undefined || closed)) await keepCorrupt(folder.segment(writer, at.segment), offset);
      // A next segment, or the end of the writer, says that no more of this one comes: half a frame stays half.
      if (next === undefined) return false;
      at = { segment: next.number, offset: 0 };
    }
    function onFrame(kind: 'intent' | 'outcome', call: number, bytes: Buffer, start: number, end: number, offset: number): boolean {
      if (scout.hasPassed({ segment: at.segment, offset })) scout.forget(call);
      if (kind === 'intent') {
        endOne(call);
        pending.set(call, { call, segment: at.segment, offset, length: end - start, carried: false, bytes, start });
        return true;
      }
      const intent = pending.get(call);
      if (intent === undefined) dropped += 1;
      else {
        pending.delete(call);
        addRow(intent, bytes, start, end);
        // Frames come in their order: whatever is before one that was passed on was passed on as well.
        if (scout.hasPassed({ segment: at.segment, offset })) tapped = rows.count;
      }
      return to !== null || (rows.count < bounds.batchRowsMax && rows.byteLength < bounds.batchBytesMax);
    }
    function onChunk(): void {
      for (const intent of pending.values()) {
        if (intent.bytes.buffer.byteLength === intent.length) continue;
        intent.bytes = ownCopy(intent);
        intent.start = 0;
      }
    }
  }

  function addRow(intent: Pending, outcome: Buffer, start: number, end: number): void {
    if (rows.count === 0) firstRowMs = clock.monotonicMs();
    rows.add(intent.bytes, intent.start, intent.start + intent.length, outcome, start, end);
  }

  /** A call whose end will never be written: it is in the ledger as unknown. */
  function endOne(call: number): void {
    const intent = pending.get(call);
    if (intent === undefined || shape === null) return;
    pending.delete(call);
    const outcome = encodeUnknownOutcome(shape.outcome);
    addRow(intent, outcome, 0, outcome.length);
  }

  function endPending(): void {
    for (const call of pending.keys()) endOne(call);
    passToTap();
  }

  function passToTap(): void {
    if (tap.isOpen && shape !== null) {
      for (; tapped < rows.count; tapped++) {
        const { bytes, start, middle, end } = rows.place(tapped);
        tap.pass(shape, bytes, start, middle, bytes, middle, end);
      }
    }
    tapped = rows.count;
  }

  async function plan(ending: boolean): Promise<void> {
    if (committed === null) return;
    const next: Plan = { to: at, token: `${committed.nonce}:${committed.at.segment}.${committed.at.offset}-${at.segment}.${at.offset}`, ending };
    committed = { ...committed, plan: next };
    await writeCursor(cursorPath, committed);
    await send(next);
  }

  async function send(planned: Plan): Promise<void> {
    if (rows.count > 0 && shape !== null) {
      sendingSinceMs = clock.monotonicMs();
      try {
        await deliver({ shape, rows, token: planned.token, again });
      } finally {
        sendingSinceMs = null;
      }
    }
    again = false;
    // A new one: a request that timed out may still be sending the memory of this one. Most batches are as large as the last.
    rows = new RowBatch(rows.byteLength);
    tapped = 0;
    await advance(planned.to, planned.ending);
  }

  async function advance(to: Position, done: boolean): Promise<void> {
    if (committed === null) return;
    const columns = shape && { intent: shape.intent.map(({ name }) => name), outcome: shape.outcome.map(({ name }) => name) };
    committed = { ...committed, columns, at: to, pending: Array.from(pending.values(), placeOf), plan: null, done };
    await writeCursor(cursorPath, committed);
  }

  /** Deletes the segments that are in the ledger. Intents in them that still wait are carried over to a small file first. */
  async function dropSegments(files: WriterFiles): Promise<void> {
    if (committed === null || committed.done) return;
    const passed = files.segments.filter(({ number }) => number < (committed?.at.segment ?? 0));
    const moved = passed.filter(({ number }) => committed?.pending.some((intent) => intent.segment === number && !intent.carried));
    for (const { number } of moved) await carryOver(number);
    if (moved.length > 0) await writeCursor(cursorPath, committed);
    for (const segment of passed) await removeSegment(segment);
    for (const number of files.carried) {
      if (!committed.pending.some((intent) => intent.segment === number)) await remove(folder.carry(writer, number));
    }
  }

  async function carryOver(number: number): Promise<void> {
    if (committed === null) return;
    const chunks: Buffer[] = [];
    let offset = 0;
    const carried: PendingIntent[] = [];
    for (const intent of committed.pending) {
      if (intent.segment !== number || intent.carried) {
        carried.push(intent);
        continue;
      }
      const bytes = pending.get(intent.call)?.bytes ?? (await readBytes(folder.segment(writer, number), intent.offset, intent.length));
      chunks.push(bytes);
      const moved = { ...intent, offset, carried: true };
      carried.push(moved);
      const held = pending.get(intent.call);
      if (held?.segment === number) pending.set(intent.call, { ...moved, bytes: held.bytes, start: held.start });
      offset += bytes.length;
    }
    await writeWhole(folder.carry(writer, number), Buffer.concat(chunks));
    committed = { ...committed, pending: carried };
  }

  async function keepCorrupt(path: string, offset: number): Promise<void> {
    const name = `${basename(path, '.journal')}-${offset}.journal`;
    dropped += 1;
    const bytes = await readBytes(path, offset, bounds.journalSegmentBytesMax * 2);
    await writeWhole(folder.corrupt(name), bytes);
    log.error('drain.corrupt', { writer, segment: path, offset, bytes: bytes.length, kept: folder.corrupt(name) });
  }

  async function removeSegment({ number, bytes }: WriterFiles['segments'][number]): Promise<void> {
    await remove(folder.segment(writer, number));
    removedBytes += bytes;
  }

  async function clearAway(files: WriterFiles): Promise<boolean> {
    for (const segment of files.segments) await removeSegment(segment);
    for (const number of files.carried) await remove(folder.carry(writer, number));
    // Last: without it the segments would be read anew.
    await remove(cursorPath);
    return true;
  }

  return {
    step,
    scout(files) {
      if (sendingSinceMs === null || clock.monotonicMs() - sendingSinceMs < scoutAfterMs || shape === null || isScouting) return;
      isScouting = true;
      // A file that is deleted or cannot be read now is the drain's to speak of.
      scouting = scout
        .look(files, at, shape, (call) => pending.get(call))
        .catch(() => undefined)
        .finally(() => {
          isScouting = false;
        });
    },
    lagBytes(files) {
      if (committed?.done === true) return 0;
      const from = rows.count === 0 ? at : (committed?.at ?? at);
      return files.segments.reduce(
        (sum, { number, bytes }) => sum + (number < from.segment ? 0 : number === from.segment ? Math.max(0, bytes - from.offset) : bytes),
        0,
      );
    },
    removedBytes: () => removedBytes,
    lagRows: () => rows.count,
    drainedToMs: () => drainedToMs,
    dropped: () => dropped,
  };
}

function placeOf({ call, segment, offset, length, carried }: Pending): PendingIntent {
  return { call, segment, offset, length, carried };
}

function shapeOf(columns: Cursor['columns']): RowShape | null {
  const intent = columns && columnsOf(columns.intent);
  const outcome = columns && columnsOf(columns.outcome);
  return intent && outcome ? { intent, outcome } : null;
}

/** A copy with memory of its own: the next chunk is read over this one. */
function ownCopy({ bytes, start, length }: Pending): Buffer {
  const copy = Buffer.allocUnsafeSlow(length);
  bytes.copy(copy, 0, start, start + length);
  return copy;
}

async function readBytes(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
    await file.read(bytes, 0, bytes.length, offset);
    return bytes;
  } finally {
    await file.close();
  }
}

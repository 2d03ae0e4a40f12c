/**
 * telemetry: the way of what happened from the journal to where it is asked for. Imports `kernel/` and the journal's framing
 * of `record/`; the port of the ledger as types only. Promises: every call whose intent is in the journal becomes exactly one
 * row of the ledger, however often it, the gateway or the ledger is killed in between; a ledger that is away costs disk,
 * bounded and counted, and never holds up a call.
 */
import { randomUUID } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { CallSink } from '../store/ledger/calls.ts';
import type { CallChain } from './call-chain.ts';
import { createGrowth } from './growth.ts';
import { deliver, type Delivery } from './deliver.ts';
import { openJournalFolder, writeWhole, type WriterFiles } from './journal-folder.ts';
import type { RowBatch } from './row-batch.ts';
import type { Tap } from './tap.ts';
import { createWriterDrain, type WriterDrain } from './writer-drain.ts';

export interface DrainOptions {
  readonly journalFolder: string;
  readonly ledger: CallSink;
  /** Gives rows their places on the way. */
  readonly chain: CallChain;
  /** Sees every call as it is read, also while the ledger is away. */
  readonly tap: Tap;
  readonly clock: Clock;
  readonly log: Log;
  /** Bytes that may wait for the ledger before `overBound`. */
  readonly spoolBytesMax: number;
}

export interface Drain {
  /** The worker that wrote under this name has ended: its calls without an outcome become rows with the status `unknown`. */
  writerClosed(writer: string): void;
  status(): DrainStatus;
  /** Sends everything that is in the journal now without waiting for more. False where `timeoutMs` was not enough. */
  flush(timeoutMs: number): Promise<boolean>;
  /** Ends after the insert under way. What is not sent stays in the journal for the next start. */
  stop(): Promise<void>;
}

export interface DrainStatus {
  /** Rows read and not yet in the ledger; those of bytes that are not read yet are not among them. */
  readonly lagRows: number;
  /** Bytes of the journal that are not in the ledger. */
  readonly lagBytes: number;
  /** Bytes of the journal on disk. */
  readonly journalBytes: number;
  /** All that was written longer ago than this is in the ledger. */
  readonly oldestMs: number;
  /** Entries that can never become rows, kept in `corrupt/` where there was something to keep. */
  readonly dropped: number;
  /** Bytes a second by which the journal grows, over about the last minute; null until that is known. */
  readonly bytesPerSecond: number | null;
  /** More waits than may: no further calls may be made until the ledger has caught up. */
  readonly overBound: boolean;
}

const retryMs = { first: 100, last: 5000 };
const flushPollMs = 10;
const stopTimeoutMs = 5000;

/** Starts draining. Every writer that has files now is taken for dead: start the workers afterwards. */
export function startDrain({ journalFolder, ledger, chain, tap, clock, log, spoolBytesMax }: DrainOptions): Drain {
  const folder = openJournalFolder(journalFolder);
  const closed = new Set(folder.list().keys());
  chain.keepOnly(closed);
  const drains = new Map<string, { readonly drain: WriterDrain; busy: Promise<void> | null }>();
  const stopping = new AbortController();
  let files: ReadonlyMap<string, WriterFiles> = new Map();
  let inserting: Promise<void> = Promise.resolve();
  let flushes = 0;
  let droppedBefore = 0;
  let removedBefore = 0;
  const growth = createGrowth(clock);
  let setAsideRows = 0;
  const startedMs = clock.monotonicMs();
  let overBound = false;
  /** What went wrong last, by writer; the empty name is the folder's. */
  const failures = new Map<string, string>();
  let wakeLoop: () => void = () => undefined;

  const running = run();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        tick();
        noteSuccess('');
      } catch (error) {
        noteFailure('', error);
      }
      await pause(flushes > 0 ? flushPollMs : bounds.journalPollMs, (wake) => {
        wakeLoop = wake;
      });
    }
  }

  function tick(): void {
    // Known to be gone before the files are listed: then the list holds all they wrote.
    const gone = new Set(closed);
    files = folder.list();
    for (const [writer, ofWriter] of files) {
      const known = drains.get(writer) ?? {
        drain: createWriterDrain({ writer, folder, deliver: (delivery) => deliverInTurn(writer, delivery), tap, clock, log }),
        busy: null,
      };
      drains.set(writer, known);
      if (known.busy !== null && tap.isOpen) known.drain.scout(ofWriter);
      known.busy ??= known.drain
        .step(ofWriter, gone.has(writer), flushes > 0)
        .then((ended) => {
          noteSuccess(writer);
          if (ended) forget(writer);
        })
        .catch((error: unknown) => {
          if (!stopping.signal.aborted) noteFailure(writer, error);
        })
        .finally(() => {
          known.busy = null;
        });
    }
    noteBound();
    growth.note(writtenBytes());
  }

  function forget(writer: string): void {
    droppedBefore += drains.get(writer)?.drain.dropped() ?? 0;
    removedBefore += drains.get(writer)?.drain.removedBytes() ?? 0;
    drains.delete(writer);
    closed.delete(writer);
    chain.forget(writer);
  }

  /** One insert at a time: the embedded engine has no more to give, and a server takes few large ones better than many. */
  function deliverInTurn(writer: string, delivery: Delivery): Promise<void> {
    const mine = inserting.then(() => {
      stopping.signal.throwIfAborted();
      return deliver(delivery, { writer, ledger, chain, log, pause: waitToRetry, setAside: (rows) => setAside(writer, rows) });
    });
    inserting = mine.catch(() => undefined);
    return mine;
  }

  async function waitToRetry(tries: number): Promise<void> {
    await pause(ledger.state() === 'ready' ? Math.min(retryMs.first * 2 ** tries, retryMs.last) : retryMs.first);
    stopping.signal.throwIfAborted();
  }

  async function setAside(writer: string, rows: RowBatch): Promise<void> {
    const path = folder.corrupt(`${writer}-${randomUUID()}.rows`);
    await writeWhole(path, rows.bytes);
    setAsideRows += rows.count;
    log.error('drain.set_aside', { writer, rows: rows.count, kept: path });
  }

  /** Once for each cause: it is tried again several times a second. */
  function noteFailure(writer: string, error: unknown): void {
    const reason = String(error);
    if (failures.get(writer) === reason) return;
    failures.set(writer, reason);
    log.error('drain.failed', { ...(writer === '' ? {} : { writer }), error });
  }

  function noteSuccess(writer: string): void {
    if (failures.delete(writer)) log.info('drain.recovered', writer === '' ? {} : { writer });
  }

  function isDrained(sinceMs: number): boolean {
    try {
      // Files that no tick has seen yet count too.
      return [...folder.list().keys()].every((writer) => (drains.get(writer)?.drain.drainedToMs() ?? -1) >= sinceMs);
    } catch {
      // A folder that cannot be read: the loop says so.
      return false;
    }
  }

  function noteBound(): void {
    const over = lagBytes() >= spoolBytesMax;
    if (over !== overBound) log[over ? 'error' : 'info'](over ? 'drain.over_bound' : 'drain.within_bound', { spool_bytes_max: spoolBytesMax });
    overBound = over;
  }

  /** Of all segments, those that are gone too. */
  function writtenBytes(): number {
    let sum = removedBefore;
    for (const { drain } of drains.values()) sum += drain.removedBytes();
    for (const { segments } of files.values()) for (const { bytes } of segments) sum += bytes;
    return sum;
  }

  function lagBytes(): number {
    let sum = 0;
    for (const [writer, ofWriter] of files) sum += drains.get(writer)?.drain.lagBytes(ofWriter) ?? 0;
    return sum;
  }

  function journalBytes(): number {
    let sum = 0;
    for (const { segments } of files.values()) for (const { bytes } of segments) sum += bytes;
    return sum;
  }

  /** Until the time is over or telemetry stops. */
  function pause(ms: number, onWait?: (wake: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      if (stopping.signal.aborted) return resolve();
      const timer = setTimeout(done, ms);
      stopping.signal.addEventListener('abort', done, { once: true });
      onWait?.(done);
      function done(): void {
        clearTimeout(timer);
        stopping.signal.removeEventListener('abort', done);
        resolve();
      }
    });
  }

  return {
    writerClosed(writer) {
      closed.add(writer);
    },
    status() {
      const all = [...drains.values()].map(({ drain }) => drain);
      return {
        lagRows: all.reduce((sum, drain) => sum + drain.lagRows(), 0),
        lagBytes: lagBytes(),
        journalBytes: journalBytes(),
        oldestMs: all.reduce((oldest, drain) => Math.max(oldest, clock.monotonicMs() - (drain.drainedToMs() ?? startedMs)), 0),
        dropped: all.reduce((sum, drain) => sum + drain.dropped(), droppedBefore + setAsideRows),
        bytesPerSecond: growth.perSecond(),
        overBound,
      };
    },
    async flush(timeoutMs) {
      const from = clock.monotonicMs();
      flushes += 1;
      wakeLoop();
      try {
        for (;;) {
          if (isDrained(from)) return true;
          if (stopping.signal.aborted || clock.monotonicMs() - from >= timeoutMs) return false;
          await pause(flushPollMs);
        }
      } finally {
        flushes -= 1;
      }
    },
    async stop() {
      stopping.abort(new Error('telemetry stops'));
      await running;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, stopTimeoutMs);
      });
      await Promise.race([Promise.all([...drains.values()].flatMap(({ busy }) => busy ?? [])), late]);
      clearTimeout(timer);
    },
  };
}

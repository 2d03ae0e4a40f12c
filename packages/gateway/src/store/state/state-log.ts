import { mkdir, open, readdir, readFile, rename, rm, stat, truncate, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { KeptValue } from './memory-values.ts';
import { encodeRecord, readRecords, type StateRecord } from './state-record.ts';

export interface StateLogOptions {
  /** Made where it is not there. */
  readonly folder: string;
  readonly log: Log;
  readonly segmentBytesMax?: number;
  readonly bytesMax?: number;
  /** The values that live now: what the files are written anew from once most of them is dead. */
  readonly living: () => Iterable<KeptValue>;
  /** Bytes of those. */
  readonly livingBytes: () => number;
}

/**
 * The changes of the embedded shared state, appended to files: a change counts once the kernel has it, so that `kill -9` loses none that was
 * answered. Against power loss there is no promise but that what is half written is not read. Writing waits off the event loop; changes that
 * come meanwhile share the next write.
 */
export interface StateLog {
  /** Rejects with `unavailable` where it cannot be written, or the files are at their bound. */
  append(record: StateRecord): Promise<void>;
  /** Why the last change could not be written; null where it could. */
  readonly trouble: string | null;
  readonly failures: number;
  close(): Promise<void>;
}

interface Batch {
  readonly chunks: Buffer[];
  readonly done: PromiseWithResolvers<void>;
}

const form = /^\d{12}\.log$/;
/** Below this nothing is written anew, however dead. */
const compactBytesMin = 16 * 1024 * 1024;
const sliceBytes = 1024 * 1024;
/** After a failure it is tried so often whether files can be written again. */
const retryMs = 1_000;
const nothing: StateRecord = { kind: 'delete', key: '' };

/**
 * Reads what earlier processes left, in the order in which it was written. What comes after a record that is torn or damaged is not read: of
 * the last file that is what a kill has left, and was answered to nobody. Faults: `state_broken`, `permission_denied`.
 */
export async function readStateLog(folder: string, log: Log): Promise<ReadonlyMap<string, Omit<KeptValue, 'key'>>> {
  const values = new Map<string, { value: Buffer; expiresAtMs: number }>();
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const numbers = await segmentsIn(folder);
    for (const number of numbers) {
      const bytes = await readFile(pathOf(folder, number));
      const read = readRecords(bytes, (record) => {
        const known = values.get(record.key);
        // A copy: the bytes of its file shall not stay in memory with it.
        if (record.kind === 'set') values.set(record.key, { value: Buffer.from(record.value), expiresAtMs: record.expiresAtMs });
        else if (record.kind === 'delete') values.delete(record.key);
        else if (known !== undefined) known.expiresAtMs = record.expiresAtMs;
      });
      if (read === bytes.length) continue;
      log.warn('state.file_torn', { file: number, bytes: bytes.length - read, is_last: number === numbers.at(-1) });
      await truncate(pathOf(folder, number), read);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') throw new Fault('permission_denied', { path: folder }, { cause: error });
    throw new Fault('state_broken', { path: folder, reason: message }, { cause: error });
  }
  return values;
}

/** Goes on after what lies in the folder, in a file of its own: `readStateLog` first. */
export async function openStateLog(options: StateLogOptions): Promise<StateLog> {
  const { folder, log, living, livingBytes, segmentBytesMax = bounds.stateSegmentBytesMax, bytesMax = bounds.stateFilesBytesMax } = options;
  /** Bytes of each file. */
  const files = new Map<number, number>();
  for (const number of await segmentsIn(folder)) files.set(number, (await stat(pathOf(folder, number))).size);
  let current: { readonly number: number; readonly file: FileHandle } | null = null;
  let lastNumber = Math.max(0, ...files.keys());
  let pending: Batch | null = null;
  let waitingBytes = 0;
  let writing: Promise<void> | null = null;
  let compacting: Promise<void> | null = null;
  let compactAtBytes = 0;
  let trouble: string | null = null;
  let failures = 0;
  let closed = false;
  let retry: NodeJS.Timeout | null = null;

  const totalBytes = (): number => files.values().reduce((sum, bytes) => sum + bytes, 0);

  async function writeAll(): Promise<void> {
    for (let batch = pending; batch !== null; batch = pending) {
      pending = null;
      waitingBytes = 0;
      try {
        await write(Buffer.concat(batch.chunks));
        if (trouble !== null) log.info('state.written_again');
        trouble = null;
        batch.done.resolve();
      } catch (error) {
        fail(batch, error);
      }
      if (compacting === null && totalBytes() > Math.max(compactAtBytes, compactBytesMin, 2 * livingBytes()))
        compacting = compact().finally(() => (compacting = null));
    }
    writing = null;
  }

  function fail({ done, chunks }: Batch, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (trouble === null) log.error('state.unwritable', { reason });
    trouble = reason;
    failures += chunks.length;
    done.reject(new Fault('unavailable', { reason: 'the shared state cannot be written' }, { cause: error }));
    // Nobody else may write for long, and what is known of it is shown.
    retry ??= setTimeout(() => {
      retry = null;
      append(nothing).catch(() => undefined);
    }, retryMs).unref();
  }

  async function write(bytes: Buffer): Promise<void> {
    if (totalBytes() + bytes.length > bytesMax) throw new Error(`its files hold ${bytesMax} bytes`);
    current ??= await openNext();
    const { number, file } = current;
    try {
      await file.appendFile(bytes);
    } catch (error) {
      // It may end in half a record, after which nothing is read: only a new file goes on.
      await closeCurrent();
      if (files.get(number) === 0) await remove(number);
      throw error;
    }
    const size = (files.get(number) ?? 0) + bytes.length;
    files.set(number, size);
    if (size >= segmentBytesMax) await closeCurrent();
  }

  async function openNext(): Promise<NonNullable<typeof current>> {
    const number = ++lastNumber;
    const file = await open(pathOf(folder, number), 'ax', 0o600);
    files.set(number, 0);
    return { number, file };
  }

  async function closeCurrent(): Promise<void> {
    const closing = current;
    current = null;
    await closing?.file.close().catch((error: unknown) => log.warn('state.close_failed', { reason: String(error) }));
  }

  async function remove(number: number): Promise<void> {
    await rm(pathOf(folder, number), { force: true });
    files.delete(number);
  }

  /** What lives is written anew into one file, which takes the place of all before it. Changes go on meanwhile, into files after it. */
  async function compact(): Promise<void> {
    // Whatever is written from now on comes after it.
    const number = ++lastNumber;
    await closeCurrent();
    const path = pathOf(folder, number);
    const temporary = `${path}.new`;
    try {
      const file = await open(temporary, 'wx', 0o600);
      let bytes = 0;
      try {
        let slice: Buffer[] = [];
        let sliced = 0;
        for (const value of living()) {
          const record = encodeRecord({ kind: 'set', ...value });
          slice.push(record);
          sliced += record.length;
          if (sliced < sliceBytes) continue;
          await file.appendFile(Buffer.concat(slice));
          bytes += sliced;
          [slice, sliced] = [[], 0];
        }
        await file.appendFile(Buffer.concat(slice));
        bytes += sliced;
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
      files.set(number, bytes);
      // The oldest first: a change that undoes another must not go before it.
      for (const other of [...files.keys()].filter((one) => one < number).toSorted((one, two) => one - two)) await remove(other);
      compactAtBytes = 0;
    } catch (error) {
      log.warn('state.compaction_failed', { reason: error instanceof Error ? error.message : String(error) });
      compactAtBytes = 1.5 * totalBytes();
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  function append(record: StateRecord): Promise<void> {
    if (closed) return Promise.reject(new Fault('unavailable', { reason: 'the shared state is closed' }));
    if (waitingBytes > bounds.stateWaitingBytesMax) return Promise.reject(new Fault('unavailable', { reason: 'the shared state cannot be written so fast' }));
    const bytes = encodeRecord(record);
    waitingBytes += bytes.length;
    pending ??= { chunks: [], done: Promise.withResolvers() };
    pending.chunks.push(bytes);
    const { promise } = pending.done;
    writing ??= writeAll();
    return promise;
  }

  return {
    append,
    get trouble() {
      return trouble;
    },
    get failures() {
      return failures;
    },
    async close() {
      closed = true;
      if (retry !== null) clearTimeout(retry);
      await writing;
      await compacting;
      await closeCurrent();
    },
  };
}

/** Numbers of the files, oldest first; a file that was being written anew and never took its place is removed. */
async function segmentsIn(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  for (const name of names) if (name.endsWith('.log.new')) await rm(join(folder, name), { force: true });
  return names
    .filter((name) => form.test(name))
    .map((name) => Number.parseInt(name, 10))
    .toSorted((one, other) => one - other);
}

function pathOf(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(12, '0')}.log`);
}

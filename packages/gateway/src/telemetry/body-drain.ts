/**
 * The way of masked bodies, and of the tokens counted in them, from their files to the ledger (bodies/body-segments.ts). A file is sent as one unit under its
 * own name and then deleted: sent again after a kill, it is there once. Where more waits than may, bodies go first, oldest first, and are counted.
 */
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { BodySink } from '../store/ledger/payloads.ts';
import { remove } from './journal-folder.ts';
import type { Tap } from './tap.ts';

export interface BodyDrainOptions {
  readonly folder: string;
  readonly ledger: BodySink;
  readonly log: Log;
  /** Bytes that may wait for the ledger, those of the journal (`otherBytes`) among them. */
  readonly spoolBytesMax: number;
  readonly otherBytes: () => number;
  /** Hears of tokens that were counted. */
  readonly tap: Pick<Tap, 'passCounted'>;
}

export interface BodyDrain {
  status(): BodyDrainStatus;
  /** Sends all that was handed over. False where `timeoutMs` was not enough. */
  flush(timeoutMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

export interface BodyDrainStatus {
  readonly lagBytes: number;
  /** Files of bodies that had to make room, and rows that the ledger refused. */
  readonly dropped: number;
  /** Calls whose bodies were on their way when the masking process ended. */
  readonly lost: number;
}

const retryMs = { first: 100, last: 5_000 };
const fileForm = /^[\w-]+-\d{8}\.(payloads|counted_tokens)$/;
const head = z.object({ format: z.literal(1), table: z.enum(['payloads', 'counted_tokens']), columns: z.array(z.string().regex(/^[a-z_]+$/)) });
/** A source that is gone needs not be remembered for ever. */
const sourcesMax = 1_000;

export function startBodyDrain({ folder, ledger, log, spoolBytesMax, otherBytes, tap }: BodyDrainOptions): BodyDrain {
  mkdirSync(join(folder, 'corrupt'), { recursive: true, mode: 0o700 });
  const stopping = new AbortController();
  const sequences = new Map<string, number>();
  let lagBytes = 0;
  let dropped = 0;
  let lost = 0;
  let failure = '';
  let wake: () => void = () => undefined;
  const running = run();

  async function run(): Promise<void> {
    let delayMs = retryMs.first;
    while (!stopping.signal.aborted) {
      try {
        const waiting = await makeRoom(list());
        lagBytes = waiting.reduce((sum, { bytes }) => sum + bytes, 0);
        const [first] = waiting;
        if (first !== undefined && ledger.state() === 'ready') {
          await send(first.name);
          delayMs = retryMs.first;
          failure = '';
          continue;
        }
      } catch (error) {
        // Once for each cause: it is tried again and again.
        if (String(error) !== failure) log.error('bodies.drain_failed', { error });
        failure = String(error);
        delayMs = Math.min(delayMs * 2, retryMs.last);
      }
      await pause(failure === '' ? bounds.journalPollMs : delayMs);
    }
  }

  /** What was handed over, oldest first. */
  function list(): { readonly name: string; readonly bytes: number; readonly at: number }[] {
    return readdirSync(folder)
      .filter((name) => fileForm.test(name))
      .map((name) => {
        const stat = statSync(join(folder, name), { throwIfNoEntry: false });
        return { name, bytes: stat?.size ?? 0, at: stat?.mtimeMs ?? 0 };
      })
      .sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
  }

  async function makeRoom<Entry extends { readonly name: string; readonly bytes: number }>(files: readonly Entry[]): Promise<Entry[]> {
    let over = files.reduce((sum, { bytes }) => sum + bytes, otherBytes()) - spoolBytesMax;
    const kept: Entry[] = [];
    for (const file of files) {
      if (over <= 0 || !file.name.endsWith('.payloads')) {
        kept.push(file);
        continue;
      }
      over -= file.bytes;
      dropped += 1;
      log.warn('bodies.spool_full', { bytes: file.bytes, spool_bytes_max: spoolBytesMax });
      await remove(join(folder, file.name));
    }
    return kept;
  }

  async function send(name: string): Promise<void> {
    const path = join(folder, name);
    const file = readRows(await readFile(path));
    if (file === null) {
      dropped += 1;
      log.error('bodies.file_unreadable', { file: name });
      await rename(path, join(folder, 'corrupt', name));
      return;
    }
    if (file.rows.length > 0) {
      try {
        await ledger.insert({ table: file.table, columns: file.columns, rows: Buffer.concat(file.rows), token: name });
      } catch (error) {
        if (error instanceof Fault) throw error;
        dropped += 1;
        log.error('bodies.refused', { file: name, error });
        await rename(path, join(folder, 'corrupt', name));
        return;
      }
    }
    if (file.table === 'payloads') noteGaps(file.sequences);
    else tap.passCounted(file.columns, file.rows);
    await remove(path);
  }

  function noteGaps(found: readonly (readonly [source: string, sequence: number])[]): void {
    let missing = 0;
    for (const [source, sequence] of found) {
      missing += Math.max(0, sequence - (sequences.get(source) ?? 0) - 1);
      sequences.set(source, Math.max(sequence, sequences.get(source) ?? 0));
    }
    for (const source of sequences.keys()) if (sequences.size > sourcesMax) sequences.delete(source);
    if (missing === 0) return;
    lost += missing;
    log.warn('bodies.lost', { calls: missing });
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (stopping.signal.aborted) return resolve();
      const timer = setTimeout(done, ms);
      stopping.signal.addEventListener('abort', done, { once: true });
      wake = done;
      function done(): void {
        clearTimeout(timer);
        stopping.signal.removeEventListener('abort', done);
        resolve();
      }
    });
  }

  return {
    status: () => ({ lagBytes, dropped, lost }),
    async flush(timeoutMs) {
      const until = performance.now() + timeoutMs;
      while (list().length > 0) {
        if (stopping.signal.aborted || performance.now() >= until) return false;
        wake();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return true;
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

interface RowsOfFile {
  readonly table: 'payloads' | 'counted_tokens';
  readonly columns: readonly string[];
  readonly rows: readonly Buffer[];
  readonly sequences: readonly (readonly [source: string, sequence: number])[];
}

/** Null where it is no such file. Half a frame at its end is of a process that was killed, or of a disk that was full. */
function readRows(bytes: Buffer): RowsOfFile | null {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return { table: 'payloads', columns: [], rows: [], sequences: [] };
  let parsed: z.infer<typeof head>;
  try {
    parsed = head.parse(JSON.parse(bytes.toString('utf8', 0, end)));
  } catch {
    return null;
  }
  const rows: Buffer[] = [];
  const sequences: [string, number][] = [];
  for (let at = end + 1; at + 9 <= bytes.length;) {
    const length = bytes.readUInt32LE(at);
    const next = at + 4 + length;
    const name = bytes.readUInt8(at + 8);
    if (next > bytes.length || length < 5 + name) break;
    sequences.push([bytes.toString('utf8', at + 9, at + 9 + name), bytes.readUInt32LE(at + 4)]);
    rows.push(bytes.subarray(at + 9 + name, next));
    at = next;
  }
  return { ...parsed, rows, sequences };
}

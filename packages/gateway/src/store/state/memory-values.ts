import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';

export interface MemoryValuesOptions {
  readonly clock: Clock;
  readonly bytesMax?: number;
  readonly entriesMax?: number;
}

/** Values by key, each until its time is over. When full of living ones it refuses new ones rather than drop what others rely on. */
export interface MemoryValues {
  get(key: string): Buffer | null;
  /** Faults: `unavailable` where there is no room; then nothing has changed. */
  set(key: string, value: Uint8Array, expiresAtMs: number): void;
  /** Faults: as `set`. */
  setIfAbsent(key: string, value: Uint8Array, expiresAtMs: number): boolean;
  /** Sets the value only where it is still `before`. Faults: as `set`. */
  replace(key: string, before: Uint8Array, after: Uint8Array, expiresAtMs: number): boolean;
  take(key: string): Buffer | null;
  touch(key: string, expiresAtMs: number): boolean;
  /** False: there was none. */
  delete(key: string): boolean;
  /** Those that live; one that is set while they are gone through may be among them or not. */
  living(): Iterable<KeptValue>;
  clear(): void;
  readonly entries: number;
  readonly bytes: number;
  /** Values for which there was no room. */
  readonly refused: number;
}

export interface KeptValue {
  readonly key: string;
  readonly value: Buffer;
  readonly expiresAtMs: number;
}

interface Entry {
  readonly value: Buffer;
  expiresAtMs: number;
}

/** Counted for each entry beside its key and value: the objects around them. */
const entryOverheadBytes = 256;
/** Entries looked at for each write: expired ones go without a timer each, and no write pays for all. */
const sweepStep = 8;

export function createMemoryValues({ clock, bytesMax = bounds.stateBytesMax, entriesMax = bounds.stateEntriesMax }: MemoryValuesOptions): MemoryValues {
  const entries = new Map<string, Entry>();
  let bytes = 0;
  let refused = 0;
  let sweeper = entries.entries();
  /** A whole sweep found nothing that ends before this: until then another is in vain. */
  let nothingEndsBeforeMs = 0;

  function living(key: string): Entry | undefined {
    const entry = entries.get(key);
    if (entry === undefined || entry.expiresAtMs > clock.nowMs()) return entry;
    drop(key, entry);
    return undefined;
  }

  function drop(key: string, entry: Entry): void {
    entries.delete(key);
    bytes -= weight(key, entry.value);
  }

  function set(key: string, value: Uint8Array, expiresAtMs: number): void {
    sweep();
    const old = living(key);
    const added = weight(key, value) - (old === undefined ? 0 : weight(key, old.value));
    if (!hasRoom(added, old === undefined) && !(sweepAll() && hasRoom(added, old === undefined))) {
      refused += 1;
      throw new Fault('unavailable', { reason: 'the shared state is full' });
    }
    nothingEndsBeforeMs = Math.min(nothingEndsBeforeMs, expiresAtMs);
    // A copy in memory of its own: the caller may go on writing to its bytes, and a pooled copy would keep its neighbours alive.
    const copy = Buffer.allocUnsafeSlow(value.length);
    copy.set(value);
    entries.set(key, { value: copy, expiresAtMs });
    bytes += added;
  }

  function hasRoom(added: number, isNew: boolean): boolean {
    return bytes + added <= bytesMax && entries.size + (isNew ? 1 : 0) <= entriesMax;
  }

  function sweep(): void {
    const nowMs = clock.nowMs();
    for (let step = 0; step < sweepStep; step++) {
      const next = sweeper.next();
      if (next.done === true) {
        sweeper = entries.entries();
        return;
      }
      if (next.value[1].expiresAtMs <= nowMs) drop(next.value[0], next.value[1]);
    }
  }

  /** False: nothing could have ended since the last time. */
  function sweepAll(): boolean {
    const nowMs = clock.nowMs();
    if (nowMs < nothingEndsBeforeMs) return false;
    let earliestMs = Infinity;
    for (const [key, entry] of entries) {
      if (entry.expiresAtMs <= nowMs) drop(key, entry);
      else earliestMs = Math.min(earliestMs, entry.expiresAtMs);
    }
    nothingEndsBeforeMs = earliestMs;
    return true;
  }

  return {
    get(key) {
      const entry = living(key);
      return entry === undefined ? null : Buffer.from(entry.value);
    },
    set,
    setIfAbsent(key, value, expiresAtMs) {
      if (living(key) !== undefined) return false;
      set(key, value, expiresAtMs);
      return true;
    },
    replace(key, before, after, expiresAtMs) {
      const entry = living(key);
      if (entry?.value.equals(before) !== true) return false;
      set(key, after, expiresAtMs);
      return true;
    },
    take(key) {
      const entry = living(key);
      if (entry === undefined) return null;
      drop(key, entry);
      return entry.value;
    },
    touch(key, expiresAtMs) {
      const entry = living(key);
      if (entry === undefined) return false;
      entry.expiresAtMs = expiresAtMs;
      nothingEndsBeforeMs = Math.min(nothingEndsBeforeMs, expiresAtMs);
      return true;
    },
    delete(key) {
      const entry = entries.get(key);
      if (entry === undefined) return false;
      drop(key, entry);
      return true;
    },
    *living() {
      for (const [key, { value, expiresAtMs }] of entries) if (expiresAtMs > clock.nowMs()) yield { key, value, expiresAtMs };
    },
    clear() {
      entries.clear();
      bytes = 0;
    },
    get entries() {
      return entries.size;
    },
    get bytes() {
      return bytes;
    },
    get refused() {
      return refused;
    },
  };
}

function weight(key: string, value: Uint8Array): number {
  return key.length * 2 + value.length + entryOverheadBytes;
}

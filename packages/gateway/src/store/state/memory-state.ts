import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import type { StateStore } from './state-store.ts';
import { fullBucket, returnToBucket, takeFromBucket, type TokenBucket } from './token-bucket.ts';

export interface MemoryStateOptions {
  readonly clock: Clock;
  readonly bytesMax?: number;
  readonly entriesMax?: number;
  readonly bucketsMax?: number;
}

interface Entry {
  readonly value: Buffer;
  expiresAtMs: number;
}

/** Counted for each entry beside its key and value: the objects around them. */
const entryOverheadBytes = 256;
/** Entries looked at for each write: expired ones go without a timer each, and no write pays for all. */
const sweepStep = 8;

/**
 * The embedded shared state: one process, nothing on disk. When full of living values it refuses new ones rather than
 * drop what others rely on; buckets beyond their bound lose the one untouched for longest, which has refilled most.
 */
export function createMemoryState({
  clock,
  bytesMax = bounds.stateBytesMax,
  entriesMax = bounds.stateEntriesMax,
  bucketsMax = bounds.stateBucketsMax,
}: MemoryStateOptions): StateStore {
  const entries = new Map<string, Entry>();
  const buckets = new Map<string, TokenBucket>();
  let bytes = 0;
  let failures = 0;
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

  function write(key: string, value: Uint8Array, ttlMs: number): void {
    sweep();
    const old = living(key);
    const added = weight(key, value) - (old === undefined ? 0 : weight(key, old.value));
    if (!hasRoom(added, old === undefined) && !(sweepAll() && hasRoom(added, old === undefined))) {
      failures += 1;
      throw new Fault('unavailable', { reason: 'the shared state is full' });
    }
    const expiresAtMs = clock.nowMs() + ttlMs;
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
    async get(key) {
      const entry = living(key);
      return entry === undefined ? null : Buffer.from(entry.value);
    },
    async set(key, value, ttlMs) {
      write(key, value, ttlMs);
    },
    async setIfAbsent(key, value, ttlMs) {
      if (living(key) !== undefined) return false;
      write(key, value, ttlMs);
      return true;
    },
    async replace(key, before, after, ttlMs) {
      const entry = living(key);
      if (entry === undefined ? before !== null : before === null || !entry.value.equals(before)) return false;
      write(key, after, ttlMs);
      return true;
    },
    async take(key) {
      const entry = living(key);
      if (entry === undefined) return null;
      drop(key, entry);
      return entry.value;
    },
    async touch(key, ttlMs) {
      const entry = living(key);
      if (entry === undefined) return false;
      entry.expiresAtMs = clock.nowMs() + ttlMs;
      nothingEndsBeforeMs = Math.min(nothingEndsBeforeMs, entry.expiresAtMs);
      return true;
    },
    async delete(key) {
      const entry = entries.get(key);
      if (entry !== undefined) drop(key, entry);
    },
    async takeTokens(bucket, rule, want, nowMs) {
      const key = bucketKey(bucket, rule.windowMs);
      const kept = buckets.get(key) ?? fullBucket(rule, nowMs);
      const granted = takeFromBucket(kept, rule, want, nowMs);
      // Written again at the end: the order of the map is the order of last use.
      buckets.delete(key);
      buckets.set(key, kept);
      if (buckets.size > bucketsMax) {
        const oldest = buckets.keys().next();
        if (oldest.done !== true) buckets.delete(oldest.value);
      }
      return { granted, remaining: Math.max(0, kept.tokens), resetAtMs: (kept.windowIndex + 1) * rule.windowMs, windowIndex: kept.windowIndex };
    },
    async returnTokens(bucket, rule, windowIndex, count) {
      const kept = buckets.get(bucketKey(bucket, rule.windowMs));
      if (kept !== undefined) returnToBucket(kept, windowIndex, count);
    },
    status() {
      return { kind: 'memory', ready: true, reason: null, entries: entries.size, bytes, failures };
    },
    async close() {
      entries.clear();
      buckets.clear();
      bytes = 0;
    },
  };
}

function weight(key: string, value: Uint8Array): number {
  return key.length * 2 + value.length + entryOverheadBytes;
}

/** A rule with another window counts in other windows: it gets a bucket of its own. */
function bucketKey(bucket: string, windowMs: number): string {
  return `${bucket}:${windowMs}`;
}

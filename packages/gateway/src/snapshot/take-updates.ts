import { bounds } from '../kernel/bounds.ts';
import { deltaSteps, type Plain } from '../kernel/delta.ts';
import type { Log } from '../kernel/log.ts';
import { inSlices } from '../kernel/slices.ts';
import { snapshotSteps, type Snapshot, type SnapshotCompilers } from './compile-snapshot.ts';
import type { SnapshotData, SnapshotUpdate } from './snapshot.ts';

export interface SnapshotUpdates {
  /** Resolves when new calls go by it; false: it is not made for what stands here, and a whole one is asked for. */
  take(update: SnapshotUpdate): Promise<boolean>;
}

export interface SnapshotUpdatesOptions {
  readonly current: () => Snapshot;
  readonly compilers: SnapshotCompilers;
  /** From now on calls go by it. */
  readonly swap: (next: Snapshot) => void;
  /** After each slice: whether what lives short was collected. */
  readonly collectYoung: () => boolean;
  readonly log: Log;
}

/**
 * Reads and compiles what has changed in slices, between which calls go on by the snapshot before, then puts the new one in its place at once. One after the
 * other, in the order in which they come.
 */
export function createSnapshotUpdates({ current, compilers, swap, collectYoung, log }: SnapshotUpdatesOptions): SnapshotUpdates {
  let last: Promise<unknown> = Promise.resolve();

  async function takeNext({ version, base, pieces }: SnapshotUpdate): Promise<boolean> {
    const before = current();
    // One that was on its way when this worker began with a newer one.
    if (version <= before.data.version) return true;
    if (base !== null && base !== before.data.version) {
      log.warn('snapshot.missed', { has: before.data.version, base, version });
      return false;
    }
    // To receive it has taken its time already.
    await new Promise((resolve) => setImmediate(resolve));
    const next = await inSlices(nextSteps(before, version, base === null ? {} : { ...before.data }, pieces), bounds.snapshotSliceMs, collectYoung);
    if (collectYoung()) await new Promise((resolve) => setImmediate(resolve));
    swap(next);
    return true;
  }

  function* nextSteps(before: Snapshot, version: number, from: Plain, pieces: readonly string[]): Generator<void, Snapshot> {
    // What another process of this program made of a value of the same type.
    const data = { ...(yield* deltaSteps(from, pieces)), version } as unknown as SnapshotData;
    return yield* snapshotSteps(data, compilers, before);
  }

  return {
    take(update) {
      const taken = last.then(() => takeNext(update));
      last = taken.catch(() => undefined);
      return taken;
    },
  };
}

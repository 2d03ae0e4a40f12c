import { bounds } from '../kernel/bounds.ts';
import { atOnce } from '../kernel/slices.ts';
import { deltaOf, deltaSteps, rememberTexts, type Plain } from '../kernel/delta.ts';
import type { SnapshotData, SnapshotUpdate } from '../snapshot/snapshot.ts';

/** What the workers of a node are told of its snapshots: of each what has changed since the one that they have. */
export interface SnapshotFeed {
  /** Null before the first. */
  readonly current: SnapshotData | null;
  /** The newest. It becomes `current` unless that says the same. */
  offer(data: SnapshotData): void;
  /** What makes `current` of an earlier `current`; null: of nothing. */
  updateFrom(earlier: SnapshotData | null): SnapshotUpdate;
}

export function createSnapshotFeed(): SnapshotFeed {
  // Of what has not changed the text is made once, and so is the object: one delta later a look tells that it is the same.
  const textOf = rememberTexts();
  let current: SnapshotData | null = null;
  let offeredVersion = 0;
  /** All workers mostly have the same one. */
  let made: { readonly from: SnapshotData | null; readonly update: SnapshotUpdate } | null = null;

  const piecesBetween = (from: SnapshotData | null, to: SnapshotData): string[] => {
    const { version: _to, ...after } = to;
    const { version: _from, ...before } = from ?? { version: 0 };
    return deltaOf(before, after, bounds.snapshotPieceCharsMax, textOf);
  };

  return {
    get current() {
      return current;
    },
    offer(data) {
      if (data.version <= offeredVersion) return;
      offeredVersion = data.version;
      if (current === null) {
        current = data;
        return;
      }
      const pieces = piecesBetween(current, data);
      if (pieces.length === 0) return;
      const from = current;
      current = { ...atOnce(deltaSteps(current as unknown as Plain, pieces)), version: data.version } as unknown as SnapshotData;
      made = { from, update: { version: data.version, base: from.version, pieces } };
    },
    updateFrom(earlier) {
      if (current === null) throw new Error('no snapshot has been offered yet');
      if (made?.update.version !== current.version || made.from !== earlier)
        made = { from: earlier, update: { version: current.version, base: earlier?.version ?? null, pieces: piecesBetween(earlier, current) } };
      return made.update;
    },
  };
}

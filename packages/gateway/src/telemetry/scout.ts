import { readSegment, type RowShape } from './read-segment.ts';
import type { JournalFolder, WriterFiles } from './journal-folder.ts';
import type { Position } from './cursor.ts';
import type { Tap } from './tap.ts';

/** The bytes of an intent whose outcome is not read yet. */
export interface HeldIntent {
  readonly bytes: Buffer;
  readonly start: number;
  readonly length: number;
}

/**
 * Reads ahead of a drain that waits for the ledger, so that whoever listens at the tap hears of calls all the same. It keeps where it
 * is in memory only, and the intents between the drain and there: when the drain reads the same frames, they are not passed on again.
 */
export interface Scout {
  /** From the further of `from` and where it was last. `intentOf` is what the drain itself holds. */
  look(files: WriterFiles, from: Position, shape: RowShape, intentOf: (call: number) => HeldIntent | undefined): Promise<void>;
  /** Whether the frame at this place was passed on. */
  hasPassed(place: Position): boolean;
  /** The drain has read this call's frame: it is kept there. */
  forget(call: number): void;
}

const chunkBytes = 256 * 1024;

export function createScout({ writer, folder, tap }: { readonly writer: string; readonly folder: JournalFolder; readonly tap: Tap }): Scout {
  const held = new Map<number, HeldIntent>();
  let at: Position = { segment: 0, offset: 0 };
  let memory: Buffer | null = null;

  return {
    async look(files, from, shape, intentOf) {
      if (isBefore(at, from)) at = from;
      for (const { number, bytes } of files.segments) {
        if (number < at.segment) continue;
        if (number > at.segment) at = { segment: number, offset: 0 };
        if (bytes <= at.offset) continue;
        memory ??= Buffer.allocUnsafeSlow(chunkBytes);
        const read = await readSegment({
          path: folder.segment(writer, number),
          from: at.offset,
          to: null,
          shape,
          memory,
          onFrame(kind, call, chunk, start, end) {
            if (kind === 'intent') {
              held.set(call, { bytes: Buffer.from(chunk.subarray(start, end)), start: 0, length: end - start });
              return true;
            }
            const intent = held.get(call) ?? intentOf(call);
            held.delete(call);
            if (intent !== undefined) tap.pass(shape, intent.bytes, intent.start, intent.start + intent.length, chunk, start, end);
            return true;
          },
          onChunk: () => undefined,
        });
        at = { segment: number, offset: read.offset };
        if (read.why === 'corrupt') return;
      }
    },
    hasPassed: (place) => isBefore(place, at),
    forget: (call) => void held.delete(call),
  };
}

function isBefore(one: Position, other: Position): boolean {
  return one.segment < other.segment || (one.segment === other.segment && one.offset < other.offset);
}

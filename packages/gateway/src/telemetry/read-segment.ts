import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import type { Column } from '../record/call-row.ts';
import { columnsOf, scanFrames } from './frames.ts';

/** The columns of a writer's rows: all its segments have the same. */
export interface RowShape {
  readonly intent: readonly Column[];
  readonly outcome: readonly Column[];
}

export interface SegmentRead {
  /** Where reading stopped: before what is no whole frame yet, or where `onFrame` or `to` ended it. */
  readonly offset: number;
  /** `stopped`: by `onFrame` or `to`; `end`: nothing whole follows yet; `corrupt`: what follows is no frame. */
  readonly why: 'stopped' | 'end' | 'corrupt';
  /** Null while the header is not written yet, or where it is none. */
  readonly shape: RowShape | null;
}

export interface SegmentReadOptions {
  readonly path: string;
  /** 0: the header comes first. */
  readonly from: number;
  readonly to: number | null;
  /** That of the writer's earlier segments, if any was read: then only a beginning reads the header. */
  readonly shape: RowShape | null;
  /** What is read goes through this memory, chunk by chunk. */
  readonly memory: Buffer;
  /** The payload lies in `chunk` from `start` to `end`, and in the file at `offset`; returns false to stop after this frame. */
  readonly onFrame: (kind: 'intent' | 'outcome', callNumber: number, chunk: Buffer, start: number, end: number, offset: number) => boolean;
  /** After the frames of a chunk: what is kept of it must be copied now. */
  readonly onChunk: () => void;
}

const headerBytesMax = 64 * 1024;
const header = z.object({ format: z.literal(1), intent: z.array(z.string()), outcome: z.array(z.string()) });

/** Reads the frames of one segment, in order. */
export async function readSegment({ path, from, to, shape: known, memory, onFrame, onChunk }: SegmentReadOptions): Promise<SegmentRead> {
  const file = await open(path, 'r');
  try {
    const head = from > 0 && known !== null ? { bytes: 0, shape: known } : await readHeader(file, memory);
    if (head === null || head === 'corrupt') return { offset: from, why: head === null ? 'end' : 'corrupt', shape: null };
    const { shape } = head;
    let offset = Math.max(from, head.bytes);
    let room = memory;
    while (to === null || offset < to) {
      const chunk = await readChunk(file, offset, to === null ? room : room.subarray(0, to - offset));
      const base = offset;
      let stopped = false;
      const scan = scanFrames(chunk, (kind, callNumber, start, end) => {
        stopped = !onFrame(kind, callNumber, chunk, start, end, base + start);
        return !stopped;
      });
      onChunk();
      offset += scan.scanned;
      if (stopped) return { offset, why: 'stopped', shape };
      if (scan.rest === 'corrupt') return { offset, why: 'corrupt', shape };
      const whole = scan.scanned > 0;
      // A frame larger than the chunk is read again with room for it.
      const larger = !whole && scan.needed > chunk.length && chunk.length === room.length;
      if (larger) room = Buffer.allocUnsafeSlow(scan.needed);
      else if (!whole) return { offset, why: 'end', shape };
    }
    return { offset, why: 'stopped', shape };
  } finally {
    await file.close();
  }
}

async function readHeader(file: FileHandle, memory: Buffer): Promise<{ readonly bytes: number; readonly shape: RowShape } | 'corrupt' | null> {
  const start = await readChunk(file, 0, memory.subarray(0, headerBytesMax));
  const end = start.indexOf(0x0a);
  // Half a header is one that is being written, or whose writer died at once.
  if (end < 0) return start.length === 0 || (start.length < headerBytesMax && start[0] === 0x7b) ? null : 'corrupt';
  try {
    const { intent, outcome } = header.parse(JSON.parse(start.toString('utf8', 0, end)));
    const shape = { intent: columnsOf(intent), outcome: columnsOf(outcome) };
    if (shape.intent === null || shape.outcome === null) return 'corrupt';
    return { bytes: end + 1, shape: { intent: shape.intent, outcome: shape.outcome } };
  } catch {
    return 'corrupt';
  }
}

/** Fills the memory as far as the file goes. */
async function readChunk(file: FileHandle, offset: number, memory: Buffer): Promise<Buffer> {
  let filled = 0;
  while (filled < memory.length) {
    const { bytesRead } = await file.read(memory, filled, memory.length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return memory.subarray(0, filled);
}

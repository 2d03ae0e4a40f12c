/**
 * bodies: from a worker to the masking process, and from there, masked, to files that telemetry takes to the ledger. Imports
 * `kernel/`, `masking/`, `tokens/`, `process/` and the row format of `record/`. Promises: no call waits for it; what is not masked is in memory only,
 * bounded, and is written nowhere; what is lost is counted.
 */
import { connect, type Socket } from 'node:net';
import { bounds } from '../kernel/bounds.ts';
import type { Log } from '../kernel/log.ts';
import { JobBatch, type BodyJob } from './body-job.ts';

/** Why bodies were not handed over. */
export type BodyDrop = 'queue_full' | 'too_large';

/** The way of one worker to the masking process. */
export interface BodyQueue {
  /**
   * Hands over the bodies of a call, `bytes` long together, within some milliseconds and without waiting. `make` is called at once where there is
   * room, with the number of the call among those whose bodies are kept, or 0; what it gives is copied.
   */
  offer(bytes: number, isKept: boolean, make: (sequence: number) => BodyJob): 'sent' | BodyDrop;
  /** Calls whose bodies were not handed over, since the beginning. */
  dropped(): Readonly<Record<BodyDrop, number>>;
  /** Hands over what waits, as far as it goes in `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

export interface BodyQueueOptions {
  readonly socketPath: string;
  /** Names this worker in what is written. */
  readonly source: string;
  readonly log: Log;
}

const reconnectMs = { first: 50, last: 2_000 };
const logMs = 10_000;
/** A write wakes the other process, and there one turn masks what came: both cost more than a job. */
const batchBytes = 64 * 1024;
const batchMs = 10;
const freeMax = 8;

export function createBodyQueue({ socketPath, source, log }: BodyQueueOptions): BodyQueue {
  let socket: Socket | null = null;
  let isConnected = false;
  let delayMs = reconnectMs.first;
  let retry: NodeJS.Timeout | null = null;
  let closing = false;
  let batch: JobBatch | null = null;
  let waiting: Buffer[] = [];
  /** Memory of batches that are sent, for the next ones: fresh memory costs more than what is written into it. */
  const free: Buffer[] = [];
  /** Of what is in `waiting`. */
  let waitingBytes = 0;
  let flushing: NodeJS.Timeout | null = null;
  let sequence = 0;
  const dropped: Record<BodyDrop, number> = { queue_full: 0, too_large: 0 };
  let droppedSinceLog = 0;
  let logAt = 0;

  function open(): void {
    if (socket !== null || retry !== null || closing) return;
    const opened = connect(socketPath);
    socket = opened;
    opened.unref();
    opened.once('connect', () => {
      isConnected = true;
      delayMs = reconnectMs.first;
      const hello = Buffer.from(`${source}\n`);
      opened.write(hello);
      flush();
    });
    opened.on('error', () => undefined);
    opened.once('close', () => {
      socket = null;
      isConnected = false;
      if (closing) return;
      retry = setTimeout(() => {
        retry = null;
        if (heldBytes() > 0) open();
      }, delayMs);
      retry.unref();
      delayMs = Math.min(delayMs * 2, reconnectMs.last);
    });
  }

  function endBatch(): void {
    if (batch === null || batch.length === 0) return;
    waiting.push(batch.bytes);
    waitingBytes += batch.length;
    batch = null;
  }

  function heldBytes(): number {
    return waitingBytes + (batch?.length ?? 0);
  }

  function flush(): void {
    if (flushing !== null) clearTimeout(flushing);
    flushing = null;
    if (socket === null || !isConnected) return;
    endBatch();
    const parts = waiting;
    waiting = [];
    waitingBytes = 0;
    socket.cork();
    for (const part of parts) socket.write(part, () => recycle(part));
    socket.uncork();
  }

  function recycle({ buffer, byteOffset }: Buffer): void {
    if (free.length < freeMax && buffer.byteLength === batchBytes && byteOffset === 0) free.push(Buffer.from(buffer));
  }

  function memory(): Buffer {
    return free.pop() ?? Buffer.allocUnsafeSlow(batchBytes);
  }

  function put(job: BodyJob): void {
    batch ??= new JobBatch(memory());
    const needed = batch.add(job);
    if (needed === 0) return;
    endBatch();
    batch = new JobBatch(needed > batchBytes ? Buffer.allocUnsafeSlow(needed) : memory());
    batch.add(job);
  }

  function drop(reason: BodyDrop): BodyDrop {
    dropped[reason]++;
    droppedSinceLog++;
    const now = performance.now();
    if (now >= logAt) {
      logAt = now + logMs;
      log.warn('bodies.dropped', { reason, calls: droppedSinceLog });
      droppedSinceLog = 0;
    }
    return reason;
  }

  return {
    offer(bytes, isKept, make) {
      if (bytes > bounds.bodyJobBytesMax / 2) return drop('too_large');
      if (heldBytes() + (socket?.writableLength ?? 0) + bytes > bounds.bodyQueueBytesMax) return drop('queue_full');
      if (isKept) sequence = (sequence + 1) >>> 0 || 1;
      put(make(isKept ? sequence : 0));
      open();
      if (isConnected && waiting.length > 0) flush();
      else if (isConnected && flushing === null) {
        flushing = setTimeout(flush, batchMs);
        flushing.unref();
      }
      return 'sent';
    },
    dropped: () => ({ ...dropped }),
    async close(timeoutMs) {
      const until = performance.now() + timeoutMs;
      flush();
      while ((heldBytes() > 0 || (socket?.writableLength ?? 0) > 0) && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
      closing = true;
      if (retry) clearTimeout(retry);
      socket?.end();
    },
  };
}

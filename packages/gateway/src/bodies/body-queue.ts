/**
 * bodies: from a worker to the masking process, and from there, masked, to files that telemetry takes to the ledger. Imports
 * `kernel/`, `masking/`, `tokens/`, `process/` and the row format of `record/`. Promises: no call waits for it; what is not masked is in memory only,
 * bounded, and is written nowhere; what is lost is counted.
 */
import { connect, type Socket } from 'node:net';
import { bounds } from '../kernel/bounds.ts';
import type { Log } from '../kernel/log.ts';
import { jobBytes, type BodyFacts, type BodyJob } from './body-job.ts';

/** Why bodies were not handed over. */
export type BodyDrop = 'queue_full' | 'too_large';

/** The way of one worker to the masking process. */
export interface BodyQueue {
  /** Hands over bodies, at once and without waiting. `facts.sequence` is given here. */
  offer(job: Omit<BodyJob, 'facts'> & { readonly facts: Omit<BodyFacts, 'sequence'>; readonly isKept: boolean }): 'sent' | BodyDrop;
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

export function createBodyQueue({ socketPath, source, log }: BodyQueueOptions): BodyQueue {
  let socket: Socket | null = null;
  let isConnected = false;
  let delayMs = reconnectMs.first;
  let retry: NodeJS.Timeout | null = null;
  let closing = false;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let isFlushing = false;
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
        if (waiting.length > 0) open();
      }, delayMs);
      retry.unref();
      delayMs = Math.min(delayMs * 2, reconnectMs.last);
    });
  }

  /** All of a turn share one write. */
  function flush(): void {
    isFlushing = false;
    if (socket === null || !isConnected || waiting.length === 0) return;
    const parts = waiting;
    waiting = [];
    waitingBytes = 0;
    socket.cork();
    for (const part of parts) socket.write(part);
    socket.uncork();
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
    offer({ isKept, facts, ...job }) {
      const bytes = job.request.length + job.response.length;
      if (bytes > bounds.bodyJobBytesMax / 2) return drop('too_large');
      if (waitingBytes + (socket?.writableLength ?? 0) + bytes > bounds.bodyQueueBytesMax) return drop('queue_full');
      if (isKept) sequence = (sequence + 1) >>> 0 || 1;
      for (const part of jobBytes({ ...job, facts: { ...facts, sequence: isKept ? sequence : 0 } })) {
        waiting.push(part);
        waitingBytes += part.length;
      }
      open();
      if (!isFlushing && isConnected) {
        isFlushing = true;
        setImmediate(flush);
      }
      return 'sent';
    },
    dropped: () => ({ ...dropped }),
    async close(timeoutMs) {
      const until = performance.now() + timeoutMs;
      flush();
      while ((waiting.length > 0 || (socket?.writableLength ?? 0) > 0) && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
      closing = true;
      if (retry) clearTimeout(retry);
      socket?.end();
    },
  };
}

/**
 * The load generator, a process of its own: takes one job after the other over IPC, says `measuring` when the warm-up is
 * over, `measured` when the measured time is, with all connections still open, and `done` with the result.
 *
 * Closed loop: every connection sends its next request when the reply is there; this finds the throughput. Fixed rate:
 * request number n is due at n / rate, and its latency counts from then, whether or not a connection was free: a proxy that
 * stalls is charged for all who had to wait ("coordinated omission").
 */
import { Worker } from 'node:worker_threads';
import { createHistogram, type Histogram } from './histogram.ts';
import { type Lane, openLane } from './lane.ts';

export interface LoadJob {
  readonly port: number;
  /** The whole request, as it is written to the socket. */
  readonly request: string;
  /** What a right reply holds; any other size, and any status but 200, counts as a failure. */
  readonly replyBytes: number;
  readonly connections: number;
  /** Requests a second, or null for the closed loop. */
  readonly perSecond: number | null;
  readonly warmupMs: number;
  readonly measureMs: number;
}

export interface LoadResult {
  readonly replies: number;
  readonly failures: number;
  readonly firstFailure: string | null;
  /** Right replies a second of the measured time. */
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly worst: number;
  /** Fixed rate: requests due in the measured time whose reply had not come 1 s after its end. */
  readonly unanswered: number;
}

export type GeneratorNews =
  | { readonly kind: 'measuring' }
  | { readonly kind: 'measured' }
  | { readonly kind: 'done'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly message: string };

const connectsAtOnce = 100;
const graceMs = 1_000;

process.on('message', (job: LoadJob) => {
  runJob(job).then(
    (result) => tell({ kind: 'done', result }),
    (error: unknown) => tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));

function tell(news: GeneratorNews): void {
  process.send?.(news);
}

async function runJob(job: LoadJob): Promise<LoadResult> {
  const tally = createTally(job);
  const slots: Slot[] = Array.from({ length: job.connections }, () => ({ lane: null, dueAt: 0 }));
  const idle: Slot[] = [];
  let onIdle: (slot: Slot) => void = (slot) => idle.push(slot);
  const bytes = Buffer.from(job.request);

  for (let at = 0; at < slots.length; at += connectsAtOnce) {
    await Promise.all(
      slots.slice(at, at + connectsAtOnce).map(async (slot) => {
        slot.lane = await openLane(job.port, bytes, {
          onReply(status, bodyBytes) {
            tally.reply(slot.dueAt, status, bodyBytes);
            onIdle(slot);
          },
          onBroken(reason) {
            slot.lane = null;
            tally.failure(slot.dueAt, reason.message);
          },
        });
        idle.push(slot);
      }),
    );
  }

  const startAt = performance.now() + 1;
  tally.measure(startAt + job.warmupMs, startAt + job.warmupMs + job.measureMs);
  const marker = setTimeout(() => tell({ kind: 'measuring' }), job.warmupMs);
  try {
    if (job.perSecond === null) await runClosed();
    else await runFixed(job.perSecond);
  } finally {
    clearTimeout(marker);
    for (const slot of slots) slot.lane?.close();
  }
  return tally.result();

  async function runClosed(): Promise<void> {
    let onTheWay = 0;
    const again = (slot: Slot): void => {
      slot.dueAt = performance.now();
      if (slot.dueAt >= tally.endAt || slot.lane === null) return;
      onTheWay += 1;
      slot.lane.send();
    };
    onIdle = (slot) => {
      onTheWay -= 1;
      again(slot);
    };
    for (const slot of idle.splice(0)) again(slot);
    await waitUntil(tally.endAt);
    tell({ kind: 'measured' });
    // A proxy whose clients leave in the middle has other work to do than the next target should pay for.
    for (const until = performance.now() + graceMs; performance.now() < until && onTheWay > 0;) await waitUntil(performance.now() + 5);
  }

  async function runFixed(perSecond: number): Promise<void> {
    const intervalMs = 1_000 / perSecond;
    let next = 0;
    const pump = (): void => {
      const now = performance.now();
      for (let dueAt = startAt + next * intervalMs; dueAt <= now && dueAt < tally.endAt; dueAt = startAt + next * intervalMs) {
        const slot = idle.pop();
        if (slot === undefined) return;
        if (slot.lane === null) continue;
        slot.dueAt = dueAt;
        slot.lane.send();
        next += 1;
      }
    };
    onIdle = (slot) => {
      idle.push(slot);
      pump();
    };
    const pacer = startPacer(intervalMs, pump);
    await waitUntil(tally.endAt);
    tell({ kind: 'measured' });
    const expected = Math.floor(job.measureMs / intervalMs);
    for (const until = performance.now() + graceMs; performance.now() < until && tally.replies + tally.failures < expected;)
      await waitUntil(performance.now() + 10);
    await pacer.stop();
    // Whoever still waits has waited at least until now: left out, the worst latencies would be missing.
    for (let number = 0; number < expected - tally.replies - tally.failures; number += 1) tally.unanswered();
  }
}

interface Slot {
  lane: Lane | null;
  /** When the request on its way was due, by `performance.now()`. */
  dueAt: number;
}

interface Tally {
  readonly replies: number;
  readonly failures: number;
  readonly endAt: number;
  measure(fromAt: number, endAt: number): void;
  reply(dueAt: number, status: number, bodyBytes: number): void;
  failure(dueAt: number, reason: string): void;
  unanswered(): void;
  result(): LoadResult;
}

function createTally(job: LoadJob): Tally {
  const latencies: Histogram = createHistogram();
  let from = Number.POSITIVE_INFINITY;
  let end = Number.POSITIVE_INFINITY;
  let failures = 0;
  let unanswered = 0;
  let firstFailure: string | null = null;
  const fixed = job.perSecond !== null;

  // The closed loop counts what was answered in the measured time, the fixed rate what was due in it.
  const counts = (dueAt: number, now: number): boolean => (fixed ? dueAt >= from && dueAt < end : now >= from && now < end);

  return {
    get replies() {
      return latencies.count;
    },
    get failures() {
      return failures;
    },
    get endAt() {
      return end;
    },
    measure(fromAt, endAt) {
      from = fromAt;
      end = endAt;
    },
    reply(dueAt, status, bodyBytes) {
      const now = performance.now();
      if (status !== 200 || bodyBytes !== job.replyBytes) this.failure(dueAt, `status ${status} with ${bodyBytes} bytes`);
      else if (counts(dueAt, now)) latencies.record(now - dueAt);
    },
    failure(dueAt, reason) {
      firstFailure ??= reason;
      if (counts(dueAt, performance.now())) failures += 1;
    },
    unanswered() {
      unanswered += 1;
    },
    result() {
      const all = latencies.count;
      for (let number = 0; number < unanswered; number += 1) latencies.record(graceMs);
      const [p50, p95, p99, worst] = [0.5, 0.95, 0.99, 1].map((q) => latencies.quantile(q));
      return {
        replies: all,
        failures,
        firstFailure,
        perSecond: (all / job.measureMs) * 1_000,
        p50: p50 ?? 0,
        p95: p95 ?? 0,
        p99: p99 ?? 0,
        worst: worst ?? 0,
        unanswered,
      };
    },
  };
}

function startPacer(intervalMs: number, onDue: () => void): { stop(): Promise<void> } {
  const shared = new SharedArrayBuffer(8);
  const flags = new Int32Array(shared);
  const worker = new Worker(new URL('./pacer.ts', import.meta.url), { workerData: { shared, intervalMs } });
  worker.on('message', () => {
    Atomics.store(flags, 1, 0);
    onDue();
  });
  return {
    async stop() {
      Atomics.store(flags, 0, 1);
      Atomics.notify(flags, 0);
      await worker.terminate();
    },
  };
}

function waitUntil(at: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, at - performance.now())));
}

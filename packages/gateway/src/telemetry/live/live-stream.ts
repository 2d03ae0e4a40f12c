import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { CallMeter, summarizeCells, type MeterSummary } from './call-meter.ts';
import type { LiveCall } from './live-call.ts';

/** What a live stream says. Only calls have an id: it names a place to go on from. */
export type LiveEvent =
  | { readonly type: 'open'; readonly replayed: number }
  | { readonly type: 'call'; readonly id: string; readonly call: LiveCall }
  /** Calls between where the reader was and here are not known any more; null: nobody knows how many. */
  | { readonly type: 'gap'; readonly missed: number | null; readonly reason: 'too_old' | 'restarted' }
  /** Of the last second so many of all that fit were shown. */
  | { readonly type: 'sampled'; readonly shown: number; readonly of: number }
  /** The reader was too slow: so many were lost now, and so many in all. */
  | { readonly type: 'dropped'; readonly count: number; readonly total: number }
  /** All calls of the last second that fit, shown or not; `endMs`: when it was over, since the epoch. */
  | { readonly type: 'metrics'; readonly endMs: number; readonly summary: MeterSummary; readonly agents: number }
  | { readonly type: 'heartbeat'; readonly dropped: number }
  | { readonly type: 'end'; readonly reason: 'draining' | 'unauthorized' | 'reconnect' };

export interface LiveEntry {
  readonly id: string;
  readonly call: LiveCall;
}

export interface LiveStreamOptions {
  readonly holder: string;
  readonly organizationId: string;
  readonly fits: (call: LiveCall) => boolean;
  /** Calls shown in a second at most. */
  readonly rateMax: number;
  readonly shows: { readonly calls: boolean; readonly metrics: boolean };
  readonly clock: Clock;
  readonly onClose: (stream: LiveStream) => void;
}

/** One reader's view of the calls. What it has not read yet waits here, bounded; calls themselves are shared by all readers. */
export class LiveStream {
  readonly holder: string;
  /** Lost so far for its slowness. */
  dropped = 0;
  private readonly options: LiveStreamOptions;
  private readonly queue: LiveEvent[] = [];
  private unsaid = 0;
  private readonly meter: CallMeter | null;
  private shown = 0;
  private of = 0;
  private ended = false;
  private wake: (() => void) | null = null;
  private heartbeatAtMs: number;
  private readonly endsAtMs: number;

  constructor(options: LiveStreamOptions) {
    this.options = options;
    this.holder = options.holder;
    this.meter = options.shows.metrics ? new CallMeter() : null;
    this.heartbeatAtMs = options.clock.monotonicMs() + bounds.liveHeartbeatMs;
    this.endsAtMs = options.clock.monotonicMs() + bounds.liveStreamMs;
  }

  get showsCalls(): boolean {
    return this.options.shows.calls;
  }

  fits(call: LiveCall): boolean {
    return call.organization_id === this.options.organizationId && this.options.fits(call);
  }

  /** Calls that came at once: as many as the rate of this second leaves, evenly chosen. */
  offer(entries: readonly LiveEntry[]): void {
    const fitting = entries.filter(({ call }) => this.fits(call));
    if (this.meter !== null) for (const { call } of fitting) this.meter.add(call);
    if (!this.options.shows.calls) return;
    const room = Math.max(0, this.options.rateMax - this.shown);
    const chosen = fitting.length <= room ? fitting : Array.from({ length: room }, (_, index) => fitting[Math.floor((index * fitting.length) / room)]);
    this.of += fitting.length;
    this.shown += chosen.length;
    for (const entry of chosen) if (entry !== undefined) this.push({ type: 'call', ...entry });
  }

  /** What the reader missed while it was away: it is known how much that is at most. */
  replay(entries: readonly LiveEntry[]): void {
    if (!this.options.shows.calls) return;
    for (const entry of entries) this.queue.push({ type: 'call', ...entry });
  }

  /** A second is over. */
  tick(): void {
    if (this.shown < this.of) this.push({ type: 'sampled', shown: this.shown, of: this.of });
    this.shown = 0;
    this.of = 0;
    if (this.meter !== null) {
      const { cells, agents } = this.meter.take();
      this.push({ type: 'metrics', endMs: this.options.clock.nowMs(), summary: summarizeCells(cells), agents: agents.size });
    }
    const nowMs = this.options.clock.monotonicMs();
    if (nowMs >= this.endsAtMs) return this.end('reconnect');
    if (nowMs < this.heartbeatAtMs) return;
    this.heartbeatAtMs = nowMs + bounds.liveHeartbeatMs;
    // Who does not read needs no sign of life.
    if (this.queue.length === 0) this.push({ type: 'heartbeat', dropped: this.dropped });
  }

  push(event: LiveEvent): void {
    if (this.ended) return;
    if (this.queue.length >= bounds.liveQueueMax) {
      if (event.type !== 'call') return;
      this.unsaid++;
      this.dropped++;
      return;
    }
    this.queue.push(event);
    this.wake?.();
  }

  /** The next event; null when there will be none any more. One reader at a time. */
  async next(): Promise<LiveEvent | null> {
    for (;;) {
      const event = this.queue.shift();
      if (event !== undefined) return event;
      if (this.unsaid > 0) {
        const count = this.unsaid;
        this.unsaid = 0;
        return { type: 'dropped', count, total: this.dropped };
      }
      if (this.ended) return null;
      await new Promise<void>((resolve) => (this.wake = resolve));
      this.wake = null;
    }
  }

  /** After what waits the reader is told why, and to come again if it may. */
  end(reason: Extract<LiveEvent, { type: 'end' }>['reason']): void {
    if (this.ended) return;
    // Whoever may see nothing any more does not see what waits either.
    if (reason === 'unauthorized') this.queue.length = 0;
    this.queue.push({ type: 'end', reason });
    this.finish();
  }

  /** The reader has gone. */
  close(): void {
    this.queue.length = 0;
    this.unsaid = 0;
    this.finish();
  }

  private finish(): void {
    if (this.ended) return;
    this.ended = true;
    this.options.onClose(this);
    this.wake?.();
  }
}

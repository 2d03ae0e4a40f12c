import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { CallMeter, summarizeCells, type MeterSummary } from './call-meter.ts';
import type { LiveCall } from './live-call.ts';

/** What a live stream says. What is of one call has an id: it names a place to go on from. */
export type LiveEvent =
  | { readonly type: 'open'; readonly replayed: number }
  | { readonly type: 'call'; readonly id: string; readonly call: LiveCall }
  /** A call that was shown, again: with its tokens, which were counted after it, and what it cost with them. */
  | { readonly type: 'counted'; readonly id: string; readonly call: LiveCall }
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
  /** The call as it was before its tokens were counted; null: it has just ended. */
  readonly before: LiveCall | null;
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
  /** Spans of the last calls that were shown and whose tokens may still be counted. */
  private readonly awaited = new Set<string>();
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

  /** Of a call whose tokens were counted: whether it is one for this reader now, or was one before. */
  fits({ call, before }: LiveEntry): boolean {
    return this.isFor(call) || (before !== null && this.isFor(before));
  }

  /** Calls that came at once: as many as the rate of this second leaves, evenly chosen; and of those that were shown what has become of them. */
  offer(entries: readonly LiveEntry[]): void {
    const fitting = entries.filter((entry) => this.fits(entry));
    if (this.meter !== null) for (const { call, before } of fitting) if (before === null) this.meter.add(call);
    if (!this.options.shows.calls) return;
    // A call that fits only now, with its tokens, is shown as one that has just ended.
    const isNew = ({ before }: LiveEntry): boolean => before === null || !this.isFor(before);
    const fresh = fitting.filter(isNew);
    const room = Math.max(0, this.options.rateMax - this.shown);
    const chosen = fresh.length <= room ? fresh : Array.from({ length: room }, (_, index) => fresh[Math.floor((index * fresh.length) / room)]);
    this.of += fresh.length;
    this.shown += chosen.length;
    for (const entry of chosen) if (entry !== undefined) this.show('call', entry);
    for (const entry of fitting) if (!isNew(entry) && this.awaited.has(entry.call.span_hex)) this.show('counted', entry);
  }

  /** What the reader missed while it was away: it is known how much that is at most. */
  replay(entries: readonly LiveEntry[]): void {
    if (!this.options.shows.calls) return;
    for (const { id, call, before } of entries) {
      this.remember(call);
      this.queue.push({ type: before === null || !this.isFor(before) ? 'call' : 'counted', id, call });
    }
  }

  private isFor(call: LiveCall): boolean {
    return call.organization_id === this.options.organizationId && this.options.fits(call);
  }

  private show(type: 'call' | 'counted', { id, call }: LiveEntry): void {
    this.remember(call);
    this.push({ type, id, call });
  }

  private remember({ span_hex: span, method, tokens_source: source }: LiveCall): void {
    if (source !== '') this.awaited.delete(span);
    else if (method === 'tools/call') {
      this.awaited.add(span);
      // A set keeps the order in which it was filled.
      for (const oldest of this.awaited) {
        if (this.awaited.size <= bounds.liveReplayMax) break;
        this.awaited.delete(oldest);
      }
    }
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
      if (event.type !== 'call' && event.type !== 'counted') return;
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

  /** Nothing more will come. */
  get isOver(): boolean {
    return this.ended;
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

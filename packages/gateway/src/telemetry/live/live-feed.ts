import { randomBytes } from 'node:crypto';
import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Tap } from '../tap.ts';
import { liveCallOf } from './live-call.ts';
import { LiveStream, type LiveEntry, type LiveStreamOptions } from './live-stream.ts';

/** The calls of this node as they end, for whoever watches. */
export interface LiveFeed {
  /**
   * `after`: the id of the last call that the reader saw; what came since is there first, as far as it is still known, and a gap is named. Faults:
   * `too_many_streams`.
   */
  open(options: Pick<LiveStreamOptions, 'holder' | 'organizationId' | 'fits' | 'rateMax'> & { readonly after: string | null }): LiveStream;
  figures(): { readonly streams: number; readonly dropped: number };
  /** Ends the streams of one who may watch no longer; null: of everyone, because the gateway ends. */
  end(holder: string | null): void;
}

const secondMs = 1_000;

/**
 * Calls get numbers as they come. The last ones are kept, so that a reader that comes back within a minute misses none; with nobody watching for
 * longer than that, nothing is decoded.
 */
export function createLiveFeed({ tap, clock }: { readonly tap: Tap; readonly clock: Clock }): LiveFeed {
  // Numbers of another process are none of ours.
  const epoch = randomBytes(4).toString('hex');
  const streams = new Set<LiveStream>();
  let kept: LiveEntry[] = [];
  let last = 0;
  let burst: LiveEntry[] = [];
  let unlisten: (() => void) | null = null;
  let ticking: NodeJS.Timeout | null = null;
  let idleSinceMs: number | null = null;
  let droppedBefore = 0;

  function listen(): void {
    idleSinceMs = null;
    unlisten ??= tap.listen((row) => {
      const entry = { id: `${epoch}-${++last}`, call: liveCallOf(row) };
      kept.push(entry);
      // Now and then rather than each time: a shift of thousands is not free.
      if (kept.length >= bounds.liveReplayMax * 2) kept = kept.slice(-bounds.liveReplayMax);
      if (burst.length === 0) setImmediate(pass);
      burst.push(entry);
    });
    ticking ??= setInterval(tick, secondMs);
  }

  /** The drain reads many calls at once; the choice among them must not favour those that came first. */
  function pass(): void {
    const entries = burst;
    burst = [];
    if (entries.length === 0) return;
    for (const stream of streams) stream.offer(entries);
  }

  function tick(): void {
    for (const stream of streams) stream.tick();
    if (streams.size > 0) return;
    idleSinceMs ??= clock.monotonicMs();
    if (clock.monotonicMs() - idleSinceMs < bounds.liveLingerMs) return;
    unlisten?.();
    unlisten = null;
    if (ticking !== null) clearInterval(ticking);
    ticking = null;
    kept = [];
  }

  function replay(stream: LiveStream, after: string): void {
    const [of, number] = after.split('-');
    const from = Number(number);
    const oldest = last - Math.min(kept.length, bounds.liveReplayMax) + 1;
    if (of !== epoch || !Number.isSafeInteger(from) || from > last) {
      stream.push({ type: 'gap', missed: null, reason: 'restarted' });
      stream.push({ type: 'open', replayed: 0 });
      return;
    }
    if (from + 1 < oldest) stream.push({ type: 'gap', missed: oldest - from - 1, reason: 'too_old' });
    const since = kept.slice(kept.length - (last - Math.max(from, oldest - 1))).filter(({ call }) => stream.fits(call));
    stream.push({ type: 'open', replayed: since.length });
    stream.replay(since);
  }

  return {
    open({ after, ...options }) {
      const own = [...streams].filter(({ holder }) => holder === options.holder).length;
      if (streams.size >= bounds.liveStreamsMax || own >= bounds.liveStreamsPerHolderMax) throw new Fault('too_many_streams');
      const stream = new LiveStream({
        ...options,
        clock,
        onClose(closed) {
          streams.delete(closed);
          droppedBefore += closed.dropped;
        },
      });
      // Those that watch already get what has come till now; the new one begins, or goes on, from here.
      pass();
      if (after === null) stream.push({ type: 'open', replayed: 0 });
      else replay(stream, after);
      streams.add(stream);
      listen();
      return stream;
    },
    figures: () => ({ streams: streams.size, dropped: [...streams].reduce((sum, { dropped }) => sum + dropped, droppedBefore) }),
    end(holder) {
      for (const stream of streams) {
        if (holder === null) stream.end('draining');
        else if (stream.holder === holder) stream.end('unauthorized');
      }
      if (holder !== null) return;
      unlisten?.();
      unlisten = null;
      if (ticking !== null) clearInterval(ticking);
      ticking = null;
    },
  };
}

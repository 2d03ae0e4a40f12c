import { randomBytes } from 'node:crypto';
import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import type { CountedTokens } from '../counted-tokens.ts';
import type { Tap } from '../tap.ts';
import { CallMeter, summarizeCells, type MeteredKind, type MeteredSecond, type MeterSummary } from './call-meter.ts';
import { liveCallOf, withCountedTokens, type LiveCall } from './live-call.ts';
import { LiveStream, type LiveEntry, type LiveStreamOptions } from './live-stream.ts';

/** The calls of this node as they end, for whoever watches. */
export interface LiveFeed {
  /**
   * `after`: the id of the last call that the reader saw; what came since is there first, as far as it is still known, and a gap is named. Faults:
   * `too_many_streams`.
   */
  open(options: Pick<LiveStreamOptions, 'holder' | 'organizationId' | 'fits' | 'rateMax' | 'shows'> & { readonly after: string | null }): LiveStream;
  /** The seconds that just ended, of an organization's calls of the kinds that fit; null until the first second after somebody asked is over. */
  recent(organizationId: string, fits: (kind: MeteredKind) => boolean): RecentFigures | null;
  figures(): { readonly streams: number; readonly dropped: number };
  /** Ends the streams of one who may watch no longer; null: of everyone, because the gateway ends. */
  end(holder: string | null): void;
}

export interface RecentFigures extends MeterSummary {
  /** How many seconds the figures are of. */
  readonly seconds: number;
  /** Oldest first, as many as are known, at most `meterSeconds`; `endMs`: when the second was over, since the epoch. */
  readonly history: readonly { readonly endMs: number; readonly calls: number; readonly errors: number }[];
}

const secondMs = 1_000;
/** One second says little where calls are few. */
const recentSeconds = 10;

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
  /** Tokens whose call has not come yet: bodies and journal are drained each by itself. */
  const early = new Map<string, CountedTokens>();
  let unlisten: (() => void) | null = null;
  let unlistenCounted: (() => void) | null = null;
  let ticking: NodeJS.Timeout | null = null;
  let idleSinceMs: number | null = null;
  let droppedBefore = 0;
  const meters = new Map<string, CallMeter>();
  /** By organization: the seconds that just ended, oldest first. */
  let seconds: { readonly endMs: number; readonly byOrganization: ReadonlyMap<string, MeteredSecond> }[] = [];

  function listen(): void {
    idleSinceMs = null;
    unlisten ??= tap.listen((row) => {
      const ended = liveCallOf(row);
      const counted = early.get(ended.span_hex);
      const call = counted === undefined ? ended : withCountedTokens(ended, counted);
      early.delete(ended.span_hex);
      meterOf(call.organization_id).add(call);
      add(call, null);
    });
    unlistenCounted ??= tap.listenCounted(addCounted);
    ticking ??= setInterval(tick, secondMs);
  }

  function add(call: LiveCall, before: LiveCall | null): void {
    const entry = { id: `${epoch}-${++last}`, call, before };
    kept.push(entry);
    // Now and then rather than each time: a shift of thousands is not free.
    if (kept.length >= bounds.liveReplayMax * 2) kept = kept.slice(-bounds.liveReplayMax);
    if (burst.length === 0) setImmediate(pass);
    burst.push(entry);
  }

  /** Of calls that are not known any more nothing is said. */
  function addCounted(tokens: readonly CountedTokens[]): void {
    const wanted = new Map(tokens.map((one) => [one.spanHex, one]));
    const found: [LiveCall, CountedTokens][] = [];
    for (let at = kept.length - 1; at >= 0 && wanted.size > 0; at--) {
      const { call } = kept[at] ?? {};
      const counted = call && wanted.get(call.span_hex);
      if (call === undefined || counted === undefined || call.organization_id !== counted.organizationId) continue;
      wanted.delete(call.span_hex);
      if (call.tokens_source === '') found.push([call, counted]);
    }
    for (const [span, counted] of wanted) early.set(span, counted);
    for (const oldest of early.keys()) {
      if (early.size <= bounds.liveReplayMax) break;
      early.delete(oldest);
    }
    for (const [call, counted] of found.reverse()) add(withCountedTokens(call, counted), call);
  }

  function meterOf(organizationId: string): CallMeter {
    const known = meters.get(organizationId);
    if (known !== undefined) return known;
    const made = new CallMeter();
    meters.set(organizationId, made);
    return made;
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
    const byOrganization = new Map(Array.from(meters, ([organizationId, meter]) => [organizationId, meter.take()] as const));
    // Whoever calls again gets a meter again.
    meters.clear();
    seconds = [...seconds.slice(1 - bounds.meterSeconds), { endMs: clock.nowMs(), byOrganization }];
    if (streams.size > 0) return;
    idleSinceMs ??= clock.monotonicMs();
    if (clock.monotonicMs() - idleSinceMs >= bounds.liveLingerMs) stopListening();
  }

  function stopListening(): void {
    unlisten?.();
    unlisten = null;
    unlistenCounted?.();
    unlistenCounted = null;
    if (ticking !== null) clearInterval(ticking);
    ticking = null;
    kept = [];
    early.clear();
    seconds = [];
    meters.clear();
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
    const since = kept.slice(kept.length - (last - Math.max(from, oldest - 1))).filter((entry) => stream.fits(entry));
    stream.push({ type: 'open', replayed: stream.showsCalls ? since.length : 0 });
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
    recent(organizationId, fits) {
      listen();
      const known = seconds.map(({ endMs, byOrganization }) => ({ endMs, cells: byOrganization.get(organizationId)?.cells.filter(fits) ?? [] }));
      if (known.length === 0) return null;
      const newest = known.slice(-recentSeconds);
      return {
        ...summarizeCells(newest.flatMap(({ cells }) => cells)),
        seconds: newest.length,
        history: known.map(({ endMs, cells }) => ({
          endMs,
          calls: cells.reduce((sum, { calls }) => sum + calls, 0),
          errors: cells.reduce((sum, { status, calls }) => sum + (status === 'error' || status === 'timeout' ? calls : 0), 0),
        })),
      };
    },
    figures: () => ({ streams: streams.size, dropped: [...streams].reduce((sum, { dropped }) => sum + dropped, droppedBefore) }),
    end(holder) {
      for (const stream of streams) {
        if (holder === null) stream.end('draining');
        else if (stream.holder === holder) stream.end('unauthorized');
      }
      if (holder === null) stopListening();
    },
  };
}

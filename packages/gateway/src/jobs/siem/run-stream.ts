import { setTimeout as delay } from 'node:timers/promises';
import type { StoredRecord } from '../../chain/verify-events.ts';
import type { StreamStatus } from '../../control/audit/stream-desk.ts';
import { calledEvent } from '../../control/audit/called-event.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { fitsGlob, parseGlob } from '../../kernel/glob.ts';
import type { OrganizationId } from '../../kernel/id.ts';
import type { Log } from '../../kernel/log.ts';
import type { StreamPlace } from '../../store/registry/audit-store.ts';
import type { RegistryStore } from '../../store/registry/registry-store.ts';
import type { LedgerReader } from '../../store/ledger/ledger-reader.ts';
import { DeliveryError, type Sender } from './sender.ts';
import type { StreamData } from './stream-data.ts';

export interface StreamOptions {
  readonly data: StreamData;
  readonly sender: Sender;
  readonly registry: Pick<RegistryStore, 'audit' | 'transaction'>;
  /** Null until it is open. */
  readonly ledger: () => Pick<LedgerReader, 'listChainEnds' | 'listChainedCalls'> | null;
  readonly organizationId: OrganizationId;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RunningStream {
  readonly data: StreamData;
  status(): StreamStatus;
  /** Ends at once: what is under way is sent again by whoever goes on. */
  stop(): Promise<void>;
}

/** Stands among the places of chains, none of which has no name: they have been looked at. */
const looked = '';

/**
 * Sends what the registry has behind the place that was delivered last, and remembers the place only when the target has it: what was
 * under way when a process or a target died is sent again, and nothing is left out. Events wait in the registry, not here.
 */
export function runStream({ data, sender, registry, ledger, organizationId, node, clock, log }: StreamOptions): RunningStream {
  const { name, batchMax } = data;
  const stopping = new AbortController();
  const { signal } = stopping;
  const [wanted, unwanted] = [data.events, data.except].map((patterns) => patterns.map(parseGlob));
  const hold = { organizationId, name, node, holdMs: bounds.auditStreamHoldMs };
  let state: StreamStatus['state'] = 'starting';
  let reason: string | null = null;
  let failingSinceMs: number | null = null;
  let delivered = 0;
  let failures = 0;
  let behind: number | null = null;
  let lastDeliveredAtMs: number | null = null;

  /** Null: another node sends. */
  let place: StreamPlace | null = null;
  let heldUntilMs = 0;
  /** What a target takes at once may be less than what is configured. */
  let sizeMax = batchMax;

  function fits({ action }: StoredRecord): boolean {
    return wanted?.some((glob) => fitsGlob(glob, action)) === true && unwanted?.some((glob) => fitsGlob(glob, action)) !== true;
  }

  async function take(): Promise<void> {
    // Renewed in good time, so that nobody takes a node for dead that has nothing to send.
    if (place !== null && clock.monotonicMs() < heldUntilMs - (hold.holdMs * 2) / 3) return;
    const begin = data.from === 'now' ? (await registry.audit.head(organizationId)).sequence : 0;
    place = await registry.transaction(({ auditStreams }) => auditStreams.hold({ ...hold, begin: { sequence: begin, calls: {} } }));
    heldUntilMs = clock.monotonicMs() + hold.holdMs;
  }

  async function keep(next: StreamPlace): Promise<void> {
    const isMine = await registry.transaction(({ auditStreams }) => auditStreams.advance({ ...hold, place: next }));
    place = isMine ? next : null;
    heldUntilMs = isMine ? clock.monotonicMs() + hold.holdMs : 0;
  }

  /** Sends those of a page that fit, as many as go at once; how many of the page are done with. */
  async function deliver(page: readonly StoredRecord[]): Promise<number> {
    const batch: Buffer[] = [];
    let done = 0;
    let newestMs = 0;
    let bytes = 0;
    for (const event of page) {
      const encoded = fits(event) ? sender.encode(event) : null;
      if (encoded !== null && (batch.length >= sizeMax || (batch.length > 0 && bytes + encoded.length > bounds.auditStreamBatchBytesMax))) break;
      if (encoded !== null) {
        batch.push(encoded);
        bytes += encoded.length;
        newestMs = event.atMs;
      }
      done += 1;
    }
    if (batch.length === 0) return done;
    await sender.send(batch, newestMs, signal);
    delivered += batch.length;
    lastDeliveredAtMs = clock.nowMs();
    return done;
  }

  /** Delivers some of the events that wait; how many may be left. */
  async function stepEvents(from: StreamPlace): Promise<number> {
    const page = await registry.audit.range(organizationId, { after: from.sequence, limit: batchMax });
    if (page.length === 0) return 0;
    const through = page[(await deliver(page)) - 1]?.sequence ?? from.sequence;
    await keep({ ...from, sequence: through });
    const isMore = through !== page.at(-1)?.sequence || page.length === batchMax;
    return isMore ? Math.max(1, (await registry.audit.head(organizationId)).sequence - through) : 0;
  }

  /** The same of calls, of every node's chain. */
  async function stepCalls(from: StreamPlace): Promise<number> {
    const reader = data.calls ? ledger() : null;
    if (reader === null) return 0;
    const ends = await reader.listChainEnds(organizationId);
    const fresh = ends.filter(({ chain }) => from.calls[chain] === undefined);
    const isFirst = from.calls[looked] === undefined;
    if (isFirst || fresh.length > 0) {
      // A chain that comes up later is a new node's: all of it is new.
      const begins = fresh.map(({ chain, sequence }) => [chain, isFirst && data.from === 'now' ? sequence : 0]);
      await keep({ ...from, calls: { [looked]: 0, ...from.calls, ...Object.fromEntries(begins) } });
      return 1;
    }
    let waiting = 0;
    for (const { chain, sequence } of ends) {
      const after: number = place?.calls[chain] ?? sequence;
      if (place === null || after >= sequence) continue;
      const page = await reader.listChainedCalls({ organizationId, chain, after, through: sequence, limit: batchMax });
      const tools = page.filter(({ method }) => method === 'tools/call');
      const done = await deliver(tools.map((call) => calledEvent(call, organizationId)));
      const isWhole = done === tools.length;
      // What follows the last tool of a page is no call of a tool; behind the last page there is nothing, or what retention dropped.
      const through = !isWhole ? (tools[done - 1]?.chain_sequence ?? after) : page.length === batchMax ? (page.at(-1)?.chain_sequence ?? sequence) : sequence;
      await keep({ ...place, calls: { ...place.calls, [chain]: through } });
      waiting += sequence - through;
    }
    return waiting;
  }

  /** True where there may be more at once. */
  async function step(from: StreamPlace): Promise<boolean> {
    const events = await stepEvents(from);
    const calls = place === null ? 0 : await stepCalls(place);
    well(events + calls);
    return events + calls > 0;
  }

  function well(waiting: number): void {
    behind = waiting;
    if (failingSinceMs !== null) log.info('audit.stream_recovered', { stream: name, failed_ms: clock.nowMs() - failingSinceMs });
    state = 'ok';
    reason = null;
    failingSinceMs = null;
  }

  async function noteFailure(failure: unknown): Promise<void> {
    failures += 1;
    const text = failure instanceof DeliveryError ? failure.message : 'the registry does not answer';
    if (reason !== text) log.warn('audit.stream_failing', { stream: name, target: sender.target, reason: text, error: failure });
    reason = text;
    state = 'failing';
    failingSinceMs ??= clock.nowMs();
    const head = await registry.audit.head(organizationId).catch(() => null);
    behind = head === null || place === null ? null : Math.max(0, head.sequence - place.sequence);
  }

  async function run(): Promise<void> {
    for (let inARow = 0; !signal.aborted;) {
      let pauseMs: number = bounds.auditStreamPollMs;
      try {
        await take();
        if (place === null) {
          state = 'standby';
          behind = null;
          pauseMs = hold.holdMs / 3;
        } else if (await step(place)) pauseMs = 0;
        inARow = 0;
      } catch (error) {
        if (signal.aborted) return;
        await noteFailure(error);
        if (error instanceof DeliveryError && error.tooLarge && sizeMax > 1) {
          sizeMax = Math.floor(sizeMax / 2);
          continue;
        }
        // Twice as long each time, by chance a little less: many targets behind one door do not all come back at once.
        const longest = Math.min(bounds.auditStreamRetryMs * 2 ** Math.min(inARow++, 16), bounds.auditStreamRetryMsMax);
        pauseMs = Math.max(longest * (0.5 + Math.random() / 2), (error instanceof DeliveryError ? error.retryAfterMs : null) ?? 0);
      }
      // Events gather meanwhile, and come with one delivery.
      await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    data,
    status: () => ({
      name,
      kind: data.to.kind,
      target: sender.target,
      format: data.format,
      state,
      reason,
      failingSinceMs,
      delivered,
      failures,
      behind,
      lastDeliveredAtMs,
    }),
    async stop() {
      stopping.abort();
      await running;
      await sender.close();
      // A registry that is away lets it run out.
      await registry.transaction(({ auditStreams }) => auditStreams.release(hold)).catch(() => undefined);
    },
  };
}

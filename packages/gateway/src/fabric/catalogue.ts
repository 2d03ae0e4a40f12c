import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { asFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { CatalogueReport } from '../node/worker-report.ts';
import type { ClientFace, ServerEvent, ServerFacts, Servers } from './dialogue.ts';
import { drainList, emptyList, type ListKind, type ServerList } from './drain-list.ts';
import { createLastGood, type KeptListsPort } from './last-good.ts';
import {
  dueAtMs,
  keptKeyOf,
  listKinds,
  type ListState,
  offers,
  promisedMs,
  remainingMs,
  type SaidFacts,
  saidOf,
  type Shelf,
  stateOf,
  stopShelf,
} from './shelf.ts';
import { createShelves } from './shelves.ts';
import { within } from './within.ts';

/** What is known of a server's list. */
export interface Listed {
  /** The last good list; where there never was one, as much as could be read, or null. */
  readonly list: ServerList | null;
  /** Why the list may not be what the server has now, as a fault's code or `incomplete`'s word; null: it is. */
  readonly trouble: string | null;
  /** It answers, but its list does not end where lists do. */
  readonly isDegraded: boolean;
  /** What is left of the time for which its server says that it is good; a server that says nothing promises nothing. */
  readonly ttlMs: number;
  /** It was at hand: the server was not asked. */
  readonly wasKept: boolean;
}

/** What is known of a server. */
export interface KnownFacts {
  /** What it last said of itself, to whichever worker and caller; null where it never did. */
  readonly facts: ServerFacts | null;
  /** It could not be asked in time. */
  readonly isAway: boolean;
}

/**
 * What servers list, for as long as they say that it is good. One for each server and class of callers: all who are served with the same
 * credential and whose clients can do the same, since servers of older versions list by that. Of one that is away the last good list stays; all
 * workers have the same, and callers of a class that never asked have that of another.
 */
export interface Catalogue {
  /** Grows with every change of any list. */
  readonly version: number;
  /** The list, read where it is not good any more; all who ask at one time wait for one reading, and none longer than `deadlineMs`. Never throws. */
  load(server: Server, callers: CallerClass, kind: ListKind, deadlineMs: number): Promise<Listed>;
  /** What is at hand and good; null: the server has to be asked. */
  fresh(server: Server, callers: CallerClass, kind: ListKind): ServerList | null;
  /** What is at hand, good or not. */
  known(server: Server, callers: CallerClass, kind: ListKind): ServerList | null;
  /** Whether there is a list at hand, or it is known that there is none to be had. */
  isSettled(server: Server, callers: CallerClass, kind: ListKind): boolean;
  /** What the server says of itself. Never throws. */
  facts(server: Server, callers: CallerClass, deadlineMs: number): Promise<KnownFacts>;
  /** Tells of changes, and of a server's return, until the returned function is called. A server that tells of none is read again and again. */
  follow(server: Server, callers: CallerClass, onChange: (kind: ListKind) => void): () => void;
  /** Forgets servers that are no longer, or no longer the same. */
  keep(servers: readonly Server[]): void;
  /** Every list that was asked for. */
  reports(): readonly CatalogueReport[];
  close(): void;
}

/** Callers that servers cannot tell apart in what they list. */
export interface CallerClass {
  readonly key: string;
  /** What headers of theirs the server is sent; what it lists to others is nothing for them. Empty: none. */
  readonly scope: string;
  readonly face: ClientFace;
  /** Those headers, flat. */
  readonly forwarded: readonly string[];
}

export interface CatalogueParts {
  readonly servers: Servers;
  /** What all workers know. */
  readonly kept: KeptListsPort;
  readonly log: Log;
  readonly clock: Clock;
}

const kindsOf = { toolsListChanged: ['tools'], promptsListChanged: ['prompts'], resourcesListChanged: ['resources', 'templates'] } as const;

export function createCatalogue({ servers, kept, log, clock }: CatalogueParts): Catalogue {
  const lastLists = createLastGood<ServerList>(kept);
  const lastSaid = createLastGood<SaidFacts>(kept);
  const nowMs = (): number => clock.monotonicMs();
  let version = 0;
  const shelves = createShelves(nowMs, {
    onReplaced(shelf) {
      begin(shelf);
      for (const kind of listKinds) tell(shelf, kind);
    },
    onGone() {
      version++;
    },
  });
  const { isCurrent, isLate, of: shelfOf } = shelves;

  function readSaid(shelf: Shelf): Promise<SaidFacts> {
    if (shelf.said !== null && nowMs() < shelf.saidGoodUntilMs) return Promise.resolve(shelf.said);
    shelf.saying ??= servers
      .facts(shelf.server, shelf.callers.face)
      .then((facts) => {
        const said = saidOf(facts);
        shelf.said = said;
        shelf.isLate = false;
        shelf.saidGoodUntilMs = nowMs() + Math.min(bounds.catalogueWatchedMs, Math.max(bounds.catalogueUnwatchedMs, facts.ttlMs));
        lastSaid.note(keptKeyOf(shelf, 'facts'), said);
        watch(shelf, facts);
        return said;
      })
      .catch((error: unknown) => {
        shelf.saidFailedAtMs = nowMs();
        throw error;
      })
      .finally(() => {
        shelf.saying = null;
      });
    return shelf.saying;
  }

  /**
   * One watch a shelf for as long as it is used. A server that tells of no changes is not asked to; nor is one for callers with headers of their own
   * before somebody follows, for there is no end to what callers write into headers.
   */
  function watch(shelf: Shelf, facts: ServerFacts): void {
    if (shelf.unwatch !== null || !isCurrent(shelf) || (shelf.callers.scope !== '' && shelf.followers.size === 0)) return;
    const { tools, prompts, resources } = JSON.parse(facts.capabilities) as Readonly<Record<string, { listChanged?: unknown } | undefined>>;
    const interest = {
      toolsListChanged: tools?.listChanged === true,
      promptsListChanged: prompts?.listChanged === true,
      resourcesListChanged: resources?.listChanged === true,
      resourceUris: [],
    };
    for (const event of ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'] as const)
      if (interest[event]) for (const kind of kindsOf[event]) shelf.watched.add(kind);
    if (shelf.watched.size > 0) shelf.unwatch = servers.watch(shelf.server, shelf.callers.face, interest, (event) => onEvent(shelf, event));
  }

  function onEvent(shelf: Shelf, event: ServerEvent): void {
    if (event.kind === 'resourceUpdated') return;
    for (const kind of kindsOf[event.kind]) {
      const state = stateOf(shelf, kind);
      state.events++;
      state.invalid = true;
      tell(shelf, kind);
    }
  }

  function tell(shelf: Shelf, kind: ListKind): void {
    for (const follower of shelf.followers) follower(kind);
  }

  function read(shelf: Shelf, kind: ListKind, state: ListState): Promise<void> {
    state.reading ??= readNow(shelf, kind, state).finally(() => {
      state.reading = null;
      plan(shelf);
    });
    return state.reading;
  }

  async function readNow(shelf: Shelf, kind: ListKind, state: ListState): Promise<void> {
    const { events } = state;
    const { name } = shelf.server.data;
    try {
      const { facts } = await readSaid(shelf);
      const list = offers(facts, kind) ? await drainList(servers, shelf.server, shelf.callers, kind) : emptyList;
      shelf.isLate = false;
      const known = state.list;
      const returned = state.trouble !== null;
      if (known?.digest !== list.digest || returned)
        for (const { name: tool, reason } of list.refused) log.warn('catalogue.tool_refused', { server: name, tool: tool.slice(0, 128), reason });
      if (list.incomplete !== null) return degrade(shelf, kind, state, list, list.incomplete);
      if (returned) {
        log.info('catalogue.server_returned', { server: name, list: kind });
        // So have its other lists.
        for (const other of shelf.lists.values()) if (!other.isDegraded) other.retryAtMs = 0;
      }
      const isSame = known?.digest === list.digest && known.incomplete === null;
      const pollAtMs = nowMs() + bounds.catalogueWatchedMs * (0.75 + Math.random() / 2);
      Object.assign(state, { list, readAtMs: nowMs(), invalid: state.events !== events, trouble: null, isDegraded: false, failures: 0, pollAtMs });
      lastLists.note(keptKeyOf(shelf, kind), list);
      if (!isSame) version++;
      if (returned || (!isSame && known !== null)) tell(shelf, kind);
    } catch (error) {
      fail(shelf, kind, state, asFault(error).code);
    }
  }

  /** What was read of a list that does not end stands in for it only where there never was a good one. */
  function degrade(shelf: Shelf, kind: ListKind, state: ListState, cut: ServerList, reason: string): void {
    const { list: known } = state;
    if (known === null || (known.incomplete !== null && known.digest !== cut.digest)) {
      state.list = cut;
      version++;
      if (known !== null) tell(shelf, kind);
    }
    if (!state.isDegraded) log.warn('catalogue.server_degraded', { server: shelf.server.data.name, list: kind, reason, kept: state.list?.entries.length ?? 0 });
    Object.assign(state, { trouble: reason, isDegraded: true, invalid: true, failures: 0, retryAtMs: nowMs() + bounds.catalogueDegradedMs });
    recall(shelf, kind, state);
  }

  function fail(shelf: Shelf, kind: ListKind, state: ListState, trouble: string): void {
    state.failures++;
    const delayMs = Math.min(bounds.catalogueRetryMsMax, bounds.catalogueRetryMs * 2 ** Math.min(state.failures - 1, 10));
    state.retryAtMs = nowMs() + delayMs * (0.5 + Math.random() / 2);
    // The server that returns may be another than the one that went.
    shelf.saidGoodUntilMs = -Infinity;
    away(shelf, kind, state, trouble);
    plan(shelf);
  }

  function away(shelf: Shelf, kind: ListKind, state: ListState, trouble: string): void {
    if (state.trouble === null || state.isDegraded)
      log.warn('catalogue.server_away', { server: shelf.server.data.name, list: kind, reason: trouble, kept: state.list?.entries.length ?? 0 });
    Object.assign(state, { trouble, isDegraded: false, invalid: true });
    recall(shelf, kind, state);
  }

  /** All workers tell the same of a server in trouble: what was last read in good order by any of them. */
  function recall(shelf: Shelf, kind: ListKind, state: ListState): void {
    const known = state.list !== null && state.list.incomplete === null ? state.list : null;
    state.recalling ??= lastLists
      .find(keptKeyOf(shelf, kind), known)
      .then((list) => {
        if (list === null || state.trouble === null || !isCurrent(shelf)) return;
        const isNews = state.list !== null && state.list.digest !== list.digest;
        state.list = list;
        version++;
        if (isNews) tell(shelf, kind);
      })
      .finally(() => {
        state.recalling = null;
      });
  }

  /** While somebody follows, a server in trouble is asked until it is well, and one that tells of no changes is looked at now and then. */
  function plan(shelf: Shelf): void {
    if (shelf.timer !== null) clearTimeout(shelf.timer);
    shelf.timer = null;
    if (shelf.followers.size === 0 || !isCurrent(shelf)) return;
    const atMs = Math.min(...listKinds.map((kind) => dueAtMs(shelf, kind)));
    if (atMs === Infinity) return;
    shelf.timer = setTimeout(
      () => {
        shelf.timer = null;
        if (shelf.followers.size === 0 || !isCurrent(shelf)) return;
        for (const kind of listKinds) if (dueAtMs(shelf, kind) <= nowMs()) void read(shelf, kind, stateOf(shelf, kind));
        plan(shelf);
      },
      Math.max(0, atMs - nowMs()),
    );
    shelf.timer.unref();
  }

  /** For who follows a server of which nothing is known now: its first answer is news. */
  function begin(shelf: Shelf): void {
    readSaid(shelf).then(
      () => plan(shelf),
      (error: unknown) => {
        for (const kind of listKinds) {
          const state = stateOf(shelf, kind);
          if (state.trouble === null) fail(shelf, kind, state, asFault(error).code);
        }
      },
    );
  }

  return {
    get version() {
      return version;
    },
    async load(server, callers, kind, deadlineMs) {
      const shelf = shelfOf(server, callers);
      const state = stateOf(shelf, kind);
      let wasKept = true;
      if (remainingMs(shelf, kind, nowMs()) === 0) {
        const wasAway = state.trouble !== null || isLate(server);
        if (state.reading !== null || !wasAway || nowMs() >= state.retryAtMs) {
          wasKept = false;
          const done = await within(read(shelf, kind, state), wasAway ? Math.min(deadlineMs, bounds.catalogueAwayWaitMs) : deadlineMs);
          // It is still being read; whoever asks next waits for it but shortly.
          if (!done && state.trouble === null) {
            shelf.isLate ||= shelf.said === null;
            away(shelf, kind, state, 'mcp_timeout');
          }
        }
        if (state.recalling !== null) await within(state.recalling, bounds.catalogueRecallWaitMs);
      }
      const { list, trouble, isDegraded } = state;
      return { list, trouble, isDegraded, ttlMs: promisedMs(state, nowMs()), wasKept };
    },
    fresh(server, callers, kind) {
      const shelf = shelfOf(server, callers);
      return remainingMs(shelf, kind, nowMs()) > 0 ? stateOf(shelf, kind).list : null;
    },
    known: (server, callers, kind) => shelfOf(server, callers).lists.get(kind)?.list ?? null,
    isSettled(server, callers, kind) {
      const state = shelfOf(server, callers).lists.get(kind);
      return state !== undefined && (state.list !== null || (state.trouble !== null && state.recalling === null));
    },
    async facts(server, callers, deadlineMs) {
      const shelf = shelfOf(server, callers);
      const hasFailed = nowMs() - shelf.saidFailedAtMs < bounds.catalogueRetryMs;
      const waitMs = shelf.said === null && !isLate(server) ? deadlineMs : Math.min(deadlineMs, bounds.catalogueAwayWaitMs);
      if (!hasFailed && !(await within(readSaid(shelf), waitMs))) shelf.isLate = true;
      const isAway = nowMs() >= shelf.saidGoodUntilMs;
      if (isAway) {
        const recalling = lastSaid.find(keptKeyOf(shelf, 'facts'), shelf.said).then((said) => {
          if (said !== null && nowMs() >= shelf.saidGoodUntilMs) shelf.said = said;
        });
        await within(recalling, bounds.catalogueRecallWaitMs);
      }
      return { facts: shelf.said?.facts ?? null, isAway };
    },
    follow(server, callers, onChange) {
      const shelf = shelfOf(server, callers);
      shelf.followers.add(onChange);
      if (nowMs() >= shelf.saidGoodUntilMs) begin(shelf);
      else if (shelf.said !== null) watch(shelf, shelf.said.facts);
      plan(shelf);
      return () => {
        shelf.followers.delete(onChange);
        if (shelf.callers.scope !== '' && shelf.followers.size === 0) stopShelf(shelf);
      };
    },
    keep: (kept) => shelves.keep(kept),
    reports: () =>
      [...shelves].flatMap(({ server, lists }) =>
        Array.from(lists, ([list, { list: known, readAtMs, trouble, isDegraded }]) => ({
          server: server.data.name,
          list,
          // One that other workers have read has no age here.
          ageMs: known === null || readAtMs === 0 ? 0 : nowMs() - readAtMs,
          entries: known?.entries.length ?? 0,
          stale: trouble !== null,
          cut: isDegraded ? trouble : null,
        })),
      ),
    close: () => shelves.close(),
  };
}

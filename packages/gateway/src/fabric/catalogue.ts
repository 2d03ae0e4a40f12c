import { createHash } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { asFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { CatalogueReport } from '../node/worker-report.ts';
import type { ClientFace, ServerEvent, ServerFacts, Servers } from './dialogue.ts';
import { drainList, emptyList, type ListKind, type ServerList } from './drain-list.ts';

/** What is known of a server's list. */
export interface Listed {
  /** The last good list, or null where there never was one. */
  readonly list: ServerList | null;
  /** Why the list may not be what the server has now, as a fault's code or `incomplete`'s word; null: it is. */
  readonly trouble: string | null;
  /** What is left of the time for which its server says that it is good; a server that says nothing promises nothing. */
  readonly ttlMs: number;
}

/**
 * What servers list, for as long as they say that it is good. One for each server and class of callers: all who are served with the same
 * credential and whose clients can do the same, since servers of older versions list by that.
 */
export interface Catalogue {
  /** Grows with every change of any list. */
  readonly version: number;
  /** The list, read where it is not good any more; all who ask at one time wait for one reading, and none longer than `deadlineMs`. Never throws. */
  load(server: Server, callers: CallerClass, kind: ListKind, deadlineMs: number): Promise<Listed>;
  /** What is at hand, good or not. */
  known(server: Server, callers: CallerClass, kind: ListKind): ServerList | null;
  /** Whether there is a list at hand, or it is known that there is none to be had. */
  isSettled(server: Server, callers: CallerClass, kind: ListKind): boolean;
  /** What the server last said of itself; null where it could not be asked in time. Never throws. */
  facts(server: Server, callers: CallerClass, deadlineMs: number): Promise<ServerFacts | null>;
  /** Tells of changes, and of a server's return, until the returned function is called. */
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
  readonly face: ClientFace;
}

interface ListState {
  list: ServerList | null;
  readAtMs: number;
  /** Set by an event, and by a failure: the list is read anew when it is next asked for. */
  invalid: boolean;
  /** Counts events, so that one that comes while the list is read is not lost. */
  events: number;
  reading: Promise<void> | null;
  trouble: string | null;
  failures: number;
  retryAtMs: number;
}

interface Shelf {
  server: Server;
  readonly signature: string;
  readonly callers: CallerClass;
  facts: ServerFacts | null;
  factsReading: Promise<ServerFacts> | null;
  factsGoodUntilMs: number;
  factsFailedAtMs: number;
  /** It has let somebody wait in vain, and has not answered since. */
  isLate: boolean;
  readonly lists: Map<ListKind, ListState>;
  readonly followers: Set<(kind: ListKind) => void>;
  unwatch: (() => void) | null;
  usedAtMs: number;
  retry: NodeJS.Timeout | null;
}

const listKinds = ['tools', 'resources', 'templates', 'prompts'] as const;
const kindsOf = { toolsListChanged: ['tools'], promptsListChanged: ['prompts'], resourcesListChanged: ['resources', 'templates'] } as const;

export function createCatalogue(options: { readonly servers: Servers; readonly log: Log; readonly clock: Clock }): Catalogue {
  const { servers, log, clock } = options;
  const shelves = new Map<string, Shelf>();
  let version = 0;

  const sweep = setInterval(() => {
    for (const [key, shelf] of shelves) if (shelf.followers.size === 0 && clock.monotonicMs() - shelf.usedAtMs > bounds.catalogueIdleMs) remove(key, shelf);
  }, bounds.catalogueIdleMs / 10);
  sweep.unref();

  function shelfOf(server: Server, callers: CallerClass): Shelf {
    const key = `${server.data.name} ${callers.key}`;
    const known = shelves.get(key);
    if (known !== undefined && (known.server === server || known.signature === signatureOf(server))) {
      known.server = server;
      known.usedAtMs = clock.monotonicMs();
      return known;
    }
    const shelf: Shelf = {
      server,
      signature: signatureOf(server),
      callers,
      facts: null,
      factsReading: null,
      factsGoodUntilMs: -Infinity,
      factsFailedAtMs: -Infinity,
      isLate: false,
      lists: new Map(),
      followers: known?.followers ?? new Set(),
      unwatch: null,
      usedAtMs: clock.monotonicMs(),
      retry: null,
    };
    if (known !== undefined) {
      stop(known);
      version++;
    } else if (shelves.size >= bounds.catalogueShelvesMax) evict();
    shelves.set(key, shelf);
    if (shelf.followers.size > 0) {
      begin(shelf);
      for (const kind of listKinds) tell(shelf, kind);
    }
    return shelf;
  }

  /** The shelf that nobody follows and nobody has asked for the longest. */
  function evict(): void {
    let oldest: [string, Shelf] | null = null;
    for (const entry of shelves) if (entry[1].followers.size === 0 && (oldest === null || entry[1].usedAtMs < oldest[1].usedAtMs)) oldest = entry;
    if (oldest !== null) remove(...oldest);
  }

  function remove(key: string, shelf: Shelf): void {
    stop(shelf);
    shelves.delete(key);
    version++;
  }

  function stop(shelf: Shelf): void {
    shelf.unwatch?.();
    shelf.unwatch = null;
    if (shelf.retry !== null) clearTimeout(shelf.retry);
    shelf.retry = null;
  }

  const isCurrent = (shelf: Shelf): boolean => shelves.get(`${shelf.server.data.name} ${shelf.callers.key}`) === shelf;

  function stateOf(shelf: Shelf, kind: ListKind): ListState {
    const known = shelf.lists.get(kind);
    if (known !== undefined) return known;
    const state = { list: null, readAtMs: 0, invalid: true, events: 0, reading: null, trouble: null, failures: 0, retryAtMs: 0 };
    shelf.lists.set(kind, state);
    return state;
  }

  /** How long from now the list is good: what a server of today says; an older one says nothing, so its notifications and a short time decide. */
  function remainingMs(shelf: Shelf, state: ListState): number {
    if (state.list === null || state.invalid || shelf.facts === null) return 0;
    const isModern = shelf.facts.era === 'modern';
    const ttlMs = isModern ? state.list.ttlMs : shelf.unwatch !== null ? bounds.catalogueWatchedMs : bounds.catalogueUnwatchedMs;
    return Math.max(0, state.readAtMs + ttlMs - clock.monotonicMs());
  }

  function promisedMs({ list, invalid, readAtMs }: ListState): number {
    return list === null || invalid ? 0 : Math.max(0, readAtMs + list.ttlMs - clock.monotonicMs());
  }

  function readFacts(shelf: Shelf): Promise<ServerFacts> {
    if (shelf.facts !== null && clock.monotonicMs() < shelf.factsGoodUntilMs) return Promise.resolve(shelf.facts);
    shelf.factsReading ??= servers
      .facts(shelf.server, shelf.callers.face)
      .then((facts) => {
        shelf.facts = facts;
        shelf.isLate = false;
        shelf.factsGoodUntilMs = clock.monotonicMs() + Math.min(bounds.catalogueWatchedMs, Math.max(bounds.catalogueUnwatchedMs, facts.ttlMs));
        watch(shelf, facts);
        return facts;
      })
      .catch((error: unknown) => {
        shelf.factsFailedAtMs = clock.monotonicMs();
        throw error;
      })
      .finally(() => {
        shelf.factsReading = null;
      });
    return shelf.factsReading;
  }

  /** One watch a shelf for as long as it is used. A server that tells of no changes is not asked to. */
  function watch(shelf: Shelf, facts: ServerFacts): void {
    if (shelf.unwatch !== null || !isCurrent(shelf)) return;
    const { tools, prompts, resources } = JSON.parse(facts.capabilities) as Readonly<Record<string, { listChanged?: unknown } | undefined>>;
    const interest = {
      toolsListChanged: tools?.listChanged === true,
      promptsListChanged: prompts?.listChanged === true,
      resourcesListChanged: resources?.listChanged === true,
      resourceUris: [],
    };
    if (!interest.toolsListChanged && !interest.promptsListChanged && !interest.resourcesListChanged) return;
    shelf.unwatch = servers.watch(shelf.server, shelf.callers.face, interest, (event) => onEvent(shelf, event));
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
    });
    return state.reading;
  }

  async function readNow(shelf: Shelf, kind: ListKind, state: ListState): Promise<void> {
    const { events } = state;
    const { name } = shelf.server.data;
    try {
      const facts = await readFacts(shelf);
      const list = offers(facts, kind) ? await drainList(servers, shelf.server, shelf.callers.face, kind) : emptyList;
      const changed = state.list?.digest !== list.digest;
      const returned = state.trouble !== null;
      if (changed || returned) {
        for (const { name: tool, reason } of list.refused) log.warn('catalogue.tool_refused', { server: name, tool: tool.slice(0, 128), reason });
        if (list.incomplete !== null) log.warn('catalogue.incomplete', { server: name, list: kind, reason: list.incomplete });
        if (returned) log.info('catalogue.server_returned', { server: name, list: kind });
      }
      const known = state.list !== null;
      Object.assign(state, { list, readAtMs: clock.monotonicMs(), invalid: state.events !== events, trouble: null, failures: 0 });
      if (changed) version++;
      if (returned || (changed && known)) tell(shelf, kind);
    } catch (error) {
      fail(shelf, kind, state, asFault(error).code);
    }
  }

  function fail(shelf: Shelf, kind: ListKind, state: ListState, trouble: string): void {
    state.failures++;
    const delayMs = Math.min(bounds.catalogueRetryMsMax, bounds.catalogueRetryMs * 2 ** Math.min(state.failures - 1, 10));
    state.retryAtMs = clock.monotonicMs() + delayMs * (0.5 + Math.random() / 2);
    if (state.trouble === null)
      log.warn('catalogue.server_away', { server: shelf.server.data.name, list: kind, reason: trouble, kept: state.list?.entries.length ?? 0 });
    Object.assign(state, { trouble, invalid: true });
    // The server that returns may be another than the one that went.
    shelf.factsGoodUntilMs = -Infinity;
    retryLater(shelf, state.retryAtMs);
  }

  /** While somebody follows, a server that is away is asked until it returns. */
  function retryLater(shelf: Shelf, atMs: number): void {
    if (shelf.followers.size === 0 || shelf.retry !== null || !isCurrent(shelf)) return;
    shelf.retry = setTimeout(
      () => {
        shelf.retry = null;
        if (shelf.followers.size === 0 || !isCurrent(shelf)) return;
        for (const [kind, state] of shelf.lists) if (state.trouble !== null) void read(shelf, kind, state);
        if (shelf.facts === null) begin(shelf);
      },
      Math.max(0, atMs - clock.monotonicMs()),
    );
    shelf.retry.unref();
  }

  /** For who follows a server of which nothing was known: its first answer is news. */
  function begin(shelf: Shelf): void {
    readFacts(shelf).then(
      () => undefined,
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
      if (remainingMs(shelf, state) === 0) {
        const wasAway = state.trouble !== null || shelf.isLate;
        const mayAsk = state.reading !== null || !wasAway || clock.monotonicMs() >= state.retryAtMs;
        if (mayAsk) {
          const done = await within(read(shelf, kind, state), wasAway ? Math.min(deadlineMs, bounds.catalogueAwayWaitMs) : deadlineMs);
          // It is still being read; whoever asks next waits for it but shortly.
          if (!done && state.trouble === null) {
            state.trouble = 'mcp_timeout';
            shelf.isLate ||= shelf.facts === null;
            log.warn('catalogue.server_away', { server: server.data.name, list: kind, reason: 'mcp_timeout', kept: state.list?.entries.length ?? 0 });
          }
        }
      }
      return { list: state.list, trouble: state.trouble ?? state.list?.incomplete ?? null, ttlMs: promisedMs(state) };
    },
    known: (server, callers, kind) => shelfOf(server, callers).lists.get(kind)?.list ?? null,
    isSettled(server, callers, kind) {
      const state = shelfOf(server, callers).lists.get(kind);
      return state !== undefined && (state.list !== null || state.trouble !== null);
    },
    async facts(server, callers, deadlineMs) {
      const shelf = shelfOf(server, callers);
      const isAway = clock.monotonicMs() - shelf.factsFailedAtMs < bounds.catalogueRetryMs;
      const waitMs = shelf.facts === null && !shelf.isLate ? deadlineMs : Math.min(deadlineMs, bounds.catalogueAwayWaitMs);
      if (!isAway && !(await within(readFacts(shelf), waitMs))) shelf.isLate = true;
      return shelf.facts;
    },
    follow(server, callers, onChange) {
      const shelf = shelfOf(server, callers);
      shelf.followers.add(onChange);
      if (shelf.facts === null) begin(shelf);
      for (const state of shelf.lists.values()) if (state.trouble !== null) retryLater(shelf, state.retryAtMs);
      return () => {
        shelf.followers.delete(onChange);
      };
    },
    keep(kept) {
      const byName = new Map(kept.map((server) => [server.data.name, server]));
      for (const [key, shelf] of shelves) {
        const server = byName.get(shelf.server.data.name);
        if (server === undefined) remove(key, shelf);
        else shelfOf(server, shelf.callers);
      }
    },
    reports: () =>
      [...shelves.values()].flatMap(({ server, lists }) =>
        Array.from(lists, ([list, { list: known, readAtMs, trouble }]) => ({
          server: server.data.name,
          list,
          ageMs: known === null ? 0 : clock.monotonicMs() - readAtMs,
          entries: known?.entries.length ?? 0,
          stale: trouble !== null || (known !== null && known.incomplete !== null),
        })),
      ),
    close() {
      clearInterval(sweep);
      for (const shelf of shelves.values()) stop(shelf);
      shelves.clear();
    },
  };
}

/** Whether the promise was settled in time. */
async function within(promise: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), deadlineMs);
  try {
    return await Promise.race([
      promise.then(
        () => true,
        () => true,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function offers(facts: ServerFacts, kind: ListKind): boolean {
  return (JSON.parse(facts.capabilities) as Readonly<Record<string, unknown>>)[kind === 'templates' ? 'resources' : kind] !== undefined;
}

const signatures = new WeakMap<Server, string>();

/** Where a server is and as whom it is spoken to: another address may list other things. */
function signatureOf(server: Server): string {
  const known = signatures.get(server);
  if (known !== undefined) return known;
  const { price: _price, toolPrices: _toolPrices, path: _path, auth: _auth, ...rest } = server.data;
  const signature = createHash('sha256').update(JSON.stringify(rest)).digest('base64url');
  signatures.set(server, signature);
  return signature;
}

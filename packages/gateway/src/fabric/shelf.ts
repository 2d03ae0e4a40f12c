import { createHash } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { CallerClass } from './catalogue.ts';
import type { ServerFacts } from './dialogue.ts';
import type { ListKind, ServerList } from './drain-list.ts';
import type { KeptKey, KeptKind } from './kept-lists.ts';
import { placeOf } from './server-exchange.ts';

/** What a server said of itself; the digest is the same for the same words. */
export interface SaidFacts {
  readonly digest: string;
  readonly facts: ServerFacts;
}

/** One list of a shelf. */
export interface ListState {
  list: ServerList | null;
  readAtMs: number;
  /** Set by an event, and by a failure: the list is read anew when it is next asked for. */
  invalid: boolean;
  /** Counts events, so that one that comes while the list is read is not lost. */
  events: number;
  reading: Promise<void> | null;
  /** Under way to what other workers know. */
  recalling: Promise<void> | null;
  trouble: string | null;
  /** In trouble though it answers: its list does not end where lists do. */
  isDegraded: boolean;
  failures: number;
  retryAtMs: number;
  /** Where its server tells of no changes: when it is read unasked for who follows. */
  pollAtMs: number;
}

/** What is known of one server, as one class of callers sees it. */
export interface Shelf {
  server: Server;
  readonly signature: string;
  readonly callers: CallerClass;
  said: SaidFacts | null;
  saying: Promise<SaidFacts> | null;
  saidGoodUntilMs: number;
  saidFailedAtMs: number;
  /** It has let somebody wait in vain, and has not answered since. */
  isLate: boolean;
  readonly lists: Map<ListKind, ListState>;
  readonly followers: Set<(kind: ListKind) => void>;
  unwatch: (() => void) | null;
  /** The lists of whose changes its server tells. */
  readonly watched: Set<ListKind>;
  usedAtMs: number;
  timer: NodeJS.Timeout | null;
}

export const listKinds = ['tools', 'resources', 'templates', 'prompts'] as const;

export function newShelf(server: Server, callers: CallerClass, followers: Shelf['followers'], nowMs: number): Shelf {
  return {
    server,
    signature: signatureOf(server),
    callers,
    said: null,
    saying: null,
    saidGoodUntilMs: -Infinity,
    saidFailedAtMs: -Infinity,
    isLate: false,
    lists: new Map(),
    followers,
    unwatch: null,
    watched: new Set(),
    usedAtMs: nowMs,
    timer: null,
  };
}

/** Nothing is done for it any more without being asked. */
export function stopShelf(shelf: Shelf): void {
  shelf.unwatch?.();
  shelf.unwatch = null;
  shelf.watched.clear();
  if (shelf.timer !== null) clearTimeout(shelf.timer);
  shelf.timer = null;
}

export function stateOf(shelf: Shelf, kind: ListKind): ListState {
  const known = shelf.lists.get(kind);
  if (known !== undefined) return known;
  const state: ListState = {
    list: null,
    readAtMs: 0,
    invalid: true,
    events: 0,
    reading: null,
    recalling: null,
    trouble: null,
    isDegraded: false,
    failures: 0,
    retryAtMs: 0,
    pollAtMs: 0,
  };
  shelf.lists.set(kind, state);
  return state;
}

/** How long from now the list is good: what a server of today says; an older one says nothing, so its notifications and a short time decide. */
export function remainingMs(shelf: Shelf, kind: ListKind, nowMs: number): number {
  const { list, invalid, readAtMs } = stateOf(shelf, kind);
  if (list === null || invalid || shelf.said === null) return 0;
  const isModern = shelf.said.facts.era === 'modern';
  const ttlMs = isModern ? list.ttlMs : shelf.watched.has(kind) ? bounds.catalogueWatchedMs : bounds.catalogueUnwatchedMs;
  return Math.max(0, readAtMs + ttlMs - nowMs);
}

/** For how long its server has promised that it is good. */
export function promisedMs({ list, invalid, readAtMs }: ListState, nowMs: number): number {
  return list === null || invalid ? 0 : Math.max(0, readAtMs + list.ttlMs - nowMs);
}

/** Whether it holds a list that could not be had again now. */
export function holdsLast(shelf: Shelf): boolean {
  for (const { list, trouble } of shelf.lists.values()) if (list !== null && trouble !== null) return true;
  return false;
}

/** When the list is to be read for who follows, though nobody asks. */
export function dueAtMs(shelf: Shelf, kind: ListKind): number {
  const state = shelf.lists.get(kind);
  if (state?.reading) return Infinity;
  if (state && state.trouble !== null) return state.retryAtMs;
  return shelf.said !== null && offers(shelf.said.facts, kind) && !shelf.watched.has(kind) ? (state?.pollAtMs ?? 0) : Infinity;
}

export function offers(facts: ServerFacts, kind: ListKind): boolean {
  return (JSON.parse(facts.capabilities) as Readonly<Record<string, unknown>>)[kind === 'templates' ? 'resources' : kind] !== undefined;
}

/** Under what it is kept beside the workers. */
export function keptKeyOf({ server, signature, callers }: Shelf, kind: KeptKind): KeptKey {
  return { server: server.data.name, place: `${signature} ${callers.scope}`, callers: callers.key, kind };
}

export function saidOf(facts: ServerFacts): SaidFacts {
  return { digest: createHash('sha256').update(JSON.stringify(facts)).digest('base64url'), facts };
}

const signatures = new WeakMap<Server, string>();

/** Where a server is and as whom it is spoken to: another one may list other things. A digest, for it holds a credential. */
export function signatureOf(server: Server): string {
  const known = signatures.get(server);
  if (known !== undefined) return known;
  const signature = createHash('sha256').update(placeOf(server)).digest('base64url');
  signatures.set(server, signature);
  return signature;
}

/**
 * cache: is the answer known already? Imports `kernel/`; types from other rooms. Promises: what one principal was answered is
 * given to no other, unless both the server and the configuration call it public; nothing is kept that is not a whole, good result; bytes,
 * number and time are bounded. One a worker, in memory.
 */
import { createHash } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { splice } from '../kernel/splice-json.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import { groupOf, keepableResult, type CacheGroup, type Keepable } from './keepable.ts';

export interface CacheQuestion {
  readonly server: Server;
  /** Whose answer it is: the authorization context. */
  readonly principalId: string;
  /** Its organization: what is public is so within one. */
  readonly organizationId: string;
  readonly method: string;
  /** What it acts on: the tool, or the URI. */
  readonly name: string;
  /** All else that the answer may depend on. */
  readonly depends: readonly string[];
}

export type CacheAnswer =
  /** `shared`: it was under way for another request. `result` is JSON text. */
  { readonly kind: 'hit'; readonly shared: boolean; readonly result: Buffer; readonly ttlMs: number } | { readonly kind: 'miss'; readonly flight: Flight };

/** A question that the server is asked; others may wait for its answer. To be ended once, what comes later is ignored. */
export interface Flight {
  /** The result's JSON text; null: no result came, or one that must not be kept. `left`: its caller went before it came. */
  end(result: Buffer | null, left?: boolean): void;
}

/** A change that a server tells of. */
export type CacheEvent = { readonly kind: 'list'; readonly group: CacheGroup } | { readonly kind: 'resource'; readonly uri: string };

export interface ResultCache {
  /** Null where nothing of it is kept. A promise where the same question is under way. */
  ask(question: CacheQuestion): null | CacheAnswer | Promise<CacheAnswer | null>;
  /** Forgets what the change concerns. */
  changed(server: Server, event: CacheEvent): void;
  /** The configuration has changed: forgets what belongs to servers that are other ones now. */
  reconfigured(): void;
  close(): void;
}

export interface ResultCacheParts {
  readonly clock: Clock;
  /** The server of that name as it is configured now. */
  readonly current: (name: string) => Server | undefined;
  /** Tells of changes of the server's lists until the returned function is called. */
  readonly watch: (server: Server, onEvent: (event: CacheEvent) => void) => () => void;
}

interface Entry extends Keepable {
  readonly result: Buffer;
  readonly untilMs: number;
}

type Outcome = 'kept' | 'unkept' | 'left' | 'slow';

interface KnownServer {
  server: Server;
  readonly fingerprint: string;
  /** Part of every key: another number makes what was kept before unreachable. */
  readonly generations: Record<CacheGroup, number>;
  readonly changedUris: Map<string, number>;
  keptUntilMs: number;
  unwatch: (() => void) | null;
}

const entryOverheadBytes = 256;
const sweepMs = 30_000;
const changedUrisMax = 10_000;
const unkeptMax = 10_000;

export function createResultCache({ clock, current, watch }: ResultCacheParts): ResultCache {
  const entries = new Map<string, Entry>();
  const flights = new Map<string, Promise<Outcome>>();
  const unkept = new Map<string, number>();
  const servers = new Map<string, KnownServer>();
  let bytes = 0;
  let generation = 0;

  const sweep = setInterval(() => {
    const nowMs = clock.monotonicMs();
    for (const [key, entry] of entries) if (entry.untilMs <= nowMs) remove(key, entry);
    for (const [key, untilMs] of unkept) if (untilMs <= nowMs) unkept.delete(key);
    for (const known of servers.values()) if (known.keptUntilMs <= nowMs) endWatch(known);
  }, sweepMs);
  sweep.unref();

  function knownOf(server: Server): KnownServer {
    const { name } = server.data;
    let known = servers.get(name);
    if (known === undefined) {
      generation++;
      const generations = { tools: generation, prompts: generation, resources: generation };
      known = { server, fingerprint: fingerprintOf(server), generations, changedUris: new Map(), keptUntilMs: 0, unwatch: null };
      servers.set(name, known);
    }
    return known;
  }

  function ask(question: CacheQuestion): null | CacheAnswer | Promise<CacheAnswer | null> {
    const { server, method, name, principalId, organizationId } = question;
    const rules = server.cache;
    const group = rules === null ? null : groupOf(rules, method, name);
    if (rules === null || group === null) return null;
    // A call that began before the configuration changed: its answer is of yesterday.
    if (current(server.data.name) !== server) return null;
    const known = knownOf(server);
    const place = [server.data.name, known.generations[group], known.changedUris.get(name) ?? 0, method, name, ...question.depends];
    const publicKey = rules.public ? keyOf(['public', organizationId, ...place]) : null;
    const ownKey = keyOf(['own', principalId, ...place]);
    const found = (publicKey === null ? null : fresh(publicKey)) ?? fresh(ownKey);
    if (found !== null) return hit(found, false);

    const unkeptKey = `${server.data.name}\n${method}\n${method === 'tools/call' ? name : ''}`;
    const underWay = flights.get(ownKey);
    if (underWay !== undefined)
      return orSlow(underWay).then((outcome) => {
        const kept = outcome === 'kept' ? ((publicKey === null ? null : fresh(publicKey)) ?? fresh(ownKey)) : null;
        if (kept !== null) return hit(kept, true);
        // Whoever waits next to one that cannot be kept asks alone: one after the other would take too long.
        return outcome === 'unkept' || outcome === 'slow' ? { kind: 'miss', flight: flightOf(null) } : ask(question);
      });
    return { kind: 'miss', flight: flightOf((unkept.get(unkeptKey) ?? 0) > clock.monotonicMs() ? null : ownKey) };

    function flightOf(sharedKey: string | null): Flight {
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      if (sharedKey !== null) flights.set(sharedKey, promise);
      let ended = false;
      return {
        end(result, left = false) {
          if (ended) return;
          ended = true;
          if (sharedKey !== null) flights.delete(sharedKey);
          const keepable = rules === null || result === null ? null : keepableResult(rules, method, name, result);
          if (keepable === null || result === null) {
            if (!left && unkept.size < unkeptMax) unkept.set(unkeptKey, clock.monotonicMs() + bounds.cacheUnkeptMs);
            resolve(left ? 'left' : 'unkept');
            return;
          }
          unkept.delete(unkeptKey);
          // A change since then has made the keys of today others: it is kept where nobody finds it, and goes in time.
          store(keepable.isPublic && publicKey !== null ? publicKey : ownKey, result, keepable, known, method);
          resolve('kept');
        },
      };
    }
  }

  function fresh(key: string): Entry | null {
    const entry = entries.get(key);
    if (entry === undefined) return null;
    if (entry.untilMs <= clock.monotonicMs()) {
      remove(key, entry);
      return null;
    }
    // Used last goes last.
    entries.delete(key);
    entries.set(key, entry);
    return entry;
  }

  function hit(entry: Entry, shared: boolean): CacheAnswer {
    const ttlMs = Math.max(0, Math.floor(entry.untilMs - clock.monotonicMs()));
    const result = entry.ttl === null ? entry.result : splice(entry.result, [{ ...entry.ttl, text: String(ttlMs) }]);
    return { kind: 'hit', shared, result, ttlMs };
  }

  function store(key: string, result: Buffer, keepable: Keepable, known: KnownServer, method: string): void {
    const earlier = entries.get(key);
    if (earlier !== undefined) remove(key, earlier);
    const untilMs = clock.monotonicMs() + keepable.ttlMs;
    // A copy: the result may be a view into a much larger piece of memory.
    entries.set(key, { ...keepable, result: Buffer.from(result), untilMs });
    bytes += sizeOf(result);
    for (const [oldest, entry] of entries) {
      if (bytes <= bounds.cacheBytesMax && entries.size <= bounds.cacheEntriesMax) break;
      remove(oldest, entry);
    }
    if (method === 'tools/call' || servers.get(known.server.data.name) !== known) return;
    known.keptUntilMs = Math.max(known.keptUntilMs, untilMs);
    known.unwatch ??= watch(known.server, (event) => forget(known, event));
  }

  function remove(key: string, entry: Entry): void {
    if (entries.delete(key)) bytes -= sizeOf(entry.result);
  }

  function forget(known: KnownServer, event: CacheEvent): void {
    generation++;
    if (event.kind === 'list') known.generations[event.group] = generation;
    else if (known.changedUris.size < changedUrisMax || known.changedUris.has(event.uri)) known.changedUris.set(event.uri, generation);
    else {
      known.generations.resources = generation;
      known.changedUris.clear();
    }
  }

  function endWatch(known: KnownServer): void {
    known.unwatch?.();
    known.unwatch = null;
  }

  return {
    ask,
    changed(server, event) {
      const known = servers.get(server.data.name);
      if (known !== undefined) forget(known, event);
    },
    reconfigured() {
      for (const [name, known] of servers) {
        const server = current(name);
        if (server !== undefined && (server === known.server || fingerprintOf(server) === known.fingerprint)) known.server = server;
        else {
          endWatch(known);
          servers.delete(name);
        }
      }
    },
    close() {
      clearInterval(sweep);
      for (const known of servers.values()) endWatch(known);
    },
  };
}

/** The first caller may read its answer slowly, or the server take long: others do not wait for that. */
function orSlow(underWay: Promise<Outcome>): Promise<Outcome> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('slow'), bounds.cacheWaitMs);
    void underWay.then((outcome) => {
      clearTimeout(timer);
      resolve(outcome);
    });
  });
}

function sizeOf(result: Buffer): number {
  return result.length + entryOverheadBytes;
}

/** All that is configured of a server: another address, credential or rule is another answer. */
function fingerprintOf({ data }: Server): string {
  return keyOf([JSON.stringify(data)]);
}

function keyOf(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

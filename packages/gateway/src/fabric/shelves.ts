import { bounds } from '../kernel/bounds.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { CallerClass } from './catalogue.ts';
import { holdsLast, newShelf, type Shelf, signatureOf, stopShelf } from './shelf.ts';

/** The shelves of a catalogue: one for each server and class of callers, a bounded number, and none that nobody has used for long. */
export interface Shelves extends Iterable<Shelf> {
  /** The shelf of these; a new one where there is none, or its server is no longer the same. Who followed the old one follows the new one. */
  of(server: Server, callers: CallerClass): Shelf;
  /** No other one has taken its place, and it was not removed. */
  isCurrent(shelf: Shelf): boolean;
  /** Whether callers of whichever class have waited for this server in vain. */
  isLate(server: Server): boolean;
  /** Removes those of servers that are no longer, and begins those anew whose server is no longer the same. */
  keep(servers: readonly Server[]): void;
  close(): void;
}

export interface ShelvesEvents {
  /** A new one, which somebody follows already, stands in the place of another. */
  onReplaced(shelf: Shelf): void;
  /** One is no longer looked at. */
  onGone(): void;
}

export function createShelves(nowMs: () => number, { onReplaced, onGone }: ShelvesEvents): Shelves {
  const shelves = new Map<string, Shelf>();

  const sweep = setInterval(() => {
    for (const [key, shelf] of shelves)
      if (shelf.followers.size === 0 && !holdsLast(shelf) && nowMs() - shelf.usedAtMs > bounds.catalogueIdleMs) remove(key, shelf);
  }, bounds.catalogueIdleMs / 10);
  sweep.unref();

  function shelfOf(server: Server, callers: CallerClass): Shelf {
    const key = `${server.data.name} ${callers.key}`;
    const known = shelves.get(key);
    if (known !== undefined && (known.server === server || known.signature === signatureOf(server))) {
      known.server = server;
      known.usedAtMs = nowMs();
      return known;
    }
    const shelf = newShelf(server, callers, known?.followers ?? new Set(), nowMs());
    if (known !== undefined) {
      stopShelf(known);
      onGone();
    } else {
      const own = [...shelves].filter(([, one]) => one.server.data.name === server.data.name);
      if (own.length >= bounds.catalogueServerShelvesMax) evict(own);
      else if (shelves.size >= bounds.catalogueShelvesMax) evict(shelves);
    }
    shelves.set(key, shelf);
    if (shelf.followers.size > 0) onReplaced(shelf);
    return shelf;
  }

  /** The shelf that nobody follows and nobody has asked for the longest; one that holds what cannot be had again only where there is no other. */
  function evict(among: Iterable<[string, Shelf]>): void {
    let oldest: [string, Shelf] | null = null;
    for (const entry of among) {
      const [, shelf] = entry;
      if (shelf.followers.size > 0) continue;
      if (oldest === null || rankOf(shelf) < rankOf(oldest[1])) oldest = entry;
    }
    if (oldest !== null) remove(...oldest);
  }

  function remove(key: string, shelf: Shelf): void {
    stopShelf(shelf);
    shelves.delete(key);
    onGone();
  }

  return {
    of: shelfOf,
    isCurrent: (shelf) => shelves.get(`${shelf.server.data.name} ${shelf.callers.key}`) === shelf,
    isLate(server) {
      for (const shelf of shelves.values()) if (shelf.isLate && shelf.server.data.name === server.data.name) return true;
      return false;
    },
    keep(servers) {
      const byName = new Map(servers.map((server) => [server.data.name, server]));
      for (const [key, shelf] of shelves) {
        const server = byName.get(shelf.server.data.name);
        if (server === undefined) remove(key, shelf);
        else shelfOf(server, shelf.callers);
      }
    },
    [Symbol.iterator]: () => shelves.values(),
    close() {
      clearInterval(sweep);
      for (const shelf of shelves.values()) stopShelf(shelf);
      shelves.clear();
    },
  };
}

function rankOf(shelf: Shelf): number {
  return holdsLast(shelf) ? Number.MAX_SAFE_INTEGER / 2 + shelf.usedAtMs : shelf.usedAtMs;
}

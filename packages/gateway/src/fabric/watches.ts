import { bounds } from '../kernel/bounds.ts';
import type { Log } from '../kernel/log.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { ClientFace, Interest, ServerEvent } from './dialogue.ts';
import type { EraBook } from './eras.ts';
import { backoffMs } from './legacy-stream.ts';
import type { LegacySessions } from './legacy-sessions.ts';
import { openLegacyWatch } from './legacy-watch.ts';
import { openModernWatch } from './modern-watch.ts';
import { isMembers, type RpcMessage } from './rpc-message.ts';
import { placeOf, type SendExchange } from './server-exchange.ts';

export interface WatchParts {
  readonly sendExchange: SendExchange;
  readonly eras: EraBook;
  readonly sessions: LegacySessions;
  readonly log: Log;
}

/** One who wants to know of changes. */
export interface Watcher {
  readonly interest: Interest;
  readonly onEvent: (event: ServerEvent) => void;
}

/** What stands between a server and those who watch it: one stream for all of them. */
export interface WatchStream {
  /** The watchers have changed: more or less is of interest. */
  update(): void;
  close(): void;
}

/** Those who watch one server through one stream. */
export interface WatchGroup {
  readonly server: Server;
  readonly watchers: ReadonlySet<Watcher>;
  /** Tells those whom it concerns. */
  tell(message: RpcMessage): void;
  /** The stream is away for longer than a moment, or is back: what each watches may have changed since. */
  tellAll(): void;
  /** The server is of another era: the watchers are gathered anew. */
  dissolve(): void;
}

/** A watcher, and where it stands. */
interface Place extends Watcher {
  readonly server: Server;
  readonly face: ClientFace;
  group: string | null;
  gone: boolean;
}

interface OpenGroup extends WatchGroup {
  readonly key: string;
  readonly watchers: Set<Place>;
  stream: WatchStream | null;
}

type ListKind = 'toolsListChanged' | 'promptsListChanged' | 'resourcesListChanged';

const listKinds: readonly ListKind[] = ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'];
const kindOf: ReadonlyMap<string, ListKind> = new Map<string, ListKind>([
  ['notifications/tools/list_changed', 'toolsListChanged'],
  ['notifications/prompts/list_changed', 'promptsListChanged'],
  ['notifications/resources/list_changed', 'resourcesListChanged'],
]);

/** `Servers.watch`, and the end of all streams. */
export function createWatches(parts: WatchParts) {
  const { eras, log } = parts;
  const groups = new Map<string, OpenGroup>();
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;

  function add(server: Server, face: ClientFace, interest: Interest, onEvent: (event: ServerEvent) => void): () => void {
    const place: Place = { server, face, interest, onEvent, group: null, gone: false };
    void join(place, 0);
    return () => {
      if (place.gone) return;
      place.gone = true;
      const group = place.group === null ? undefined : groups.get(place.group);
      if (!group?.watchers.delete(place)) return;
      if (group.watchers.size > 0) return group.stream?.update();
      end(group);
    };
  }

  /** Servers of 2026-07-28 know no clients: all watch through one stream. In a session each kind of client has its own. */
  async function join(place: Place, tries: number): Promise<void> {
    const { server, face } = place;
    let modern: boolean;
    try {
      modern = await eras.speaksModern(server);
    } catch {
      const timer = setTimeout(() => {
        timers.delete(timer);
        if (!place.gone && !closed) void join(place, tries + 1);
      }, backoffMs(tries));
      timer.unref();
      timers.add(timer);
      return;
    }
    if (place.gone || closed) return;
    const key = modern ? placeOf(server) : [placeOf(server), face.principalId, face.capabilities, face.info ?? ''].join('\n');
    place.group = key;
    const known = groups.get(key);
    if (known) {
      known.watchers.add(place);
      known.stream?.update();
    } else if (groups.size >= bounds.fabricWatchesMax) {
      log.warn('servers.watches_full', { server: server.data.name, watches: groups.size });
      return;
    } else {
      const group = groupOf(server, key);
      group.watchers.add(place);
      groups.set(key, group);
      group.stream = modern ? openModernWatch(parts, group) : openLegacyWatch(parts, group, face);
    }
    // Until now nothing was watched.
    if (tries > 0) tellLists(place);
  }

  function groupOf(server: Server, key: string): OpenGroup {
    const watchers = new Set<Place>();
    const group: OpenGroup = {
      key,
      server,
      watchers,
      stream: null,
      tell(message) {
        for (const watcher of watchers) tellOne(watcher, message);
      },
      tellAll() {
        for (const watcher of watchers) tellLists(watcher);
      },
      dissolve() {
        end(group);
        eras.forget(server);
        for (const place of watchers) void join(place, 1);
      },
    };
    return group;
  }

  function end(group: OpenGroup): void {
    if (groups.get(group.key) === group) groups.delete(group.key);
    group.stream?.close();
  }

  return {
    add,
    close() {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      for (const group of groups.values()) group.stream?.close();
      groups.clear();
    },
  };
}

function tellOne({ interest, onEvent }: Watcher, message: RpcMessage): void {
  const kind = kindOf.get(message.method);
  if (kind !== undefined) {
    if (interest[kind]) onEvent({ kind });
    return;
  }
  const uri = isMembers(message.body) ? message.body['uri'] : undefined;
  if (message.method === 'notifications/resources/updated' && typeof uri === 'string' && interest.resourceUris.some((watched) => covers(watched, uri)))
    onEvent({ kind: 'resourceUpdated', uri, json: message.json });
}

function tellLists({ interest, onEvent }: Watcher): void {
  for (const kind of listKinds) if (interest[kind]) onEvent({ kind });
}

/** A server may name a part of what is watched. */
function covers(watched: string, uri: string): boolean {
  return uri === watched || uri.startsWith(watched.endsWith('/') ? watched : `${watched}/`);
}

import { createHash } from 'node:crypto';
import type { EndpointData, SelectionData } from '../snapshot/endpoint-data.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { ListEntry, ServerList } from './drain-list.ts';
import { exposeNames, type NameCollision } from './exposed-names.ts';
import { canonicalUri } from '../kernel/canonical-uri.ts';
import { fitsGlob, parseGlob, type Glob } from '../kernel/glob.ts';

/** A tool or prompt that callers see, and whose it is. */
export interface Item {
  readonly server: Server;
  readonly entry: ListEntry;
  readonly exposed: string;
  /** Shown instead of the server's own; null: its own. */
  readonly description: string | null;
}

/** All tools, or all prompts, that one kind of caller sees. */
export interface NameTable {
  readonly items: readonly Item[];
  readonly byName: ReadonlyMap<string, Item>;
  readonly collisions: readonly NameCollision[];
  /** The same on every node for the same items: cursors are bound to it. */
  readonly digest: string;
}

/** What a server lists, null where nothing is known yet. */
export interface KnownList {
  readonly server: Server;
  readonly list: ServerList | null;
}

export function buildNameTable(lists: readonly KnownList[], select: Select, data: EndpointData, charsMax: number): NameTable {
  const found = lists.flatMap(({ server, list }) =>
    (list?.entries ?? []).flatMap((entry) => {
      const selected = select(server.data.name, entry.key, entry);
      return selected === null ? [] : [{ server, entry, rename: selected.rename, description: selected.description }];
    }),
  );
  const { names, collisions } = exposeNames(
    found.map(({ server, entry, rename }) => ({ server: server.data.name, name: entry.key, rename })),
    data.prefix,
    charsMax,
  );
  const items = found.flatMap(({ server, entry, description }, index): Item[] => {
    const exposed = names[index] ?? null;
    return exposed === null ? [] : [{ server, entry, exposed, description }];
  });
  return {
    items,
    byName: new Map(items.map((item) => [item.exposed, item])),
    collisions,
    digest: digestOf(lists, [data.prefix, charsMax, data.tools, data.prompts]),
  };
}

/** Of what a list was made: the same on every node. */
export function digestOf(lists: readonly KnownList[], rules: unknown): string {
  const hash = createHash('sha256').update(JSON.stringify(rules));
  for (const { server, list } of lists) hash.update(`\0${server.data.name}\0${list?.digest ?? '-'}`);
  return hash.digest('base64url');
}

/** Whether a server's thing is behind the endpoint, and what is changed about it. Null: it is not. `entry`: how it is listed, where it is at hand. */
export type Select = (server: string, key: string, entry?: ListEntry | null) => { readonly rename: string | null; readonly description: string | null } | null;

const unchanged = { rename: null, description: null };

/** The same for resources: what is selected is where a URI leads, however it is written. */
export function compileUriSelection(selections: readonly SelectionData[] | null): Select {
  const select = compileSelection(selections);
  if (selections === null) return select;
  return (server, uri) => {
    const canonical = canonicalUri(uri);
    return canonical === null ? null : select(server, canonical);
  };
}

/** The first entry that changes the thing wins over those that only select it. */
export function compileSelection(selections: readonly SelectionData[] | null): Select {
  if (selections === null) return () => unchanged;
  const compiled: readonly (SelectionData & { readonly glob: Glob })[] = selections.map((one) => ({ ...one, glob: parseGlob(one.pattern) }));
  return (server, key) => {
    let found: SelectionData | null = null;
    for (const one of compiled) {
      if ((one.server !== null && one.server !== server) || !fitsGlob(one.glob, key)) continue;
      if (one.rename !== null || one.description !== null) return one;
      found ??= one;
    }
    return found;
  };
}

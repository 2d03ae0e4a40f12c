import type { Item } from './endpoint-table.ts';
import type { EndpointView } from './endpoint-view.ts';
import { nameSeparator } from './exposed-names.ts';
import { unwrapUri, wrapUri, type OwnedUri } from './exposed-uris.ts';
import { rewriteEntry } from './rewrite-reply.ts';

/**
 * The tool or prompt of a name. Servers whose list is not at hand are asked, but only those to which the name can belong; then, should it be new,
 * those whose list is no longer good.
 */
export async function findNamed(view: EndpointView, kind: 'tools' | 'prompts', exposed: string): Promise<Item | null> {
  const { data, servers } = view;
  const isRename = data[kind]?.some(({ rename }) => rename === exposed) ?? false;
  const candidates = data.prefix !== 'always' || isRename ? servers : servers.filter((server) => exposed.startsWith(server.data.name + nameSeparator));
  if (!view.isSettled(kind, candidates)) await view.load(kind, candidates);
  const found = view.names(kind).byName.get(exposed);
  if (found !== undefined) return found;
  await view.load(kind);
  return view.names(kind).byName.get(exposed) ?? null;
}

/** The resource of a URI, found in the same way. */
export async function findUri(view: EndpointView, exposed: string): Promise<OwnedUri | null> {
  // A URI that carries its server needs no list.
  if (view.servers.length > 1 && unwrapUri(exposed) === null && !(view.isSettled('resources') && view.isSettled('templates')))
    await Promise.all([view.load('resources'), view.load('templates')]);
  const found = view.uris().ownerOf(exposed);
  if (found !== null) return found;
  await Promise.all([view.load('resources'), view.load('templates')]);
  return view.uris().ownerOf(exposed);
}

/** What callers call the URIs of a server. While it is not known what the others have, a URI carries its server. */
export function exposerOf(view: EndpointView, server: string): (uri: string) => string {
  const isKnown = view.servers.length === 1 || (view.isSettled('resources') && view.isSettled('templates'));
  return (uri) => (isKnown ? view.uris().expose(server, uri) : wrapUri(server, uri));
}

/** A tool or prompt as callers are shown it. */
export function itemText(view: EndpointView, { server, entry, exposed, description }: Item): string {
  const { json, keyPlace } = entry;
  // Most need nothing but their name: lists of thousands are made of these.
  if (keyPlace !== null && description === null && !entry.namesUi) return json.slice(0, keyPlace.start) + JSON.stringify(exposed) + json.slice(keyPlace.end);
  const exposeUri = entry.namesUi ? exposerOf(view, server.data.name) : null;
  return rewriteEntry(json, { key: { member: 'name', value: exposed }, description, exposeUri });
}

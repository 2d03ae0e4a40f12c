import { Fault } from '../kernel/fault.ts';
import type { Item } from './endpoint-table.ts';
import type { EndpointView } from './endpoint-view.ts';
import { nameSeparator } from './exposed-names.ts';
import { unwrapUri, wrapUri, type OwnedUri } from './exposed-uris.ts';
import { rewriteEntry } from './rewrite-reply.ts';

/**
 * The tool or prompt of a name. Servers whose list is not at hand are asked, but only those to which the name can belong; then, should it be new,
 * those whose list is no longer good. Faults: `upstream_unavailable` where the name says to which server it belongs, and that one has never been
 * heard: whether there is such a tool is not known then.
 */
export async function findNamed(view: EndpointView, kind: 'tools' | 'prompts', exposed: string): Promise<Item | null> {
  const { data, servers } = view;
  const isRename = data[kind]?.some(({ rename }) => rename === exposed) ?? false;
  const isOwned = data.prefix === 'always' && !isRename;
  const candidates = isOwned ? servers.filter((server) => exposed.startsWith(server.data.name + nameSeparator)) : servers;
  if (!view.isSettled(kind, candidates)) await view.load(kind, candidates);
  const found = view.names(kind).byName.get(exposed);
  if (found !== undefined) return found;
  const listed = await view.load(kind);
  const item = view.names(kind).byName.get(exposed) ?? null;
  if (item !== null || !isOwned) return item;
  const unheard = servers.find((server, index) => candidates.includes(server) && listed[index]?.list === null && listed[index].trouble !== null);
  if (unheard !== undefined) throw new Fault('upstream_unavailable', { server: unheard.data.name, reason: `its list of ${kind} could not be read yet` });
  return null;
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

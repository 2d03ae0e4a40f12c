import { bounds } from '../kernel/bounds.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { AggregateParts } from './aggregate-endpoint.ts';
import type { ClientFace, Interest, ServerEvent } from './dialogue.ts';
import type { ListKind } from './drain-list.ts';
import { exposerOf, findUri } from './endpoint-lookup.ts';
import type { EndpointView } from './endpoint-view.ts';
import { rewriteNotification } from './rewrite-reply.ts';

type ListEvent = Exclude<ServerEvent['kind'], 'resourceUpdated'>;

const eventOf: Readonly<Record<ListKind, ListEvent>> = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
  templates: 'resourcesListChanged',
};

/**
 * Relays the changes of all servers that a caller sees, those of one moment as one. Lists are watched once for all callers, by the catalogue;
 * resources in the caller's own name. Another set of servers counts as a change of every list.
 */
export function watchServers(
  { catalogue, servers, onSnapshot }: AggregateParts,
  viewOf: () => EndpointView,
  { face }: { readonly face: ClientFace },
  interest: Interest,
  onEvent: (event: ServerEvent) => void,
): () => void {
  const pending = new Set<ListEvent>();
  let burst: NodeJS.Timeout | null = null;
  let ended = false;
  let stops = follow(viewOf());

  function changed(event: ListEvent): void {
    if (!interest[event]) return;
    pending.add(event);
    burst ??= setTimeout(() => {
      burst = null;
      const events = [...pending];
      pending.clear();
      for (const kind of events) onEvent({ kind });
    }, bounds.changeBurstMs);
  }

  function follow(view: EndpointView): (() => void)[] {
    const wantsLists = interest.toolsListChanged || interest.promptsListChanged || interest.resourcesListChanged;
    const lists = wantsLists ? view.servers.map((server) => catalogue.follow(server, view.callersAt(server), (kind) => changed(eventOf[kind]))) : [];
    return interest.resourceUris.length === 0 ? lists : [...lists, watchResources(view)];
  }

  /** Subscriptions are the server's own: each gets those of its resources, by its own names. One that nobody has is left out. */
  function watchResources(view: EndpointView): () => void {
    const unwatch: (() => void)[] = [];
    let stopped = false;
    const exposedOf = new Map<Server, Map<string, string>>();
    void Promise.all(
      interest.resourceUris.map(async (exposed) => {
        const owner = await findUri(view, exposed);
        const server = view.servers.find((one) => one.data.name === owner?.server);
        if (owner === null || server === undefined || view.selects.resources(owner.server, owner.uri) === null) return;
        const uris = exposedOf.get(server) ?? new Map<string, string>();
        exposedOf.set(server, uris.set(owner.uri, exposed));
      }),
    ).then(() => {
      if (stopped) return;
      for (const [server, uris] of exposedOf) {
        const expose = (uri: string): string => uris.get(uri) ?? exposerOf(view, server.data.name)(uri);
        const own = { toolsListChanged: false, promptsListChanged: false, resourcesListChanged: false, resourceUris: [...uris.keys()] };
        unwatch.push(
          servers.watch(server, face, own, (event) => {
            if (event.kind === 'resourceUpdated') onEvent({ kind: 'resourceUpdated', uri: expose(event.uri), json: rewriteNotification(event.json, expose) });
          }),
        );
      }
    });
    return () => {
      stopped = true;
      for (const stop of unwatch) stop();
    };
  }

  const forget = onSnapshot(() => {
    if (ended) return;
    const before = stops;
    stops = follow(viewOf());
    for (const stop of before) stop();
    for (const event of ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'] as const) changed(event);
  });

  return () => {
    ended = true;
    forget();
    if (burst !== null) clearTimeout(burst);
    for (const stop of stops) stop();
  };
}

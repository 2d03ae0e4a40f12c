import { Fault } from '../kernel/fault.ts';
import type { Sealer } from '../kernel/seal.ts';
import { findValues, splice } from '../kernel/splice-json.ts';
import type { EndpointData } from '../snapshot/endpoint-data.ts';
import type { Server, Snapshot } from '../snapshot/compile-snapshot.ts';
import type { CallerClass, Catalogue, Listed } from './catalogue.ts';
import type { ClientFace, Servers } from './dialogue.ts';
import { keyMember, listMember, type ListKind } from './drain-list.ts';
import type { Endpoint, EndpointCaller, EndpointRequest, OwnAnswer, Route } from './endpoint.ts';
import { createEndpointViews, type EndpointView } from './endpoint-view.ts';
import { exposerOf, findNamed, findUri, itemText } from './endpoint-lookup.ts';
import { joinFacts } from './join-facts.ts';
import { pageOf, type PagedList } from './list-page.ts';
import { nameAsker, rewriteEntry, rewriteNotification, rewriteReply } from './rewrite-reply.ts';
import { createToolSearch } from './tool-search.ts';
import { watchServers } from './watch-servers.ts';

export interface AggregateParts {
  readonly servers: Servers;
  readonly catalogue: Catalogue;
  readonly callerClassOf: (face: ClientFace) => CallerClass;
  readonly sealer: Sealer;
  readonly snapshot: () => Snapshot;
  /** Calls back when there is a new snapshot, until the returned function is called. */
  readonly onSnapshot: (changed: () => void) => () => void;
}

/** Keys of our own in the `_meta` of lists (docs/guides/aggregate.md). */
const unavailableKey = 'io.gatewayops/unavailable';
const collisionsKey = 'io.gatewayops/collisions';
/** How long a list is good at most, and at most while a server is missing from it. */
const ttlMsMax = 3_600_000;
const troubledTtlMs = 1_000;

const listKinds: ReadonlyMap<string, ListKind> = new Map([
  ['tools/list', 'tools'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'templates'],
  ['prompts/list', 'prompts'],
]);

/** Many servers as one: `/mcp`, or a virtual server. `data` is what the snapshot of the moment says of it. */
export function createAggregateEndpoint(name: string, data: () => EndpointData, parts: AggregateParts): Endpoint {
  const { catalogue, sealer } = parts;
  const views = createEndpointViews(catalogue, parts.callerClassOf);
  const search = createToolSearch();
  const viewOf = (request: EndpointCaller): EndpointView => views.of(parts.snapshot(), data(), request);

  async function list(view: EndpointView, kind: ListKind, params: string): Promise<OwnAnswer> {
    const cursor = cursorOf(params);
    const isResources = kind === 'resources' || kind === 'templates';
    const [listed, other] = await Promise.all([view.load(kind), isResources ? view.load(kind === 'resources' ? 'templates' : 'resources') : []]);
    // What a tool calls its user interface depends on whose that URI is.
    if (kind === 'tools' && view.servers.length > 1 && view.names('tools').items.some(({ entry }) => entry.namesUi)) {
      await Promise.all([view.load('resources'), view.load('templates')]);
    }
    const paged = kind === 'tools' || kind === 'prompts' ? namesPaged(view, kind) : urisPaged(view, kind, listed);
    const page = pageOf(paged, cursor, view.data.pageSize, `${name} ${kind} ${view.key}`, sealer);
    const meta = metaOf(view, kind, isResources ? mostTroubled(listed, other) : listed);
    const next = page.nextCursor === null ? '' : `,"nextCursor":${JSON.stringify(page.nextCursor)}`;
    const ttlMs = ttlOf(listed);
    const cache = `"ttlMs":${ttlMs},"cacheScope":"${scopeOf(view.data, listed)}"`;
    const result = `{"resultType":"complete","${listMember[kind]}":[${page.entries}]${next},${cache}${meta}}`;
    return { kind: 'answer', result, listed: { servers: view.servers, wasKept: [...listed, ...other].every(({ wasKept }) => wasKept), ttlMs } };
  }

  /** What the three tools find changes, the tools do not. */
  function searchList(view: EndpointView, params: string): OwnAnswer {
    if (cursorOf(params) !== null) throw new Fault('invalid_params', { reason: 'this list has but one page' });
    const cache = `"ttlMs":${ttlMsMax},"cacheScope":"${scopeOf(view.data, [])}"`;
    return { kind: 'answer', result: `{"resultType":"complete","tools":[${search.tools.join(',')}],${cache}}` };
  }

  async function routeToNamed(
    view: EndpointView,
    kind: 'tools' | 'prompts',
    request: EndpointRequest,
    path: readonly string[],
    mirrored: readonly string[],
  ): Promise<Route> {
    const params = Buffer.from(request.params);
    const exposed = textAt(params, path);
    const item = await findNamed(view, kind, exposed);
    if (item === null) throw new Fault(kind === 'tools' ? 'unknown_tool' : 'unknown_prompt', { name: exposed.slice(0, 256) });
    return routeTo(view, item.server, withText(params, path, item.entry.key), item.entry.key, mirrored);
  }

  async function routeToUri(view: EndpointView, request: EndpointRequest, path: readonly string[]): Promise<Route> {
    const params = Buffer.from(request.params);
    const exposed = textAt(params, path);
    const owner = await findUri(view, exposed);
    const server = owner === null ? undefined : view.servers.find((one) => one.data.name === owner.server);
    if (owner === null || server === undefined || view.selects.resources(owner.server, owner.uri) === null)
      throw new Fault('unknown_resource', { name: exposed.slice(0, 1024) });
    return routeTo(view, server, withText(params, path, owner.uri), owner.uri, request.mirrored, { own: owner.uri, exposed });
  }

  return {
    name,
    facts: async (request) => {
      const view = viewOf(request);
      const facts = await Promise.all(
        view.servers.map(async (server) => ({ server: server.data.name, ...(await catalogue.facts(server, view.callersAt(server), view.data.deadlineMs)) })),
      );
      return joinFacts(facts, scopeOf(view.data, []));
    },
    async resolve(request) {
      const view = viewOf(request);
      const { toolExposure } = view.data;
      if (toolExposure === 'search' && request.method === 'tools/list') return searchList(view, request.params);
      const kind = listKinds.get(request.method);
      if (kind !== undefined) return list(view, kind, request.params);
      switch (request.method) {
        case 'tools/call': {
          const found = toolExposure === 'search' ? await search.call(view, request) : null;
          if (found !== null) return 'kind' in found ? found : routeTo(view, found.item.server, found.params, found.item.entry.key, found.mirrored);
          return routeToNamed(view, 'tools', request, ['name'], request.mirrored);
        }
        case 'prompts/get':
          return routeToNamed(view, 'prompts', request, ['name'], request.mirrored);
        case 'resources/read':
        case 'resources/directory/read':
          return routeToUri(view, request, ['uri']);
        case 'completion/complete': {
          const { ref } = JSON.parse(request.params) as { ref?: { type?: unknown } };
          const route =
            ref?.type === 'ref/prompt' ? routeToNamed(view, 'prompts', request, ['ref', 'name'], request.mirrored) : routeToUri(view, request, ['ref', 'uri']);
          return { ...(await route), name: '' };
        }
        default:
          throw new Fault('method_not_found', { method: request.method.slice(0, 100) });
      }
    },
    watch: (request, interest, onEvent) => watchServers(parts, () => viewOf(request), request, interest, onEvent),
  };
}

function routeTo(
  view: EndpointView,
  server: Server,
  params: string,
  name: string,
  mirrored: readonly string[],
  asked: { own: string; exposed: string } | null = null,
): Route {
  const exposeUri = exposerOf(view, server.data.name);
  const expose = (uri: string): string => (asked !== null && uri === asked.own ? asked.exposed : exposeUri(uri));
  return {
    kind: 'route',
    server,
    params,
    name,
    mirrored,
    rewriteResult: (result) => rewriteReply(result, server.data.name, expose),
    rewriteNotification: (json) => rewriteNotification(json, expose),
    rewriteAsk: (ask) => nameAsker(ask, server.data.name),
  };
}

function namesPaged(view: EndpointView, kind: 'tools' | 'prompts'): PagedList {
  const { items, digest } = view.names(kind);
  return {
    length: items.length,
    digest,
    textOf(index) {
      const item = items[index];
      return item === undefined ? '' : itemText(view, item);
    },
  };
}

function urisPaged(view: EndpointView, kind: 'resources' | 'templates', listed: readonly Listed[]): PagedList {
  const uris = view.uris();
  const expose = kind === 'resources' ? uris.expose : uris.exposeTemplate;
  const found = listed.flatMap(({ list }, index) => {
    const server = view.servers[index]?.data.name ?? '';
    return (list?.entries ?? []).filter((entry) => view.selects[kind](server, entry.key, entry) !== null).map((entry) => ({ server, entry }));
  });
  return {
    length: found.length,
    digest: uris.digest,
    textOf(index) {
      const one = found[index];
      if (one === undefined) return '';
      const key = { member: keyMember[kind], value: expose(one.server, one.entry.key) };
      return rewriteEntry(one.entry.json, { key, description: null, exposeUri: null });
    },
  };
}

function ttlOf(listed: readonly Listed[]): number {
  const most = listed.some(({ trouble }) => trouble !== null) ? troubledTtlMs : ttlMsMax;
  return Math.floor(listed.reduce((least, { ttlMs }) => Math.min(least, ttlMs), most));
}

/** Public only where everyone sees the same: a caller with a key sees what its key allows. */
function scopeOf(data: EndpointData, listed: readonly Listed[]): 'public' | 'private' {
  return data.auth === 'none' && listed.every(({ list }) => list?.cacheScope === 'public') ? 'public' : 'private';
}

/** Which servers are missing from a list, or stand in it as they were, and names that are not served. Empty where there is nothing to say. */
function metaOf(view: EndpointView, kind: ListKind, listed: readonly Listed[]): string {
  const unavailable = listed.flatMap(({ list, trouble, isDegraded }, index) => {
    if (trouble === null) return [];
    const isPartial = list !== null && list.incomplete !== null;
    const stale = list !== null && !isPartial;
    return [{ server: view.servers[index]?.data.name, reason: trouble, stale, ...(isDegraded && { degraded: true }), ...(isPartial && { partial: true }) }];
  });
  const collisions = kind === 'tools' || kind === 'prompts' ? view.names(kind).collisions : [];
  const meta = { ...(unavailable.length > 0 && { [unavailableKey]: unavailable }), ...(collisions.length > 0 && { [collisionsKey]: collisions }) };
  return Object.keys(meta).length === 0 ? '' : `,"_meta":${JSON.stringify(meta)}`;
}

function mostTroubled(listed: readonly Listed[], other: readonly Listed[]): Listed[] {
  return listed.map((one, index) =>
    one.trouble === null && other[index] !== undefined && other[index].trouble !== null ? { ...one, trouble: other[index].trouble } : one,
  );
}

/** Null: the first page. The empty text is a cursor like any other. */
function cursorOf(params: string): string | null {
  const { cursor } = JSON.parse(params) as { cursor?: unknown };
  if (cursor !== undefined && typeof cursor !== 'string') throw new Fault('invalid_params', { reason: '`cursor` must be a string' });
  return cursor ?? null;
}

function textAt(params: Buffer, path: readonly string[]): string {
  const [found] = findValues(params, [path]).slice(-1);
  const value: unknown = found === undefined ? undefined : JSON.parse(params.toString('utf8', found.start, found.end));
  if (typeof value !== 'string') throw new Fault('invalid_params', { reason: `\`${path.join('.')}\` must be a string` });
  return value;
}

function withText(params: Buffer, path: readonly string[], text: string): string {
  return splice(
    params,
    findValues(params, [path]).map(({ start, end }) => ({ start, end, text: JSON.stringify(text) })),
  ).toString();
}

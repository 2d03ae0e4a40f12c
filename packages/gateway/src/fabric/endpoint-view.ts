import { bounds } from '../kernel/bounds.ts';
import { withForwarded } from './caller-class.ts';
import type { EndpointData } from '../snapshot/endpoint-data.ts';
import type { Server, Snapshot } from '../snapshot/compile-snapshot.ts';
import type { CallerClass, Catalogue, Listed } from './catalogue.ts';
import type { ListKind } from './drain-list.ts';
import type { EndpointCaller } from './endpoint.ts';
import { buildNameTable, compileSelection, compileUriSelection, digestOf, type KnownList, type NameTable, type Select } from './endpoint-table.ts';
import { exposeUris, type ExposedUris } from './exposed-uris.ts';

/** What one kind of caller sees through an endpoint: its tables, made of what the catalogue knows and made anew when that changes. */
export interface EndpointView {
  readonly data: EndpointData;
  /** Callers with the same key see the same. */
  readonly key: string;
  /** The class of these callers at one of the servers. */
  callersAt(server: Server): CallerClass;
  readonly servers: readonly Server[];
  readonly selects: Readonly<Record<ListKind, Select>>;
  names(kind: 'tools' | 'prompts'): NameTable;
  uris(): ExposedUris & { readonly digest: string };
  /** Reads what is not good any more, all servers at once; one entry a server, in order. */
  load(kind: ListKind, servers?: readonly Server[]): Promise<readonly Listed[]>;
  /** Whether of each of these servers a list is at hand, or it is known that there is none to be had. */
  isSettled(kind: ListKind, servers?: readonly Server[]): boolean;
}

export interface EndpointViews {
  /** The view of this caller now. */
  of(snapshot: Snapshot, data: EndpointData, request: EndpointCaller): EndpointView;
}

/** The views of one endpoint, kept for the kinds of callers that come often. */
export function createEndpointViews(catalogue: Catalogue, callerClassOf: (face: EndpointCaller['face']) => CallerClass): EndpointViews {
  const views = new Map<string, EndpointView>();
  const clientNames = new Map<string, string>();
  /** Views are good for as long as these are the same: of the rules their keys tell. */
  let madeOf: (Pick<Snapshot, 'byName' | 'riskOf'> & { readonly data: EndpointData }) | null = null;
  let selects: EndpointView['selects'] | null = null;
  /** The servers to which rules pass headers of callers on. */
  let headed: readonly Server[] = [];

  function nameCharsMax(data: EndpointData, info: string | null): number {
    if (info === null) return data.nameCharsMax;
    let name = clientNames.get(info);
    if (name === undefined) {
      const given: unknown = (JSON.parse(info) as { name?: unknown } | null)?.name;
      name = typeof given === 'string' ? given : '';
      if (clientNames.size >= bounds.endpointViewsMax) clientNames.clear();
      clientNames.set(info, name);
    }
    return Object.hasOwn(data.clientNameCharsMax, name) ? (data.clientNameCharsMax[name] ?? data.nameCharsMax) : data.nameCharsMax;
  }

  return {
    of(snapshot, data, { face, mayReach, shows, accessKey, forwarded }) {
      const { byName, riskOf } = snapshot;
      if (madeOf?.byName !== byName || madeOf.riskOf !== riskOf || madeOf.data !== data || selects === null) {
        views.clear();
        madeOf = { byName, riskOf, data };
        headed = data.servers.flatMap((name) => snapshot.byName.get(name) ?? []).filter(({ transforms }) => transforms?.headers === true);
        const ofResources = compileUriSelection(data.resources);
        selects = { tools: compileSelection(data.tools), prompts: compileSelection(data.prompts), resources: ofResources, templates: ofResources };
      }
      const callers = callerClassOf(face);
      const charsMax = nameCharsMax(data, face.info);
      const seen = data.servers.filter(mayReach);
      const own = headed.flatMap((server) => {
        const headers = mayReach(server.data.name) ? forwarded(server) : [];
        return headers.length === 0 ? [] : [[server.data.name, withForwarded(callers, headers)] as const];
      });
      const scopes = own.map(([name, { scope }]) => ` ${name} ${scope}`).join('');
      const key = `${charsMax} ${callers.key} ${seen.length === data.servers.length ? '*' : seen.join(' ')}${scopes} ${accessKey}`;
      let view = views.get(key);
      if (view === undefined) {
        const servers = seen.flatMap((name) => snapshot.byName.get(name) ?? []);
        const withHeaders = new Map(own);
        const callersAt = ({ data: { name } }: Server): CallerClass => withHeaders.get(name) ?? callers;
        view = createView(catalogue, { data, key, callersAt, servers, selects: shown(selects, shows) }, charsMax);
        const oldest = views.size >= bounds.endpointViewsMax ? views.keys().next().value : undefined;
        if (oldest !== undefined) views.delete(oldest);
        views.set(key, view);
      }
      return view;
    },
  };
}

/** What is selected, less what policies keep from these callers. */
function shown(selects: EndpointView['selects'], shows: EndpointCaller['shows']): EndpointView['selects'] {
  const of =
    (kind: ListKind): Select =>
    (server, key, entry = null) =>
      shows(server, kind, key, entry) ? selects[kind](server, key) : null;
  return { tools: of('tools'), prompts: of('prompts'), resources: of('resources'), templates: of('templates') };
}

/** A table and what it was made of. */
interface Made<Table> {
  version: number;
  lists: readonly KnownList[];
  table: Table;
}

function createView(catalogue: Catalogue, base: Pick<EndpointView, 'data' | 'key' | 'callersAt' | 'servers' | 'selects'>, charsMax: number): EndpointView {
  const { data, callersAt, servers, selects } = base;
  const made: { tools?: Made<NameTable>; prompts?: Made<NameTable>; uris?: Made<ExposedUris & { digest: string }> } = {};

  const listsOf = (kind: ListKind): KnownList[] => servers.map((server) => ({ server, list: catalogue.known(server, callersAt(server), kind) }));

  /** The table at hand where nothing that it was made of has changed. */
  function current<Table>(known: Made<Table> | undefined, kinds: readonly ListKind[], make: (lists: readonly KnownList[]) => Table): Made<Table> {
    const { version } = catalogue;
    if (known?.version === version) return known;
    const lists = kinds.flatMap(listsOf);
    if (known !== undefined && lists.every(({ list }, index) => known.lists[index]?.list === list)) {
      known.version = version;
      return known;
    }
    return { version, lists, table: make(lists) };
  }

  function makeUris(lists: readonly KnownList[]): ExposedUris & { digest: string } {
    const keysOf = (list: KnownList | undefined, kind: 'resources' | 'templates'): string[] =>
      (list?.list?.entries ?? []).flatMap(({ key }) => (selects[kind](list?.server.data.name ?? '', key) === null ? [] : [key]));
    const uris = exposeUris(
      servers.map((server, index) => ({
        server: server.data.name,
        uris: keysOf(lists[index], 'resources'),
        templates: keysOf(lists[servers.length + index], 'templates'),
      })),
    );
    return { ...uris, digest: digestOf(lists, data.resources) };
  }

  return {
    ...base,
    names(kind) {
      const now = current(made[kind], [kind], (lists) => buildNameTable(lists, selects[kind], data, charsMax));
      made[kind] = now;
      return now.table;
    },
    uris() {
      made.uris = current(made.uris, ['resources', 'templates'], makeUris);
      return made.uris.table;
    },
    load: (kind, of = servers) => Promise.all(of.map((server) => catalogue.load(server, callersAt(server), kind, data.deadlineMs))),
    isSettled: (kind, of = servers) => of.every((server) => catalogue.isSettled(server, callersAt(server), kind)),
  };
}

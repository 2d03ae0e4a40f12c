import { randomBytes } from 'node:crypto';
import { noConsultant } from './no-consultant.ts';
import { compileRisks } from '../../packages/gateway/src/authorise/tool-risk.ts';
import { organizationSteps } from '../../packages/gateway/src/authorise/organizations.ts';
import { systemClock } from '../../packages/gateway/src/kernel/clock.ts';
import { Fault } from '../../packages/gateway/src/kernel/fault.ts';
import { silentLog } from '../../packages/gateway/src/kernel/log.ts';
import { createSealer } from '../../packages/gateway/src/kernel/seal.ts';
import { createAggregates, type Aggregates } from '../../packages/gateway/src/fabric/aggregates.ts';
import type { DialogueRequest, Interest, ServerEvent, Servers } from '../../packages/gateway/src/fabric/dialogue.ts';
import { createKeptLists, type KeptLists } from '../../packages/gateway/src/fabric/kept-lists.ts';
import type { KeptListsPort } from '../../packages/gateway/src/fabric/last-good.ts';
import type { Endpoint, EndpointCaller, EndpointRequest, OwnAnswer, Route } from '../../packages/gateway/src/fabric/endpoint.ts';
import { compileSnapshot, type Snapshot } from '../../packages/gateway/src/snapshot/compile-snapshot.ts';
import type { EndpointData } from '../../packages/gateway/src/snapshot/endpoint-data.ts';
import { membersRule } from './members-rule.ts';
import type { TransformData } from '../../packages/gateway/src/snapshot/transform-data.ts';
import { plainEndpointData, plainServerData } from './server-data.ts';

/** A server as a test writes it down: what it lists, page by page, as JSON texts. Its members may be changed while it runs. */
export interface ListedServer {
  era?: 'modern' | 'legacy';
  tools?: readonly (readonly string[])[];
  prompts?: readonly (readonly string[])[];
  resources?: readonly (readonly string[])[];
  templates?: readonly (readonly string[])[];
  ttlMs?: number;
  cacheScope?: 'public' | 'private';
  instructions?: string;
  capabilities?: object;
  /** Rules pass headers of callers on to it. */
  passesHeaders?: boolean;
  /** Set while it is away; `stalled` answers nothing. */
  away?: 'unreachable' | 'stalled' | null;
  /** The cursor of the page behind page `index`, where it is not the usual one. */
  cursorAfter?: (index: number) => string | null;
  /** Counted by the servers: requests for lists. */
  lists?: number;
}

export interface ListedServers {
  readonly aggregates: Aggregates;
  readonly endpoint: Endpoint;
  readonly requests: DialogueRequest[];
  readonly watches: { readonly server: string; readonly interest: Interest; readonly tell: (event: ServerEvent) => void }[];
  /** A request by a caller who may reach all servers, or those named. */
  request(method: string, params?: object, more?: Partial<EndpointRequest> & { readonly reach?: readonly string[] }): Promise<Route | OwnAnswer>;
  caller(reach?: readonly string[]): EndpointCaller;
  /** All servers are at another address from now on. */
  moveTo(origin: string): void;
  /** Another configuration from now on. */
  change(servers: Readonly<Record<string, ListedServer>>, data?: Partial<EndpointData>): void;
  close(): void;
}

/** Of one gateway, however many workers it has. */
const sealer = createSealer(randomBytes(32));

const kinds = {
  'tools/list': ['tools', 'tools'],
  'prompts/list': ['prompts', 'prompts'],
  'resources/list': ['resources', 'resources'],
  'resources/templates/list': ['templates', 'resourceTemplates'],
} as const;

/** Endpoints of one worker over servers in memory that list what the test says; `kept` is what its supervisor keeps. */
export function listedServers(
  first: Readonly<Record<string, ListedServer>>,
  data: Partial<EndpointData> = {},
  kept: KeptLists = createKeptLists(),
): ListedServers {
  let servers = first;
  let version = 0;
  let origin = 'http://127.0.0.1:1';
  const requests: DialogueRequest[] = [];
  const watches: { server: string; interest: Interest; tell: (event: ServerEvent) => void }[] = [];
  const of = (name: string): ListedServer => servers[name] ?? {};
  let snapshot = makeSnapshot(data);

  function makeSnapshot(more: Partial<EndpointData>): Snapshot {
    const names = Object.keys(servers);
    return compileSnapshot(
      {
        version: ++version,
        organizationId: 'org_default',
        node: 'node_1',
        hosts: null,
        origins: [],
        bodyBytesMax: 1_000_000,
        currency: 'USD',
        policies: [membersRule],
        servers: names.map((name) =>
          plainServerData({ name, path: `/mcp/${name}`, origin, upstreamPath: `/${name}`, ...(of(name).passesHeaders === true && { transforms: [passing] }) }),
        ),
        endpoints: [{ ...endpointData, servers: names, ...more }],
      },
      {
        encodeServer: () => Buffer.alloc(0),
        compileAccess: (organizations, before) => organizationSteps(organizations, systemClock, before),
        compileRisks,
        openConsultant: noConsultant,
      },
    );
  }

  const inMemory: Servers = {
    begin(request, sink) {
      requests.push(request);
      const { name } = request.server.data;
      const server = of(name);
      const list = kinds[request.method as keyof typeof kinds];
      setImmediate(() => {
        if (server.away === 'stalled') return;
        if (server.away === 'unreachable') sink.failed(new Fault('upstream_unreachable', { server: name }));
        else if (list === undefined) sink.response({ kind: 'result', result: '{"resultType":"complete"}', bytes: 0 });
        else {
          server.lists = (server.lists ?? 0) + 1;
          const pages = server[list[0]] ?? [[]];
          const { cursor } = JSON.parse(request.params) as { cursor?: string };
          const index = cursor === undefined ? 0 : cursor === '' ? 1 : Number(cursor);
          const after = server.cursorAfter?.(index) ?? (index + 1 < pages.length ? String(index + 1) : null);
          const next = after === null ? '' : `,"nextCursor":${JSON.stringify(after)}`;
          const result = `{"resultType":"complete","${list[1]}":[${(pages[index] ?? []).join(',')}]${next},"ttlMs":${server.ttlMs ?? 60_000},"cacheScope":"${server.cacheScope ?? 'public'}"}`;
          sink.response({ kind: 'result', result, bytes: result.length });
        }
      });
      return { answer: () => undefined, cancel: () => undefined };
    },
    serves: () => null,
    doubtEras: () => undefined,
    findIfServes: async (server, era) => (of(server.data.name).era === 'legacy') === (era === 'legacy'),
    async facts(server) {
      const { away, era, ttlMs, cacheScope, instructions, capabilities, tools, prompts, resources, templates } = of(server.data.name);
      if (away === 'stalled') await new Promise(() => undefined);
      if (away === 'unreachable') throw new Fault('upstream_unreachable', { server: server.data.name });
      const listChanged = { listChanged: true };
      const own = {
        ...(tools && { tools: listChanged }),
        ...(prompts && { prompts: listChanged }),
        ...((resources ?? templates) && { resources: listChanged }),
      };
      return {
        era: era ?? 'modern',
        capabilities: JSON.stringify(capabilities ?? own),
        instructions: instructions ?? null,
        info: null,
        ttlMs: ttlMs ?? 60_000,
        cacheScope: cacheScope ?? 'public',
      };
    },
    watch(server, _face, interest, onEvent) {
      const entry = { server: server.data.name, interest, tell: onEvent };
      watches.push(entry);
      return () => {
        watches.splice(watches.indexOf(entry), 1);
      };
    },
    close: () => Promise.resolve(),
  };

  const aggregates = createAggregates({
    servers: inMemory,
    kept: portOf(kept),
    snapshot: () => snapshot,
    sealer,
    log: silentLog,
    clock: systemClock,
  });
  const endpoint = aggregates.at({ ...endpointData, ...data });
  const caller = (reach?: readonly string[]): EndpointCaller => ({
    face: { principalId: 'key_1', capabilities: '{}', info: null, logLevel: null },
    mayReach: (name) => reach === undefined || reach.includes(name),
    shows: () => true,
    accessKey: '',
    forwarded: () => [],
  });

  return {
    aggregates,
    endpoint,
    requests,
    watches,
    caller,
    request: (method, params = {}, { reach, ...more } = {}) =>
      endpoint.resolve({ ...caller(reach), method, params: JSON.stringify(params), mirrored: [], ...more }),
    change(next, more = data) {
      servers = next;
      snapshot = makeSnapshot(more);
      aggregates.snapshotChanged();
    },
    moveTo(next) {
      origin = next;
      snapshot = makeSnapshot(data);
      aggregates.snapshotChanged();
    },
    close: () => aggregates.close(),
  };
}

const passing: TransformData = { tool: null, request: [], mirrors: {}, headers: [{ from: 'X-Tenant', to: 'X-Tenant' }], response: [] };

function portOf(kept: KeptLists): KeptListsPort {
  // As over the channel: each side has a copy, in the order in which they were sent.
  return {
    note: async (read) => kept.note(structuredClone(read)),
    put: (read) => kept.put(structuredClone(read)),
    find: async (asked) => structuredClone(kept.find(structuredClone(asked))),
  };
}

const endpointData = plainEndpointData([]);

/**
 * snapshot: control state compiled to one immutable value. Imports `kernel/`; types from other rooms. Promises: what a
 * call saw at its start is what it sees to its end, for a change is a new value.
 */
import type { AccessOfAll } from '../authorise/organizations.ts';
import type { RiskData, RiskOf } from '../authorise/tool-risk.ts';
import { compileTransforms, type Transforms } from './compile-transforms.ts';
import type { Consultant } from '../consult/consultant.ts';
import type { OpaData } from './opa-data.ts';
import type { EndpointData } from './endpoint-data.ts';
import { atOnce } from '../kernel/slices.ts';
import type { BodiesData, CacheData, OrganizationRules, PriceData, ServerData, SnapshotData } from './snapshot.ts';

/** A compiled SnapshotData: look-ups instead of lists. */
export interface Snapshot {
  readonly data: SnapshotData;
  readonly byPath: ReadonlyMap<string, Server>;
  readonly byName: ReadonlyMap<string, Server>;
  readonly endpointsByPath: ReadonlyMap<string, PlacedEndpoint>;
  /** The record's columns for a call to what is no server, encoded once. */
  readonly nowhere: Uint8Array;
  readonly hosts: ReadonlySet<string> | null;
  readonly origins: ReadonlySet<string>;
  readonly access: AccessOfAll;
  readonly riskOf: RiskOf;
  /** Null: no engine is asked beside the rules. */
  readonly consultant: Consultant | null;
}

/** An address of many servers. */
export interface PlacedEndpoint {
  readonly data: EndpointData;
  /** The record's columns for calls that go to none of its servers, encoded once: the endpoint's name stands for a server's. */
  readonly block: Uint8Array;
}

export interface Server {
  readonly data: ServerData;
  /** To whom it is offered; null: to every organization. */
  readonly organizations: ReadonlySet<string> | null;
  /** The record's columns of this server, encoded once. */
  readonly block: Uint8Array;
  readonly price: Price;
  readonly toolPrices: ReadonlyMap<string, Price>;
  /** Nano-dollars: the most that the server may say itself that a call cost; null: it is not trusted to. */
  readonly reportedCostMax: number | null;
  /** Null where the server has none. */
  readonly transforms: Transforms | null;
  /** Null where no answer of the server is kept. */
  readonly cache: CacheRules | null;
  /** Whether the bodies of a call are kept; null: of none. */
  readonly bodies: ((method: string, name: string) => boolean) | null;
}

/** Which answers of a server are kept. */
export interface CacheRules extends Omit<CacheData, 'tools'> {
  /** Tool → milliseconds. */
  readonly tools: ReadonlyMap<string, number>;
}

/** Nano-dollars; each is at most 2^53 − 1. */
export interface Price {
  readonly perCall: number;
  readonly perTokenInput: number;
  readonly perTokenOutput: number;
  readonly perSecond: number;
  readonly by: 'none' | 'default' | 'server' | 'tool';
  /** Of the price list that it stands in. */
  readonly version: number;
}

export interface SnapshotCompilers {
  /** Gives the record's columns of a server; the worker hands in `record`'s. */
  readonly encodeServer: (node: string, server: string, currency: string) => Uint8Array;
  /** The worker hands in `authorise`'s. */
  readonly compileAccess: (organizations: readonly OrganizationRules[], before: AccessOfAll | null) => Generator<void, AccessOfAll>;
  readonly compileRisks: (risks: readonly RiskData[]) => RiskOf;
  /** The worker hands in `consult`'s. */
  readonly openConsultant: (data: OpaData) => Consultant;
}

export function compileSnapshot(data: SnapshotData, compilers: SnapshotCompilers): Snapshot {
  return atOnce(snapshotSteps(data, compilers, null));
}

/**
 * `before`: the one that it takes the place of. What is the same object in both, be it a list or an entry of one, is taken over as it is; all else is compiled, a
 * server or a rule a step.
 */
export function* snapshotSteps(data: SnapshotData, compilers: SnapshotCompilers, before: Snapshot | null): Generator<void, Snapshot> {
  const { encodeServer, compileAccess, compileRisks, openConsultant } = compilers;
  const { node, currency } = data;
  const version = data.priceVersion ?? 0;
  // What is encoded with each of them.
  const isAlike =
    before !== null &&
    before.data.organizationId === data.organizationId &&
    before.data.node === node &&
    before.data.currency === currency &&
    (before.data.priceVersion ?? 0) === version;
  const known = isAlike ? before : null;
  const servers = known !== null && known.data.servers === data.servers ? known : yield* serverSteps(data, version, encodeServer, known);
  const endpointsByPath = new Map<string, PlacedEndpoint>();
  for (const endpoint of data.endpoints ?? []) {
    const kept = known?.endpointsByPath.get(endpoint.path);
    endpointsByPath.set(endpoint.path, kept?.data === endpoint ? kept : { data: endpoint, block: encodeServer(node, endpoint.name, currency) });
  }
  return {
    data,
    byPath: servers.byPath,
    byName: servers.byName,
    endpointsByPath,
    nowhere: encodeServer(node, '', currency),
    hosts: data.hosts === null ? null : new Set(data.hosts),
    origins: new Set(data.origins),
    access: before !== null && hasSameRules(before.data, data) ? before.access : yield* compileAccess(rulesOf(data), before?.access ?? null),
    riskOf: before !== null && before.data.risks === data.risks ? before.riskOf : compileRisks(data.risks ?? []),
    consultant: before !== null && before.data.opa === data.opa ? before.consultant : data.opa === undefined ? null : openConsultant(data.opa),
  };
}

function hasSameRules(before: SnapshotData, { organizationId, policies, others }: SnapshotData): boolean {
  return before.policies === policies && before.others === others && before.organizationId === organizationId;
}

function rulesOf({ organizationId, policies, others = [] }: SnapshotData): readonly OrganizationRules[] {
  return [{ organizationId, policies }, ...others];
}

function* serverSteps(
  data: SnapshotData,
  version: number,
  encodeServer: SnapshotCompilers['encodeServer'],
  known: Snapshot | null,
): Generator<void, Pick<Snapshot, 'byPath' | 'byName'>> {
  const byPath = new Map<string, Server>();
  const byName = new Map<string, Server>();
  for (const one of data.servers) {
    const kept = known?.byName.get(one.name);
    const server = kept?.data === one ? kept : compileServer(one, data, version, encodeServer);
    byPath.set(one.path, server);
    byName.set(one.name, server);
    yield;
  }
  return { byPath, byName };
}

function compileServer(
  server: ServerData,
  { node, currency, organizationId }: SnapshotData,
  version: number,
  encodeServer: SnapshotCompilers['encodeServer'],
): Server {
  return {
    data: server,
    organizations: server.organizations?.includes('*') === true ? null : new Set(server.organizations ?? [organizationId]),
    block: encodeServer(node, server.name, currency),
    price: { ...price(server.price), by: server.price.by, version },
    reportedCostMax: server.reportedCostMaxNano === undefined ? null : nano(server.reportedCostMaxNano),
    transforms: compileTransforms(server.transforms),
    cache: server.cache === undefined ? null : { ...server.cache, tools: new Map(Object.entries(server.cache.tools)) },
    bodies: compileBodies(server.bodies),
    toolPrices: new Map(Object.entries(server.toolPrices).map(([tool, value]) => [tool, { ...price(value), by: 'tool' as const, version }])),
  };
}

function compileBodies(data: BodiesData | undefined): Server['bodies'] {
  if (data === undefined) return null;
  const tools = new Map(Object.entries(data.tools));
  return (method, name) => (method === 'tools/call' ? (tools.get(name) ?? data.all) : data.all);
}

function price(data: PriceData): Omit<Price, 'by' | 'version'> {
  return {
    perCall: nano(data.perCallNano),
    perTokenInput: nano(data.perTokenInputNano),
    perTokenOutput: nano(data.perTokenOutputNano),
    perSecond: nano(data.perSecondNano ?? '0'),
  };
}

function nano(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`a price of ${text} nano is out of range`);
  return value;
}

/**
 * snapshot: control state compiled to one immutable value. Imports `kernel/`; types from other rooms. Promises: what a
 * call saw at its start is what it sees to its end, for a change is a new value.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Access } from '../authorise/access.ts';
import type { RiskData, RiskOf } from '../authorise/tool-risk.ts';
import { compileTransforms, type Transforms } from './compile-transforms.ts';
import type { EndpointData } from './endpoint-data.ts';
import type { PolicyData } from '../kernel/policy.ts';
import type { BodiesData, CacheData, PriceData, ServerData, SnapshotData } from './snapshot.ts';

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
  readonly access: Access;
  readonly riskOf: RiskOf;
}

/** An address of many servers. */
export interface PlacedEndpoint {
  readonly data: EndpointData;
  /** The record's columns for calls that go to none of its servers, encoded once: the endpoint's name stands for a server's. */
  readonly block: Uint8Array;
}

export interface Server {
  readonly data: ServerData;
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
  readonly compileAccess: (policies: readonly PolicyData[]) => Access;
  readonly compileRisks: (risks: readonly RiskData[]) => RiskOf;
}

/** `before`: the one that it takes the place of, of which is kept what has not changed. */
export function compileSnapshot(
  data: SnapshotData,
  { encodeServer, compileAccess, compileRisks }: SnapshotCompilers,
  before: Snapshot | null = null,
): Snapshot {
  const version = data.priceVersion ?? 0;
  const servers = data.servers.map((server): Server => {
    return {
      data: server,
      block: encodeServer(data.node, server.name, data.currency),
      price: { ...price(server.price), by: server.price.by, version },
      reportedCostMax: server.reportedCostMaxNano === undefined ? null : nano(server.reportedCostMaxNano),
      transforms: compileTransforms(server.transforms),
      cache: server.cache === undefined ? null : { ...server.cache, tools: new Map(Object.entries(server.cache.tools)) },
      bodies: compileBodies(server.bodies),
      toolPrices: new Map(Object.entries(server.toolPrices).map(([tool, value]) => [tool, { ...price(value), by: 'tool' as const, version }])),
    };
  });
  return {
    data,
    byPath: new Map(servers.map((server) => [server.data.path, server])),
    byName: new Map(servers.map((server) => [server.data.name, server])),
    endpointsByPath: new Map(
      (data.endpoints ?? []).map((endpoint) => [endpoint.path, { data: endpoint, block: encodeServer(data.node, endpoint.name, data.currency) }]),
    ),
    nowhere: encodeServer(data.node, '', data.currency),
    hosts: data.hosts === null ? null : new Set(data.hosts),
    origins: new Set(data.origins),
    access: before !== null && isDeepStrictEqual(before.data.policies, data.policies) ? before.access : compileAccess(data.policies),
    riskOf: before !== null && isDeepStrictEqual(before.data.risks, data.risks) ? before.riskOf : compileRisks(data.risks ?? []),
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

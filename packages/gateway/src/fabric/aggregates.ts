import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Sealer } from '../kernel/seal.ts';
import type { EndpointData } from '../snapshot/endpoint-data.ts';
import type { CatalogueReport } from '../node/worker-report.ts';
import type { Snapshot } from '../snapshot/compile-snapshot.ts';
import { createAggregateEndpoint } from './aggregate-endpoint.ts';
import { createCallerClasses } from './caller-class.ts';
import { createCatalogue } from './catalogue.ts';
import type { Servers } from './dialogue.ts';
import type { Endpoint } from './endpoint.ts';
import type { KeptListsPort } from './last-good.ts';
import { createListedTools, type ListedTools } from './listed-tools.ts';

/** The endpoints of one worker behind which stand many servers. They share one catalogue. */
export interface Aggregates {
  /** The endpoint at a path that the snapshot has; the same object for as long as it has it. */
  at(data: EndpointData): Endpoint;
  /** What single servers say of their tools, of the same lists. */
  readonly tools: ListedTools;
  /** To be called after each change of the snapshot: streams tell of it, servers that are gone are forgotten. */
  snapshotChanged(): void;
  /** What is kept of the lists of servers. */
  reports(): readonly CatalogueReport[];
  close(): void;
}

export interface AggregatesOptions {
  readonly servers: Servers;
  readonly kept: KeptListsPort;
  readonly snapshot: () => Snapshot;
  readonly sealer: Sealer;
  readonly log: Log;
  readonly clock: Clock;
}

export function createAggregates({ servers, kept, snapshot, sealer, log, clock }: AggregatesOptions): Aggregates {
  const catalogue = createCatalogue({ servers, kept, log, clock });
  const callerClassOf = createCallerClasses();
  const listeners = new Set<() => void>();
  const endpoints = new Map<string, Endpoint>();
  const parts = {
    servers,
    catalogue,
    callerClassOf,
    sealer,
    snapshot,
    onSnapshot: (changed: () => void) => {
      listeners.add(changed);
      return () => {
        listeners.delete(changed);
      };
    },
  };

  return {
    tools: createListedTools(catalogue, callerClassOf),
    at(data) {
      const known = endpoints.get(data.path);
      if (known !== undefined) return known;
      // A stream may outlive its endpoint: behind one that is gone there is nothing.
      const gone: EndpointData = { ...data, servers: [] };
      const made = createAggregateEndpoint(data.name, () => snapshot().endpointsByPath.get(data.path)?.data ?? gone, parts);
      endpoints.set(data.path, made);
      return made;
    },
    snapshotChanged() {
      const now = snapshot();
      for (const path of endpoints.keys()) if (!now.endpointsByPath.has(path)) endpoints.delete(path);
      catalogue.keep([...now.byName.values()]);
      for (const listener of listeners) listener();
    },
    reports: () => catalogue.reports(),
    close() {
      listeners.clear();
      catalogue.close();
    },
  };
}

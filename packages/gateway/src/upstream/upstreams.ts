/**
 * upstream: the outgoing call. Imports `kernel/`; types from other rooms. Promises: what changes something is sent at most once, no
 * redirect is followed, no header leaves but those handed in, one target's trouble is no other's, and whatever goes wrong is one
 * named fault.
 */
import type { Clock } from '../kernel/clock.ts';
import type { ServerData } from '../snapshot/snapshot.ts';
import type { TargetOrder, TargetReport } from '../snapshot/upstream-data.ts';
import { createLookup } from './lookup.ts';
import { reachOf } from './reach.ts';
import type { ReplyControl, ReplySink } from './send.ts';
import { Target, targetKey } from './target.ts';
import { TargetExchange, type UpstreamCall } from './target-exchange.ts';
import { TargetGroup } from './target-group.ts';

/** The one way to a server: chooses the target, keeps to its limits, tries again where that is safe. One a worker. */
export interface Upstreams {
  /** Never throws: `sink.failed` says what is wrong. The returned control works before the reply begins as well. */
  send(server: ServerData, call: UpstreamCall, sink: ReplySink): ReplyControl;
  /** Lets go of targets that no server of the list has any longer, when their calls have ended. */
  keep(servers: readonly ServerData[]): void;
  /** What the administrator and the health checks say of targets, all of it; a target that is not named has nothing said of it. */
  obey(orders: readonly TargetOrder[]): void;
  /** Of each target that was used so far. */
  reports(): readonly TargetReport[];
  close(): Promise<void>;
}

const noOrder = { weight: null, draining: false, healthy: null } as const;

export function createUpstreams(clock: Clock, random: () => number = Math.random): Upstreams {
  const lookup = createLookup(clock);
  const targets = new Map<string, { readonly server: string; readonly target: Target }>();
  // The server object is the same for the life of a snapshot: one look-up without building a key.
  const groups = new WeakMap<ServerData, TargetGroup>();
  let orders: ReadonlyMap<string, TargetOrder> = new Map();

  function groupOf(server: ServerData): TargetGroup {
    const known = groups.get(server);
    if (known) return known;
    const reach = reachOf(server);
    const group = new TargetGroup(
      server.name,
      reach,
      reach.targets.map((data) => {
        const key = targetKey(server, reach, data);
        const target = targets.get(key)?.target ?? new Target(server, reach, data, clock, random, lookup);
        target.weight = data.weight;
        const order = orders.get(orderKey(server.name, data.name));
        if (order) target.obey(order);
        targets.set(key, { server: server.name, target });
        return target;
      }),
      random,
    );
    groups.set(server, group);
    return group;
  }

  return {
    send(server, call, sink) {
      const exchange = new TargetExchange(server, groupOf(server), call, sink, clock, random);
      exchange.start();
      return exchange;
    },
    keep(servers) {
      const used = new Set([...targets.values()].map(({ server }) => server));
      const needed = new Set(
        servers.flatMap((server) => {
          if (!used.has(server.name)) return [];
          const reach = reachOf(server);
          return reach.targets.map((data) => targetKey(server, reach, data));
        }),
      );
      for (const [key, { target }] of targets) {
        if (needed.has(key)) continue;
        targets.delete(key);
        target.retire();
      }
    },
    obey(given) {
      orders = new Map(given.map((order) => [orderKey(order.server, order.target), order]));
      for (const { server, target } of targets.values()) target.obey(orders.get(orderKey(server, target.data.name)) ?? noOrder);
    },
    reports: () => [...targets.values()].map(({ server, target }) => target.report(server)),
    async close() {
      await Promise.all([...targets.values()].map(({ target }) => target.pool.destroy()));
      targets.clear();
    },
  };
}

function orderKey(server: string, target: string): string {
  return `${server} ${target}`;
}

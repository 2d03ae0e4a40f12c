import type { ServerOrder } from '../snapshot/server-order.ts';
import type { ServerData } from '../snapshot/snapshot.ts';
import type { HealthFinding, TargetOrder } from '../snapshot/upstream-data.ts';
import type { HealthChecks } from './health-checks.ts';
import { reachOf } from './reach.ts';

/** What is said of targets beside the configuration, for all workers of a node. One a node. */
export interface TargetOrders {
  /** The servers there are now. */
  serve(servers: readonly ServerData[]): void;
  /** All that administrators have asked of servers. What concerns a target that is not there says nothing. */
  ask(orders: readonly ServerOrder[]): void;
  /** Of each target of which anything is said. */
  all(): readonly TargetOrder[];
  finding(server: string, target: string): HealthFinding | null;
}

export function createTargetOrders(health: HealthChecks): TargetOrders {
  let asked: ReadonlyMap<string, ServerOrder> = new Map();
  let targets: readonly { readonly server: string; readonly target: string; readonly configured: number }[] = [];

  return {
    serve(servers) {
      targets = servers.flatMap((server) => reachOf(server).targets.map(({ name, weight }) => ({ server: server.name, target: name, configured: weight })));
      health.watch(servers);
    },
    ask(orders) {
      asked = new Map(orders.map((order) => [order.server, order]));
    },
    all: () =>
      targets.flatMap(({ server, target, configured }): TargetOrder[] => {
        const order = asked.get(server)?.targets[target];
        // The configuration has said something else since.
        const weight = order?.weight?.configured === configured ? order.weight.asked : null;
        const draining = order?.draining ?? false;
        const healthy = health.finding(server, target)?.healthy ?? null;
        return weight === null && !draining && healthy === null ? [] : [{ server, target, weight, draining, healthy }];
      }),
    finding: (server, target) => health.finding(server, target),
  };
}

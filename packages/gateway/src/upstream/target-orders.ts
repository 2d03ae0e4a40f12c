import type { ServerData } from '../snapshot/snapshot.ts';
import type { HealthFinding, TargetOrder } from '../snapshot/upstream-data.ts';
import type { HealthChecks } from './health-checks.ts';
import { reachOf } from './reach.ts';

/** What an administrator asks of a target while the node runs; the configuration holds again after a restart. */
export interface TargetChange {
  /** Null: the configured one again. */
  readonly weight?: number | null;
  readonly draining?: boolean;
}

/** What is said of targets beside the configuration, for all workers of a node. One a node. */
export interface TargetOrders {
  /** The servers there are now. What was asked of a target that is gone is forgotten. */
  serve(servers: readonly ServerData[]): void;
  /** Of each target of which anything is said. */
  all(): readonly TargetOrder[];
  change(server: string, target: string, change: TargetChange): void;
  finding(server: string, target: string): HealthFinding | null;
}

export function createTargetOrders(health: HealthChecks): TargetOrders {
  const asked = new Map<string, { readonly weight: number | null; readonly draining: boolean }>();
  let targets: readonly { readonly server: string; readonly target: string }[] = [];
  const keyOf = (server: string, target: string): string => `${server} ${target}`;

  return {
    serve(servers) {
      targets = servers.flatMap((server) => reachOf(server).targets.map(({ name }) => ({ server: server.name, target: name })));
      const known = new Set(targets.map(({ server, target }) => keyOf(server, target)));
      for (const key of asked.keys()) if (!known.has(key)) asked.delete(key);
      health.watch(servers);
    },
    all: () =>
      targets.flatMap(({ server, target }): TargetOrder[] => {
        const order = asked.get(keyOf(server, target));
        const healthy = health.finding(server, target)?.healthy ?? null;
        return order === undefined && healthy === null ? [] : [{ server, target, weight: order?.weight ?? null, draining: order?.draining ?? false, healthy }];
      }),
    change(server, target, change) {
      const before = asked.get(keyOf(server, target)) ?? { weight: null, draining: false };
      const after = { weight: change.weight === undefined ? before.weight : change.weight, draining: change.draining ?? before.draining };
      if (after.weight === null && !after.draining) asked.delete(keyOf(server, target));
      else asked.set(keyOf(server, target), after);
    },
    finding: (server, target) => health.finding(server, target),
  };
}

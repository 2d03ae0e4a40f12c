/**
 * What administrators ask of servers beside the configuration, from the registry to every worker of this node, and what the control plane
 * sees and asks of targets.
 */
import type { Config } from './config/config.ts';
import type { UpstreamDesk } from './control/servers/upstream-desk.ts';
import { defaultOrganizationId } from './kernel/id.ts';
import type { Log } from './kernel/log.ts';
import type { Closers } from './node/closers.ts';
import { openServerOrders } from './node/server-orders.ts';
import type { WorkerPool } from './node/worker-pool.ts';
import { routingOf, type ServerOrder } from './snapshot/server-order.ts';
import type { RegistryStore } from './store/registry/registry-store.ts';
import type { TargetOrders } from './upstream/target-orders.ts';

export interface OrderParts {
  readonly registry: Pick<RegistryStore, 'serverOrders'>;
  readonly orders: TargetOrders;
  readonly pool: Pick<WorkerPool, 'targetOrders' | 'serverReports'>;
  readonly config: () => Config;
  /** Resolves when every worker goes by another snapshot. */
  readonly serveAnew: () => Promise<void>;
  readonly log: Log;
  readonly closers: Closers;
}

export interface AssembledOrders {
  all(): readonly ServerOrder[];
  readonly desk: UpstreamDesk;
}

/** How soon a node goes by what was asked of another. */
const lookMs = 1_000;

/** Faults: those of the registry. */
export async function assembleOrders({ registry, orders, pool, config, serveAnew, log, closers }: OrderParts): Promise<AssembledOrders> {
  const kept = await openServerOrders({
    read: () => registry.serverOrders.list(defaultOrganizationId),
    async apply(isRouting) {
      orders.ask(kept.all());
      if (isRouting) await serveAnew();
      await pool.targetOrders(orders.all());
    },
    log,
    everyMs: lookMs,
  });
  closers.add('server orders', async () => kept.close());
  orders.ask(kept.all());
  return {
    all: () => kept.all(),
    desk: {
      reports: () => pool.serverReports(),
      orders: () => orders.all(),
      finding: (server, target) => orders.finding(server, target),
      asked: (server) => kept.all().find((order) => order.server === server) ?? null,
      routing: (name, order) =>
        routingOf(config().servers.find((server) => server.name === name)?.upstream ?? { active: null, canary: null, targets: [] }, order),
      refresh: () => kept.refresh(),
    },
  };
}

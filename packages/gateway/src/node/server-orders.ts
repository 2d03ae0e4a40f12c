import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../kernel/log.ts';
import type { ServerOrder } from '../snapshot/server-order.ts';

/** What is asked of servers beside the configuration: kept in the registry, for all nodes that have the same. One a node. */
export interface ServerOrders {
  all(): readonly ServerOrder[];
  /** Reads them anew; resolves when this node goes by them. Faults: those of the registry. */
  refresh(): Promise<void>;
  close(): void;
}

export interface ServerOrdersOptions {
  readonly read: () => Promise<readonly ServerOrder[]>;
  /** Resolves when new calls go by them; `isRouting`: not only weights and drains have changed. */
  readonly apply: (isRouting: boolean) => Promise<void>;
  readonly log: Log;
  readonly everyMs: number;
}

/** The first reading is done when this resolves. What cannot be read later changes nothing. Faults: those of the registry. */
export async function openServerOrders({ read, apply, log, everyMs }: ServerOrdersOptions): Promise<ServerOrders> {
  let orders = await read();
  /** One after the other: an older reading must not take the place of a newer one. */
  let reading: Promise<void> = Promise.resolve();

  async function readAndApply(): Promise<void> {
    const next = await read();
    if (isDeepStrictEqual(next, orders)) return;
    const isRouting = !isDeepStrictEqual(routings(next), routings(orders));
    orders = next;
    await apply(isRouting);
    log.info('servers.ordered', { servers: next.map(({ server }) => server) });
  }

  const refresh = (): Promise<void> => (reading = reading.catch(() => undefined).then(readAndApply));
  const timer = setInterval(() => void refresh().catch(() => undefined), everyMs);
  timer.unref();
  return { all: () => orders, refresh, close: () => clearInterval(timer) };
}

function routings(orders: readonly ServerOrder[]): unknown {
  return orders.flatMap(({ server, routing }) => (routing === null ? [] : [{ server, routing }]));
}

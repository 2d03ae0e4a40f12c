import { isDeepStrictEqual } from 'node:util';
import type { ServerData, SnapshotData } from './snapshot.ts';
import type { CanaryData, UpstreamData } from './upstream-data.ts';

/** Which targets of a server take the calls. */
export interface Routing {
  /** The one that takes them, the others stand by; null: all take them. */
  readonly active: string | null;
  readonly canary: CanaryData | null;
}

/**
 * What an administrator has asked of a server beside the configuration, on every node that has the same registry. Each part holds until it is
 * taken back, or until the configuration says something else of the same than it did when that was asked.
 */
export interface ServerOrder {
  readonly server: string;
  readonly routing: (Routing & { readonly configured: Routing }) | null;
  /** By name of the target. */
  readonly targets: Readonly<Record<string, TargetAsked>>;
  /** Milliseconds since the epoch. */
  readonly changedAtMs: number;
  /** Id of the actor. */
  readonly changedBy: string;
}

export interface TargetAsked {
  readonly weight: { readonly asked: number; readonly configured: number } | null;
  readonly draining: boolean;
}

type Routed = Pick<UpstreamData, 'active' | 'canary'> & { readonly targets: readonly { readonly name: string }[] };

/** By the order where it holds, else as configured. */
export function routingOf({ active, canary, targets }: Routed, order: ServerOrder | null): Routing {
  const configured = { active, canary };
  const asked = order?.routing ?? null;
  if (asked === null || !isDeepStrictEqual(asked.configured, configured)) return configured;
  const isKnown = (name: string | undefined): boolean => name === undefined || targets.some((target) => target.name === name);
  return isKnown(asked.active ?? undefined) && isKnown(asked.canary?.target) ? { active: asked.active, canary: asked.canary } : configured;
}

/** The servers as they are to be reached by what was asked. Those of which nothing was stay the same objects. */
export function withOrders(data: SnapshotData, orders: readonly ServerOrder[]): SnapshotData {
  if (orders.length === 0) return data;
  const byServer = new Map(orders.map((order) => [order.server, order]));
  const servers = data.servers.map((server): ServerData => {
    const order = byServer.get(server.name);
    if (order === undefined || server.upstream === undefined) return server;
    return { ...server, upstream: { ...server.upstream, ...routingOf(server.upstream, order) } };
  });
  return { ...data, servers };
}

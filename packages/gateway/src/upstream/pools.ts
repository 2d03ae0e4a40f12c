/**
 * upstream: the outgoing call. Imports `kernel/`; types from other rooms. Promises: a message is sent at most once, no
 * redirect is followed, no header leaves but those handed in, and whatever goes wrong is one named fault.
 */
import { Pool } from 'undici';
import { bounds } from '../kernel/bounds.ts';
import type { ServerData } from '../snapshot/snapshot.ts';

export interface Pools {
  /** The pool of a server's target; servers of one origin share it. */
  poolOf(server: ServerData): Pool;
  /** Closes pools that no server of the list needs any longer, when their calls have ended. */
  keep(servers: readonly ServerData[]): void;
  close(): Promise<void>;
}

export function createPools(): Pools {
  const pools = new Map<string, Pool>();
  // The server object is the same for the life of a snapshot: one look-up without building a key.
  const byServer = new WeakMap<ServerData, Pool>();

  return {
    poolOf(server) {
      const known = byServer.get(server);
      if (known) return known;
      const key = keyOf(server);
      let pool = pools.get(key);
      if (!pool) {
        pool = openPool(server);
        pools.set(key, pool);
      }
      byServer.set(server, pool);
      return pool;
    },
    keep(servers) {
      const needed = new Set(servers.map(keyOf));
      for (const [key, pool] of pools) {
        if (needed.has(key)) continue;
        pools.delete(key);
        void pool.close();
      }
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

function openPool(server: ServerData): Pool {
  return new Pool(server.origin, {
    connections: server.connectionsMax,
    pipelining: 1,
    connect: { timeout: bounds.upstreamConnectTimeoutMs },
    ...(server.socketPath === null ? {} : { socketPath: server.socketPath }),
    keepAliveTimeout: bounds.upstreamKeepAliveMs,
    keepAliveMaxTimeout: bounds.upstreamKeepAliveMs,
    maxHeaderSize: bounds.upstreamHeaderBytesMax,
  });
}

function keyOf(server: ServerData): string {
  return `${server.socketPath ?? ''} ${server.origin} ${server.connectionsMax}`;
}

import { bounds } from '../kernel/bounds.ts';
import type { ServerData } from '../snapshot/snapshot.ts';
import type { UpstreamData } from '../snapshot/upstream-data.ts';

/** How a server is reached: as configured, or its one target by the defaults. */
export function reachOf(server: ServerData): UpstreamData {
  return (
    server.upstream ?? {
      ...defaults,
      // A bridge says itself, at once, what cannot be served; after a restart its program is back before a breaker would look.
      breaker: server.socketPath === null ? defaults.breaker : null,
      targets: [{ name: 'main', origin: server.origin, path: server.upstreamPath, socketPath: server.socketPath, weight: 1, tls: null }],
    }
  );
}

const defaults: Omit<UpstreamData, 'targets'> = {
  balance: 'round-robin',
  active: null,
  canary: null,
  connectTimeoutMs: bounds.upstreamConnectTimeoutMs,
  firstByteTimeoutMs: null,
  idleTimeoutMs: null,
  totalTimeoutMs: null,
  keepAliveMs: bounds.upstreamKeepAliveMs,
  queueMax: bounds.upstreamQueueMax,
  retry: { triesMax: bounds.upstreamTriesMax, budgetPercent: bounds.upstreamRetryBudgetPercent },
  breaker: {
    failurePercent: bounds.breakerFailurePercent,
    callsMin: bounds.breakerCallsMin,
    windowMs: bounds.breakerWindowMs,
    openMs: bounds.breakerOpenMs,
    probesMax: bounds.breakerProbesMax,
  },
  health: null,
};

/** How a server is reached: its targets, how calls are shared among them, and how long and how often each is tried. Plain data. */
export interface UpstreamData {
  /** In the order of the configuration; names are unique. */
  readonly targets: readonly [TargetData, ...TargetData[]];
  readonly balance: 'round-robin' | 'weighted' | 'least-loaded' | 'sticky';
  /** Blue-green: the one target that takes the calls; the others stand by. Null: all take them. */
  readonly active: string | null;
  readonly canary: CanaryData | null;
  readonly connectTimeoutMs: number;
  /** Until the reply begins; null: the server's (or its route's) `timeoutMs`. */
  readonly firstByteTimeoutMs: number | null;
  /** Between two parts of a reply; null: as above. */
  readonly idleTimeoutMs: number | null;
  /** Of a call in all, tries included; null: no other limit than the two above. Streams that stay open have none. */
  readonly totalTimeoutMs: number | null;
  /** How long an idle connection is kept. */
  readonly keepAliveMs: number;
  /** Calls of one worker that may wait for a connection of one target. */
  readonly queueMax: number;
  readonly retry: RetryData;
  /** Networks that it may be in although nothing is sent there by default (`kernel/outward-address.ts`). Absent: none. */
  readonly allowedNetworks?: readonly string[];
  /** Null: no breaker. */
  readonly breaker: BreakerData | null;
  /** Null: no active checks. */
  readonly health: HealthCheckData | null;
}

export interface TargetData {
  readonly name: string;
  /** `http://host:port`, with `socketPath` set where it is a bridge on a Unix socket. */
  readonly origin: string;
  readonly path: string;
  readonly socketPath: string | null;
  readonly weight: number;
  readonly tls: TlsData | null;
}

/** PEM text. `key` is a secret: never logged. */
export interface TlsData {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly serverName: string | null;
}

/** Which calls go to the canary: those that carry the header, those of the principals, and a share of all others. */
export interface CanaryData {
  readonly target: string;
  readonly sharePercent: number;
  readonly header: { readonly name: string; readonly value: string } | null;
  readonly principals: readonly string[];
}

export interface RetryData {
  /** Tries of one call in all; 1: none is made again. */
  readonly triesMax: number;
  /** Further tries as a share of all calls of a server. */
  readonly budgetPercent: number;
}

export interface BreakerData {
  /** Opens when at least so many of a hundred calls failed… */
  readonly failurePercent: number;
  /** …of at least so many calls… */
  readonly callsMin: number;
  /** …of the last so many milliseconds. */
  readonly windowMs: number;
  /** How long it refuses all calls before it lets some through to see. */
  readonly openMs: number;
  /** Calls that may be under way while it sees. */
  readonly probesMax: number;
}

export interface HealthCheckData {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** What is asked: an MCP method that opens no session, or the path of an HTTP GET. */
  readonly ask: { readonly method: 'ping' | 'server/discover' } | { readonly path: string };
  /** So many checks in a row must fail before the target counts as down, or succeed before it counts as well again. */
  readonly failuresMin: number;
  readonly successesMin: number;
}

/** What active checks found of a target. */
export interface HealthFinding {
  readonly healthy: boolean;
  /** Why not, fit for an administrator's eyes. */
  readonly reason: string | null;
  /** Milliseconds since the epoch. */
  readonly checkedAtMs: number;
}

/** What this node's administrator or its health checks say of one target, beside the configuration. */
export interface TargetOrder {
  readonly server: string;
  readonly target: string;
  /** Null: the configured one. */
  readonly weight: number | null;
  readonly draining: boolean;
  /** What active checks found; null: not checked. */
  readonly healthy: boolean | null;
}

/** One target as one worker sees it. Counts are since the worker began to use it. */
export interface TargetReport {
  readonly server: string;
  readonly target: string;
  readonly breaker: 'closed' | 'open' | 'half_open';
  readonly calls: number;
  readonly failures: number;
  readonly retries: number;
  readonly inFlight: number;
  /** The code of the fault, or the HTTP status, of its last failure; empty: none yet. */
  readonly lastFailure: string;
  /** Wall clock, ms since the epoch; 0: none yet. */
  readonly lastFailureAtMs: number;
}

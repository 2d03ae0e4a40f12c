import { buildConnector, Pool } from 'undici';
import type { LookupFunction } from 'node:net';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { guardLookup, networksOf, refusedAddressError, refusedHost } from '../kernel/outward-address.ts';
import type { ServerData } from '../snapshot/snapshot.ts';
import type { TargetData, TargetOrder, TargetReport, UpstreamData } from '../snapshot/upstream-data.ts';
import { Breaker } from './breaker.ts';
import type { Exchange } from './send.ts';

/** One target of one server as this worker knows it: its connections, its breaker, what is under way. */
export class Target {
  readonly data: TargetData;
  readonly pool: Pool;
  readonly breaker: Breaker | null;
  weight: number;
  /** Takes no new calls; those under way end, its sessions and open streams do at once. */
  draining = false;
  /** False: active checks find it down. */
  healthy = true;
  inFlight = 0;
  calls = 0;
  failures = 0;
  retries = 0;
  /** Streams that stay open as long as their client likes. */
  readonly streams = new Set<Exchange>();
  /** The running sum of the smooth weighted round-robin. */
  turn = 0;
  /** Of the name: where it stands on the ring of the sticky choice. */
  readonly seed: number;
  private lastFailure = '';
  private lastFailureAtMs = 0;
  private readonly clock: Clock;

  constructor(server: ServerData, reach: UpstreamData, data: TargetData, clock: Clock, random: () => number, lookup: LookupFunction) {
    this.data = data;
    this.weight = data.weight;
    this.clock = clock;
    this.breaker = reach.breaker === null ? null : new Breaker(reach.breaker, clock, random);
    this.pool = openPool(server, reach, data, lookup);
    this.seed = hashText(data.name);
  }

  /** Whether a new call may go here, leaving aside what active checks say. */
  get open(): boolean {
    return !this.draining && this.weight > 0 && (this.breaker === null || this.breaker.allows());
  }

  obey(order: Pick<TargetOrder, 'weight' | 'draining' | 'healthy'>): void {
    this.weight = order.weight ?? this.data.weight;
    this.healthy = order.healthy !== false;
    this.draining = order.draining;
    if (this.draining) this.endStreams();
  }

  /** It is no longer configured: what is under way ends, then its connections close. */
  retire(): void {
    this.draining = true;
    this.endStreams();
    void this.pool.close().catch(() => undefined);
  }

  noteFailure(what: string): void {
    this.failures++;
    this.lastFailure = what;
    this.lastFailureAtMs = this.clock.nowMs();
  }

  report(server: string): TargetReport {
    const { breaker, calls, failures, retries, inFlight, lastFailure, lastFailureAtMs } = this;
    return {
      server,
      target: this.data.name,
      breaker: breaker?.state ?? 'closed',
      calls,
      failures,
      retries,
      inFlight,
      lastFailure,
      lastFailureAtMs,
    };
  }

  private endStreams(): void {
    for (const stream of this.streams) stream.abort();
  }
}

/** What makes another target of it, with connections and a breaker of its own: all but its weight. */
export function targetKey(server: ServerData, reach: UpstreamData, { weight: _weight, ...data }: TargetData): string {
  return JSON.stringify([server.name, server.connectionsMax, reach.connectTimeoutMs, reach.keepAliveMs, reach.allowedNetworks, reach.breaker, data]);
}

export function openPool(
  { connectionsMax }: Pick<ServerData, 'connectionsMax'>,
  { connectTimeoutMs, keepAliveMs, allowedNetworks = [] }: Pick<UpstreamData, 'connectTimeoutMs' | 'keepAliveMs' | 'allowedNetworks'>,
  { origin, socketPath, tls }: TargetData,
  lookup: LookupFunction,
): Pool {
  const allowed = networksOf(allowedNetworks);
  const connect = buildConnector({
    allowH2: false,
    timeout: connectTimeoutMs,
    lookup: guardLookup(lookup, allowed),
    minVersion: 'TLSv1.2',
    ...(tls === null ? {} : { ...(tls.ca === null ? {} : { ca: tls.ca }), ...(tls.cert === null ? {} : { cert: tls.cert }) }),
    ...(tls === null || tls.key === null ? {} : { key: tls.key }),
    ...(tls === null || tls.serverName === null ? {} : { servername: tls.serverName }),
    ...(socketPath === null ? {} : { socketPath }),
  });
  return new Pool(origin, {
    connections: connectionsMax,
    pipelining: 1,
    allowH2: false,
    connect(to, done) {
      const refusal = socketPath === null ? refusedHost(to.hostname, allowed) : null;
      if (refusal === null) connect(to, done);
      else process.nextTick(done, refusedAddressError(refusal), null);
    },
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    maxHeaderSize: bounds.upstreamHeaderBytesMax,
  });
}

/** FNV-1a, 32 bits (https://datatracker.ietf.org/doc/html/draft-eastlake-fnv): spreads, and protects nothing. */
export function hashText(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  // The last characters must reach all bits as well.
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

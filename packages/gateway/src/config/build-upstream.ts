import { isAbsolute, resolve } from 'node:path';
import { bounds } from '../kernel/bounds.ts';
import type { SecretReference, UpstreamConfig } from './config.ts';
import { parseDuration } from './quantities.ts';
import type { HttpServerEntry, ServerEntry } from './schema.ts';

/** How a server is reached, where its entry says more than an address; undefined where it does not: then the defaults hold. */
export function buildUpstream(entry: ServerEntry, folder: string, reference: (secret: SecretReference) => SecretReference): UpstreamConfig | undefined {
  const http: Partial<HttpServerEntry> = entry.transport === 'stdio' ? {} : isHttp(entry) ? entry : { tls: entry.tls, allow_addresses: entry.allow_addresses };
  const { allow_addresses: allowed = [] } = http;
  const said = [
    entry.timeouts,
    entry.connections,
    entry.retries,
    entry.breaker,
    http.targets,
    http.active,
    http.canary,
    http.tls,
    http.health_check,
    http.allow_addresses,
  ];
  if (said.every((part) => part === undefined)) return undefined;
  const { timeouts, connections, retries, canary, tls } = { ...entry, ...http };
  return {
    targets: http.targets ?? (http.url === undefined ? [] : [{ name: 'main', url: http.url, weight: 1 }]),
    balance: http.balance ?? 'round-robin',
    active: http.active ?? null,
    canary:
      canary === undefined
        ? null
        : {
            target: canary.target,
            sharePercent: canary.share,
            header: canary.header === undefined ? null : { name: canary.header.name.toLowerCase(), value: canary.header.value },
            principals: canary.principals,
          },
    connectTimeoutMs: timeouts === undefined ? bounds.upstreamConnectTimeoutMs : ms(timeouts.connect),
    firstByteTimeoutMs: orNull(timeouts?.first_byte),
    idleTimeoutMs: orNull(timeouts?.idle),
    totalTimeoutMs: orNull(timeouts?.total),
    keepAliveMs: connections === undefined ? bounds.upstreamKeepAliveMs : ms(connections.idle),
    queueMax: connections?.waiting_max ?? bounds.upstreamQueueMax,
    retry: { triesMax: retries?.tries_max ?? bounds.upstreamTriesMax, budgetPercent: retries?.budget ?? bounds.upstreamRetryBudgetPercent },
    ...(allowed.length === 0 ? {} : { allowedNetworks: allowed }),
    // A bridge says itself, at once, what cannot be served; after a restart its program is back before a breaker would look.
    breaker: entry.breaker === undefined && !isHttp(entry) ? null : buildBreaker(entry.breaker),
    health: buildHealth(http.health_check),
    tls:
      tls === undefined
        ? null
        : {
            caFile: fileIn(folder, tls.ca),
            certFile: fileIn(folder, tls.cert),
            key: tls.key === undefined ? null : reference(tls.key),
            serverName: tls.server_name ?? null,
          },
  };
}

function isHttp(entry: ServerEntry): entry is HttpServerEntry {
  return entry.transport === undefined || entry.transport === 'http';
}

/** The same limits and rules for a server that is moved to one address; null: a bridge reaches it. Certificates are for where they were meant for. */
export function upstreamAt(upstream: UpstreamConfig, url: string | null, sameOrigin: boolean): UpstreamConfig {
  const targets = url === null ? [] : [{ name: 'main', url, weight: 1 }];
  return { ...upstream, targets, balance: 'round-robin', active: null, canary: null, tls: sameOrigin ? upstream.tls : null };
}

function buildBreaker(entry: ServerEntry['breaker']): UpstreamConfig['breaker'] {
  if (entry === 'off') return null;
  return {
    failurePercent: entry?.failures ?? bounds.breakerFailurePercent,
    callsMin: entry?.calls_min ?? bounds.breakerCallsMin,
    windowMs: entry === undefined ? bounds.breakerWindowMs : ms(entry.window),
    openMs: entry === undefined ? bounds.breakerOpenMs : ms(entry.open),
    probesMax: entry?.probes_max ?? bounds.breakerProbesMax,
  };
}

function buildHealth(entry: HttpServerEntry['health_check']): UpstreamConfig['health'] {
  if (entry === undefined) return null;
  const { ask } = entry;
  return {
    ask: ask === 'ping' || ask === 'server/discover' ? { method: ask } : { path: ask },
    intervalMs: ms(entry.interval),
    timeoutMs: ms(entry.timeout),
    failuresMin: entry.failures_min,
    successesMin: entry.successes_min,
  };
}

function fileIn(folder: string, path: string | undefined): string | null {
  return path === undefined ? null : isAbsolute(path) ? path : resolve(folder, path);
}

function orNull(duration: string | undefined): number | null {
  return duration === undefined ? null : ms(duration);
}

/** The schema has checked the text; should the two ever disagree, nothing may go on with a guess. */
function ms(duration: string): number {
  const value = parseDuration(duration);
  if (value === null) throw new RangeError(`${duration} passed the schema but is no duration`);
  return value;
}

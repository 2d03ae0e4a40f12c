import type { Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { BridgeLimits } from './bridge-options.ts';
import type { Child } from './child-process.ts';
import type { Launcher } from './launcher.ts';
import { clientCapabilitiesKey, clientInfoKey, objectOf, protocolVersionKey, type RpcMessage } from './message.ts';

/** What a server is, found out on processes that are thrown away. Null: it does not speak that era. */
export interface ServerFacts {
  readonly legacy: { readonly protocolVersion: string; readonly serverInfo: unknown } | null;
  readonly modern: { readonly supportedVersions: readonly string[]; readonly serverInfo: unknown } | null;
}

/**
 * Asks the server which eras it speaks, at the start and again after a quarantine. `initialize` is asked first: it
 * also shows how long a start takes. Then `server/discover` on a second process (some servers exit on a request
 * before `initialize`): a DiscoverResult or a modern error means modern, anything else, silence too, means legacy
 * (2026-07-28, versioning).
 */
export interface ServerProbe {
  /** Waits for the first answer about that era. Faults: `upstream_unavailable` after a failed try, until one succeeds. */
  legacy(): Promise<ServerFacts['legacy']>;
  modern(): Promise<ServerFacts['modern']>;
  /** Both answers, or null while they are not there. */
  readonly facts: ServerFacts | null;
  /** Forgets the answers and asks again as soon as a start is allowed. */
  ask(): void;
  stop(): void;
}

type Answer =
  | { readonly kind: 'result'; readonly value: Readonly<Record<string, unknown>> }
  | { readonly kind: 'error'; readonly code: unknown; readonly data: unknown }
  | { readonly kind: 'none'; readonly reason: string }
  /** Nothing was asked: a start is not allowed now, or failed, which the launcher has counted. */
  | { readonly kind: 'refused' };

export const legacyProbeVersion = '2025-11-25';
export const modernProbeVersion = '2026-07-28';
/** `version` is that of the bridge's contract, docs/reference/bridge.md. */
export const bridgeInfo = { name: 'gatewayops-bridge', version: '1' };

const initializeLine = JSON.stringify({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: legacyProbeVersion, capabilities: {}, clientInfo: bridgeInfo },
});
const discoverLine = JSON.stringify({
  jsonrpc: '2.0',
  id: 0,
  method: 'server/discover',
  params: { _meta: { [protocolVersionKey]: modernProbeVersion, [clientInfoKey]: bridgeInfo, [clientCapabilitiesKey]: {} } },
});
const unsupportedVersionCode = -32022;
/** HeaderMismatch, MissingRequiredClientCapability, UnsupportedProtocolVersion: only a modern server sends these. */
const modernErrors = new Set<unknown>([-32020, -32021, unsupportedVersionCode]);

/** `onKnown` is called whenever both answers are there. */
export function serverProbe(dependencies: { launcher: Launcher; limits: BridgeLimits; log: Log; onKnown: () => void }): ServerProbe {
  const { launcher, limits, log, onKnown } = dependencies;
  let facts: ServerFacts | null = null;
  let legacy = Promise.withResolvers<ServerFacts['legacy']>();
  let modern = Promise.withResolvers<ServerFacts['modern']>();
  let running = false;
  let stopped = false;
  let timer: NodeJS.Timeout | null = null;
  renew();

  function renew(): void {
    legacy = Promise.withResolvers();
    modern = Promise.withResolvers();
    // Nobody may be waiting when a try fails.
    legacy.promise.catch(() => undefined);
    modern.promise.catch(() => undefined);
  }

  async function run(): Promise<void> {
    if (running || stopped) return;
    running = true;
    try {
      while (!stopped && facts === null) {
        // A timer may fire a moment too early, and another process may have failed meanwhile.
        for (let waitMs = launcher.waitMs(); waitMs > 0 && !stopped; waitMs = launcher.waitMs()) await pause(waitMs);
        if (!stopped) await attempt();
      }
    } finally {
      running = false;
    }
  }

  async function attempt(): Promise<void> {
    const startedAt = performance.now();
    const first = await question(initializeLine, limits.startTimeoutMs);
    const startMs = performance.now() - startedAt;
    const spoken = first.kind === 'result' ? legacyFacts(first.value) : null;
    if (spoken !== null) {
      launcher.answered();
      if (facts === null) legacy = settledOr(legacy, spoken);
    }
    const second =
      first.kind === 'refused' ? first : await question(discoverLine, Math.max(limits.probeTimeoutMs, 2 * Math.min(startMs, limits.startTimeoutMs)));
    const modernSpoken = modernFacts(second);
    if (stopped) return;
    if ((spoken === null && modernSpoken === null) || second.kind === 'refused') return giveUp(first, second);
    launcher.answered();
    legacy = settledOr(legacy, spoken);
    modern = settledOr(modern, modernSpoken);
    facts = { legacy: spoken, modern: modernSpoken };
    log.info('bridge.server_known', { legacy: spoken?.protocolVersion ?? null, modern: modernSpoken?.supportedVersions ?? null });
    onKnown();
  }

  /** A try that came to nothing is one failure. What was not asked is none, and where the launcher waits already, it has counted one. */
  function giveUp(first: Answer, second: Answer): void {
    if (first.kind !== 'refused' && second.kind !== 'refused' && launcher.waitMs() === 0)
      launcher.failed(first.kind === 'none' ? first.reason : 'it answers initialize with an error and does not know server/discover');
    const fault: Fault = launcher.unavailable();
    legacy.reject(fault);
    modern.reject(fault);
  }

  async function question(line: string, timeoutMs: number): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    let child: Child;
    try {
      child = await launcher.start('probe', {
        onMessage(message: RpcMessage) {
          if (message.kind !== 'response' || message.idKey !== 'n0') return;
          const result = objectOf(message.value['result']);
          const error = objectOf(message.value['error']);
          resolve(result !== null ? { kind: 'result', value: result } : { kind: 'error', code: error?.['code'], data: error?.['data'] });
        },
        onEnd: (end) => resolve({ kind: 'none', reason: end.reason }),
      });
    } catch {
      return { kind: 'refused' };
    }
    const timeout = setTimeout(
      () =>
        resolve({
          kind: 'none',
          reason: `it did not answer ${line === initializeLine ? 'initialize' : 'server/discover'} within ${Math.round(timeoutMs / 1000)} s`,
        }),
      timeoutMs,
    );
    if (!child.send(line)) resolve({ kind: 'none', reason: 'it closed its input' });
    const answer = await promise;
    clearTimeout(timeout);
    void child.stop('asked what it is');
    return answer;
  }

  function pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    timer = setTimeout(resolve, ms);
    return promise;
  }

  return {
    legacy: () => legacy.promise,
    modern: () => modern.promise,
    get facts() {
      return facts;
    },
    ask() {
      facts = null;
      renew();
      // Until the next try has succeeded, callers are told at once.
      if (launcher.waitMs() > 0) {
        legacy.reject(launcher.unavailable());
        modern.reject(launcher.unavailable());
      }
      void run();
    },
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      legacy.reject(launcher.unavailable());
      modern.reject(launcher.unavailable());
    },
  };
}

/** The promise resolved, or, where it was rejected by an earlier try, a new one that is. */
function settledOr<T>(previous: PromiseWithResolvers<T>, value: T): PromiseWithResolvers<T> {
  previous.resolve(value);
  const next = Promise.withResolvers<T>();
  next.resolve(value);
  return next;
}

function legacyFacts(result: Readonly<Record<string, unknown>>): ServerFacts['legacy'] {
  const version = result['protocolVersion'];
  return typeof version === 'string' ? { protocolVersion: version, serverInfo: result['serverInfo'] ?? null } : null;
}

function modernFacts(answer: Answer): ServerFacts['modern'] {
  if (answer.kind === 'result') {
    const versions = textsOf(answer.value['supportedVersions']);
    const info = objectOf(answer.value['_meta'])?.['io.modelcontextprotocol/serverInfo'] ?? null;
    return versions === null ? null : { supportedVersions: versions, serverInfo: info };
  }
  if (answer.kind !== 'error' || !modernErrors.has(answer.code)) return null;
  if (answer.code !== unsupportedVersionCode) return { supportedVersions: [modernProbeVersion], serverInfo: null };
  // Without a list, or with older versions only, the code is a coincidence of a legacy server.
  const versions = textsOf(objectOf(answer.data)?.['supported'])?.filter((version) => version >= modernProbeVersion) ?? [];
  return versions.length === 0 ? null : { supportedVersions: versions, serverInfo: null };
}

function textsOf(value: unknown): string[] | null {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string') ? value : null;
}

/**
 * bridge: how does a program that speaks MCP on stdin and stdout, or a server on a connection that goes both ways (WebSocket,
 * HTTP+SSE), become a server that speaks it over streamable HTTP?
 *
 * A program of its own (`main.ts`), started by the supervisor, by `gateway bridge`, or as a sidecar; its contract is
 * docs/reference/bridge.md. Imports `kernel/` only. Promises: messages are relayed byte for byte but for the ids that
 * must change; everything is bounded; no process outlives the bridge.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { bridgeLimits, type BridgeOptions } from './bridge-options.ts';
import { bridgeStatus } from './bridge-status.ts';
import type { BridgeRequest } from './bridge-request.ts';
import type { StopPace } from './child-process.ts';
import { programStarter, remoteStarter, type ChildStarter } from './child-starter.ts';
import { httpEndpoint, type BridgeHeaders, type BridgeReadiness } from './http-endpoint.ts';
import { launcher } from './launcher.ts';
import { legacyEndpoint, type LegacyBackend } from './legacy-endpoint.ts';
import { clientCapabilitiesKey, envelopeVersion, objectOf, protocolVersionKey, type RpcMessage } from './message.ts';
import { modernMode } from './modern-mode.ts';
import { processEnvironment } from './process-environment.ts';
import { modernProbeVersion, serverProbe } from './server-probe.ts';
import { sessionMode } from './session-mode.ts';
import { sharedMode } from './shared-mode.ts';

export interface Bridge {
  /** `unix:/path` or `http://host:port`; MCP is at `/mcp`. */
  readonly address: string;
  readonly port: number | null;
  ready(): BridgeReadiness;
  status(): Readonly<Record<string, unknown>>;
  /** Ends the listening and every process. Resolves when nothing is left. */
  stop(pace?: StopPace): Promise<void>;
}

/**
 * Listens at once; the server is started and asked what it is meanwhile. A server that cannot be started does not
 * reject this promise: `/readyz` and every call say why, and it is tried again.
 *
 * Faults: `unsafe_start` (a refused variable), `address_in_use`, `address_unusable`, `permission_denied`.
 */
export async function runBridge(options: BridgeOptions, dependencies: { log: Log; clock?: Clock }): Promise<Bridge> {
  const log = dependencies.log.child({ server: options.name });
  const clock = dependencies.clock ?? systemClock;
  const limits = bridgeLimits(options);
  const { name, cwd, command, remote } = options;
  // Before anything exists that would have to be undone.
  processEnvironment({ env: options.env, cwd, searchPath: '', home: '' });
  const ownHome = options.home === undefined && command !== null ? await mkdtemp(join(tmpdir(), 'gatewayops-home-')) : null;
  const start = launcher({
    name,
    starter: starterOf(),
    limits,
    log,
    clock,
    onQuarantine: () => probe.ask(),
  });
  function starterOf(): ChildStarter {
    if (remote !== undefined) return remoteStarter(remote, { limits, log, clock });
    if (command === null) throw new Fault('usage', { reason: 'The bridge has no program to start.' });
    const env = processEnvironment({ env: options.env, cwd, searchPath: options.searchPath ?? '', home: options.home ?? ownHome ?? '' });
    return programStarter(command, { cwd, env, secrets: Object.values(options.env) }, { limits, log, clock });
  }
  const probe = serverProbe({ launcher: start, limits, log, onKnown: warm });
  const modeDependencies = { name, launcher: start, limits, onSessionLost: (session: Parameters<typeof legacy.forget>[0]) => legacy.forget(session) };
  const shared = options.processes === 'shared' ? sharedMode(modeDependencies) : null;
  const backend: LegacyBackend = shared ?? sessionMode(modeDependencies);
  const legacy = legacyEndpoint({ name, backend: () => backend, limits, clock });
  const modern = modernMode({ name, launcher: start, limits });
  const startedAtMs = clock.nowMs();

  /** The server is known: what can be started before anybody asks, is. */
  function warm(): void {
    if (probe.facts?.legacy) shared?.start();
    if (probe.facts?.modern) modern.start();
  }

  async function post(request: BridgeRequest, headers: BridgeHeaders): Promise<void> {
    const { message } = request;
    const claimed = envelopeVersion(message);
    if (message.method === 'initialize' && message.kind === 'request' && claimed === null) {
      if ((await probe.legacy()) === null) throw modernOnly(message.params?.['protocolVersion']);
      return legacy.post(request, null);
    }
    if (claimed === null && !isModern(headers.protocolVersion)) return legacy.post(request, headers.sessionId);
    const facts = await probe.modern();
    // What a legacy server says to a request without a session; a client takes it for one (2026-07-28, versioning).
    if (facts === null) throw new Fault('invalid_request', { reason: 'this server speaks the versions that begin with initialize' });
    checkEnvelope(message, claimed, headers.protocolVersion);
    if (claimed !== null && !facts.supportedVersions.includes(claimed)) throw unsupported(claimed, facts.supportedVersions);
    return modern.post(request);
  }

  function modernOnly(requested: unknown): Fault {
    return unsupported(typeof requested === 'string' ? requested : 'none', probe.facts?.modern?.supportedVersions ?? [modernProbeVersion]);
  }

  function ready(): BridgeReadiness {
    const facts = probe.facts;
    if (start.quarantined) return { ready: false, status: 'quarantined', reason: start.lastFailure };
    const waiting = start.lastFailure === null ? 'starting' : 'failed';
    if (facts === null) return { ready: false, status: waiting, reason: start.lastFailure ?? 'the server is being asked what it speaks' };
    const states = [...(facts.legacy === null ? [] : [backend.state()]), ...(facts.modern === null ? [] : [modern.state()])];
    const missing = states.find((state) => !state.ready);
    return missing === undefined ? { ready: true, status: 'ready', reason: null } : { ...missing, status: waiting };
  }

  const endpointState = { address: '' };
  const status = (): Readonly<Record<string, unknown>> =>
    bridgeStatus({
      name,
      address: endpointState.address,
      processes: options.processes,
      startedAtMs,
      ready: ready(),
      facts: probe.facts,
      launcher: start,
      sessions: { open: legacy.sessions, max: limits.sessionsMax },
      droppedMessages: modern.droppedMessages + (shared?.droppedMessages ?? 0),
    });

  function refuseGetOfModern(): void {
    if (probe.facts?.legacy === null) throw new Fault('method_not_allowed');
  }

  let endpoint: Awaited<ReturnType<typeof httpEndpoint>>;
  try {
    endpoint = await httpEndpoint({
      listen: options.listen,
      bodyBytesMax: limits.bodyBytesMax,
      log,
      routes: {
        post,
        get(response, headers) {
          refuseGetOfModern();
          legacy.get(response, headers.sessionId, headers.lastEventId);
        },
        delete(response, headers) {
          refuseGetOfModern();
          legacy.delete(response, headers.sessionId);
        },
        ready,
        status,
      },
    });
  } catch (error) {
    await end();
    throw error;
  }
  endpointState.address = endpoint.address;
  log.info('bridge.listening', { address: endpoint.address, processes: options.processes });
  probe.ask();

  async function end(pace?: StopPace): Promise<void> {
    probe.stop();
    shared?.stop();
    modern.stop();
    legacy.stop();
    await start.stop('the bridge stops', pace);
    if (ownHome !== null) await rm(ownHome, { recursive: true, force: true }).catch(() => undefined);
  }

  return {
    address: endpoint.address,
    port: endpoint.port,
    ready,
    status,
    async stop(pace) {
      await end(pace);
      await endpoint.close();
      log.info('bridge.stopped');
    },
  };
}

/**
 * What a stateless process cannot see or no longer checks once it is pinned to an era: the header and the envelope.
 * Faults: `invalid_request`, `invalid_params`, `header_mismatch`.
 */
function checkEnvelope(message: RpcMessage, claimed: string | null, header: string | null): void {
  if (message.kind === 'response') throw new Fault('invalid_request', { reason: 'a response is not taken in this protocol version' });
  if (message.kind === 'notification') return;
  if (claimed === null) throw new Fault('invalid_params', { reason: `params._meta lacks ${protocolVersionKey}` });
  if (objectOf(objectOf(message.params?.['_meta'])?.[clientCapabilitiesKey]) === null)
    throw new Fault('invalid_params', { reason: `params._meta lacks ${clientCapabilitiesKey}` });
  if (header !== null && header !== claimed) throw new Fault('header_mismatch', { reason: `MCP-Protocol-Version is not the version in params._meta` });
}

function unsupported(requested: string, supported: readonly string[]): Fault {
  const shown = requested.slice(0, 40);
  return new Fault('unsupported_version', { requested: shown }, { extra: { supported, requested: shown } });
}

/** Versions are dates, which order as text. */
function isModern(version: string | null): boolean {
  return version !== null && /^\d{4}-\d{2}-\d{2}$/.test(version) && version >= modernProbeVersion;
}

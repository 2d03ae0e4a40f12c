/**
 * Puts a data-plane worker together: every room of the rail, constructed once and handed to the spine. Beside `assemble.ts`
 * the only file that constructs things; it is its own so that a worker never loads the control plane or a store.
 */
import { organizationSteps } from './authorise/organizations.ts';
import { openConsultant } from './consult/open-consultant.ts';
import { compileRisks } from './authorise/tool-risk.ts';
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createBodyQueue } from './bodies/body-queue.ts';
import { createResultCache } from './cache/result-cache.ts';
import { createAuthenticator, type Authenticator } from './authenticate/authenticate.ts';
import { admitLink } from './exchange/admit-link.ts';
import { createCallsUnderWay } from './exchange/calls-under-way.ts';
import { createGatewaySessions } from './exchange/gateway-sessions.ts';
import { listWatch } from './exchange/cached-call.ts';
import { createIdempotency } from './exchange/idempotency.ts';
import { createOpenStreams } from './exchange/open-streams.ts';
import { createParks } from './exchange/parks.ts';
import { Call, type Rail } from './exchange/rail.ts';
import { createCallsNotMade, type CallsNotMade } from './exchange/calls-not-made.ts';
import { serveFacade } from './exchange/serve-facade.ts';
import { serveMcp } from './exchange/serve-mcp.ts';
import { createSessionRenewal } from './exchange/renew-session.ts';
import { createSessionHandles } from './exchange/session-handle.ts';
import { createSessionRefusals } from './exchange/session-refusals.ts';
import { createSessionNotes } from './exchange/session-notes.ts';
import { createAggregates } from './fabric/aggregates.ts';
import { createSendExchange } from './fabric/server-exchange.ts';
import { createServers } from './fabric/servers.ts';
import { bounds } from './kernel/bounds.ts';
import { neverBack, systemClock } from './kernel/clock.ts';
import { Fault } from './kernel/fault.ts';
import { newRequestId } from './kernel/id.ts';
import type { Log } from './kernel/log.ts';
import { createSealer } from './kernel/seal.ts';
import { Refusals, type Refusal } from './kernel/refusals.ts';
import { createLimiter, type Limiter } from './limit/limiter.ts';
import { createOpenLinks } from './link/open-links.ts';
import { createSseDoor } from './link/sse-door.ts';
import { createStreamSocket } from './link/stream-socket.ts';
import { createWebSocketDoor } from './link/websocket-door.ts';
import { trackConnections } from './listener/connections.ts';
import { serveCrossOrigin } from './listener/cross-origin.ts';
import { certificatesBy, passedCertificate, type CertificateOf } from './listener/client-certificate.ts';
import { createHeaderGate, requireAddress, requireControlAddress, requireJson, requireOwnPage } from './listener/header-gate.ts';
import { createHttpServer, createHttpsServer } from './listener/http-server.ts';
import { createAskForStream, createPassToControl } from './listener/pass-to-control.ts';
import { readBody } from './listener/read-body.ts';
import { respondRest, send } from './listener/respond.ts';
import { createOtherWorkers, workerSocket } from './listener/other-workers.ts';
import { createRouteRequest, type RequestHandlers } from './listener/route-request.ts';
import type { DoorTls } from './listener/secure-server.ts';
import type { Channel } from './node/channel.ts';
import { stateOf } from './node/state-handlers.ts';
import type { Readiness, SupervisorHandlers, WorkerStart } from './node/worker-messages.ts';
import type { DoorReport, ServerReports } from './node/worker-report.ts';
import { principalBlock, serverBlock } from './record/call-record.ts';
import { openJournal } from './record/journal.ts';
import { createYoungCollector } from './snapshot/collect-young.ts';
import { compileSnapshot, type Snapshot, type SnapshotCompilers } from './snapshot/compile-snapshot.ts';
import { isSamePlace, type OrganizationRules, type SnapshotUpdate } from './snapshot/snapshot.ts';
import { createSnapshotUpdates } from './snapshot/take-updates.ts';
import type { TargetOrder } from './snapshot/upstream-data.ts';
import { createUpstreams } from './upstream/upstreams.ts';

/** A worker that is ready to listen. */
export interface Door {
  readonly server: Server | HttpsServer;
  readonly authenticator: Authenticator;
  readonly limiter: Limiter;
  /** As `SnapshotUpdates.take`. */
  takeSnapshot(update: SnapshotUpdate): Promise<boolean>;
  /** The rules of what is switched off. */
  setSwitches(rules: readonly OrganizationRules[]): void;
  setReadiness(readiness: Readiness): void;
  setTls(tls: DoorTls): void;
  setTargetOrders(orders: readonly TargetOrder[]): void;
  serverReports(): ServerReports;
  readonly notMade: CallsNotMade;
  report(): DoorReport;
  /** Ends the duplex links, streams and calls of a key that is good no more; null: of any key. */
  recheck(keyId: string | null): void;
  /** True while the journal cannot be written. */
  journalBlocked(): boolean;
  /** Accepts no connections and begins no streams; resolves when no call is under way and no connection open, or after `graceMs`. */
  drain(graceMs: number): Promise<void>;
  close(): Promise<void>;
}

const wallSyncMs = 10_000;
const drainPollMs = 25;
/** What the last calls said is handed over, as far as it goes. */
const bodiesCloseMs = 1_000;
/** Longer than a call may wait at the stops before the server's. */
const poolsKeptMs = 2 * bounds.requestTimeoutMs;

export function assembleWorker(start: WorkerStart, supervisor: Channel<SupervisorHandlers>, log: Log): Door {
  // Nothing of a worker's is written down by it: records have times of their own.
  const clock = neverBack(systemClock);
  const [sealKey, ...sealedBefore] = start.keys.seal;
  const [eventKey, ...signedBefore] = start.keys.events;
  const sealer = createSealer(Buffer.from(sealKey), ...sealedBefore.map((key) => Buffer.from(key)));
  const compilers: SnapshotCompilers = {
    encodeServer: serverBlock,
    compileAccess: (organizations, before) => organizationSteps(organizations, systemClock, before),
    compileRisks,
    openConsultant: (data) => openConsultant(data, log),
  };
  let { switches } = start;
  let snapshot = behindSwitches(compileSnapshot(start.snapshot, compilers));
  let { readiness } = start;
  let heardAtMs = performance.now();
  const requireFreshView = (): void => {
    if (readiness.viewStale || performance.now() - heardAtMs > bounds.viewAgeMsMax) throw new Fault('view_stale');
  };
  let wallOffsetMs = Date.now() - performance.now();
  let callNumber = 0;
  // Names this worker in what clients keep; never the same again, so what it names is here or gone.
  const home = randomBytes(6).toString('hex');
  const socketFolder = start.workers > 1 ? dirname(start.controlSocket) : null;
  let draining = false;
  let poolsTimer: NodeJS.Timeout | undefined;

  const calls = createCallsUnderWay(() => snapshot);
  const rejected = new Refusals(log, clock);
  const journal = openJournal({ ...start.journal, segmentBytesMax: bounds.journalSegmentBytesMax, log });
  const bodies = createBodyQueue({ socketPath: start.maskingSocket, source: start.journal.writer, log });
  const upstreams = createUpstreams(clock);
  upstreams.obey(start.targetOrders);
  const streams = createOpenStreams();
  const servers = createServers({ upstreams, clock, log });
  const kept = {
    note: (read: Parameters<SupervisorHandlers['keptNote']>[0]) => supervisor.ask('keptNote', read),
    put: (read: Parameters<SupervisorHandlers['keptPut']>[0]) => supervisor.tell('keptPut', read),
    find: (asked: Parameters<SupervisorHandlers['keptFind']>[0]) => supervisor.ask('keptFind', asked),
  };
  const aggregates = createAggregates({ servers, kept, snapshot: () => snapshot, sealer, log, clock });
  const cache = createResultCache({ clock, current: (name) => snapshot.byName.get(name), watch: listWatch(servers) });
  const authenticator = createAuthenticator({
    verify: (secret, peer, kind) => supervisor.ask('verifyCredential', { secret, peer, kind }),
    takesTokens: () => snapshot.data.tokens === true,
    encode: principalBlock,
    organizationId: start.snapshot.organizationId,
    clock,
  });
  const limiter = createLimiter({ ask: (request) => supervisor.ask('lease', request), clock, workers: start.workers });
  const handles = createSessionHandles(sealer, Buffer.from(eventKey), ...signedBefore.map((key) => Buffer.from(key)));
  const sessionRefusals = createSessionRefusals((refusals) => supervisor.tell('sessionsRefused', refusals));
  const state = stateOf(supervisor);
  const sessionNotes = createSessionNotes({ state, sealer });
  const rail: Rail = {
    snapshot: () => snapshot,
    authenticator: {
      ...authenticator,
      authenticate(authorization, peer, certificate) {
        requireFreshView();
        return authenticator.authenticate(authorization, peer, certificate);
      },
      get anonymous() {
        requireFreshView();
        return authenticator.anonymous;
      },
    },
    limiter,
    upstreams,
    journal,
    sessions: handles,
    sessionNotes,
    renewal: createSessionRenewal({ handles, notes: sessionNotes, sendExchange: createSendExchange(upstreams) }),
    bodies,
    streams,
    servers,
    cache,
    aggregates,
    gatewaySessions: createGatewaySessions({ sealer, clock, home }),
    parks: createParks({ sealer, clock, home }),
    otherWorkers: socketFolder === null ? null : createOtherWorkers({ id: home, folder: socketFolder }),
    log,
    rejected,
    sessionRefusals,
    recordBlocked: () => readiness.recordBlocked || journal.blockedSinceMs() !== null,
    wallOffsetMs: () => wallOffsetMs,
    nextCallNumber: () => (callNumber = (callNumber + 1) >>> 0),
  };
  const facade = { idempotency: createIdempotency({ state, sealer }) };

  const passToControl = createPassToControl(start.controlSocket);
  const handlers: RequestHandlers = {
    gate: createHeaderGate(),
    certificateOf: (request) => certificateOf?.(request),
    crossOrigin: (request, response, headers) => serveCrossOrigin(request, response, headers, snapshot.origins),
    mcp: (request, response, headers, path, startedAt) => {
      if (sse.serve(request, response, path, false)) return;
      serve(new Call(rail, request, response, headers, startedAt), (call) => serveMcp(call, path));
    },
    facade: (request, response, headers, path, startedAt) =>
      serve(new Call(rail, request, response, headers, startedAt), (call) => serveFacade(call, facade, path)),
    health: (_request, response, path) => {
      const ready = path === '/healthz' || (readiness.ready && !draining);
      const { ready: _ready, ...rest } = readiness;
      const engine = snapshot.consultant?.report();
      // Calls that it is asked of are refused while it is away; lists, handshakes, callers whom the rules refuse, and the control plane are not its own.
      const parts = engine === undefined ? rest : { ...rest, policyEngine: engine.failing === null ? 'ready' : 'down' };
      const body = path === '/healthz' ? { status: 'ok' } : { status: draining ? 'draining' : ready ? 'ready' : 'not_ready', ...parts };
      send(response, ready ? 200 : 503, ['Cache-Control', 'no-store'], { requestId: '', traceId: '', headers: [] }, JSON.stringify(body));
    },
    control: (request, response, headers) => {
      requireControlAddress(headers, snapshot.hosts, snapshot.origins, request);
      passToControl(request, response, newRequestId());
    },
    rejected: (code, refusal) => rejected.note(code, refusal),
  };
  const onRequest = createRouteRequest(handlers);
  // Duplex links are clients of the endpoints like all others; this server listens nowhere.
  const links = createOpenLinks();
  const linkServer = createHttpServer({ onRequest: createRouteRequest({ ...handlers, certificateOf: passedCertificate }), isInner: true });
  const sse = createSseDoor({
    enabled: () => snapshot.data.links?.sse === true,
    isEndpoint: (path) => snapshot.byPath.has(path) || snapshot.endpointsByPath.has(path),
    admit: (request, path) => admitLink(rail, handlers, request, path),
    links,
    server: linkServer,
    readBody: (request, response) => {
      const headers = handlers.gate(request.rawHeaders);
      requireJson(headers);
      return readBody(request, response, headers, snapshot.data.bodyBytesMax);
    },
    passTo: (to, request, response, body, isPassed) =>
      rail.otherWorkers?.serveAt(to, { request, response, isPassed, certificate: handlers.certificateOf(request) }, body) ?? Promise.resolve(false),
    home,
    refuse: (response, fault) => {
      const requestId = newRequestId();
      rejected.note(fault.code, { requestId, peer: response.req.socket.remoteAddress ?? '', bytes: 0 });
      respondRest(response, fault, { requestId, traceId: '', headers: [] });
    },
  });
  const webSockets = createWebSocketDoor({
    enabled: () => snapshot.data.links?.websocket === true,
    admit: (request, path) => admitLink(rail, handlers, request, path),
    links,
    server: linkServer,
    taken: (socket) => connections.release(socket),
    log,
  });
  const streamSockets = createStreamSocket({
    admit(request) {
      const headers = handlers.gate(request.rawHeaders);
      requireAddress(headers, snapshot.hosts, snapshot.origins);
      if (request.headers.cookie !== undefined) requireOwnPage(headers);
    },
    ask: createAskForStream(start.controlSocket),
    taken: (socket) => connections.release(socket),
  });
  const onUpgrade: typeof webSockets.upgrade = (request, ...rest) =>
    (request.url?.split('?', 1)[0] === '/v1/stream' ? streamSockets : webSockets).upgrade(request, ...rest);
  const options = { onRequest, onUpgrade, onRejected: (code: string, refusal: Refusal) => rejected.note(code, refusal) };
  const secure = start.tls === null ? null : createHttpsServer(options, start.tls, log);
  const server = secure?.server ?? createHttpServer(options);
  const shownCertificates = (): CertificateOf | null => certificatesBy(snapshot.data.certificates, secure?.certificateOf);
  let certificateOf = shownCertificates();
  // What another worker passes on, as it came; who calls is asked anew.
  const passedServer = createHttpServer({
    isInner: true,
    onRequest: createRouteRequest({
      ...handlers,
      certificateOf: passedCertificate,
      mcp: (request, response, headers, path, startedAt) => {
        if (sse.serve(request, response, path, true)) return;
        const call = new Call(rail, request, response, headers, startedAt);
        call.isPassed = true;
        call.record.peer = String(request.headers['x-gatewayops-peer'] ?? '');
        serve(call, () => serveMcp(call, path));
      },
    }),
  });
  passedServer.on('error', (error) => log.error('worker.socket_failed', { reason: error.message }));
  // Not shared among the cluster's workers, as other addresses are.
  if (socketFolder !== null) passedServer.listen({ path: workerSocket(socketFolder, home), exclusive: true });

  const connections = trackConnections(server, secure?.sessions);

  function serve(call: Call, spine: (call: Call) => Promise<void>): void {
    calls.add(call);
    void spine(call)
      .catch((error: unknown) => {
        // The spine answers every fault itself; what still gets here is a defect of one request and ends only that one.
        log.error('call.crashed', { ...call.logFields, reason: error instanceof Error ? error.stack : String(error) });
        call.response.destroy();
      })
      .finally(() => calls.delete(call));
  }

  /** They may have changed since that snapshot was begun. */
  function behindSwitches(next: Snapshot): Snapshot {
    return next.access.first === switches ? next : { ...next, access: next.access.behind(switches) };
  }

  function swap(next: Snapshot): void {
    const before = snapshot;
    snapshot = behindSwitches(next);
    if (snapshot.data.certificates !== before.data.certificates) certificateOf = shownCertificates();
    aggregates.snapshotChanged();
    links.recheck(null);
    if (snapshot.access !== before.access || snapshot.riskOf !== before.riskOf) calls.recheck(null);
    // Calls that began before ask the one of their beginning.
    const { consultant } = before;
    if (consultant !== null && consultant !== snapshot.consultant) setTimeout(() => void consultant.close(), poolsKeptMs).unref();
    if (snapshot.data.servers === before.data.servers && snapshot.data.endpoints === before.data.endpoints) return;
    cache.reconfigured();
    // A stream that would never end by itself ends with the place that it comes from: its client opens it anew at the new one.
    const moved = before.data.servers.filter((server) => !isSamePlace(server, snapshot.byName.get(server.name)?.data));
    const gone = (before.data.endpoints ?? []).filter(({ path, auth }) => !isDeepStrictEqual(snapshot.endpointsByPath.get(path)?.data.auth, auth));
    if (moved.length + gone.length > 0) streams.drain(new Set([...moved, ...gone].map(({ name }) => name)));
    upstreams.keep([...before.data.servers, ...snapshot.data.servers]);
    // Calls that began before go by the snapshot of their beginning: one may still be on its way to its pool.
    clearTimeout(poolsTimer);
    poolsTimer = setTimeout(() => upstreams.keep(snapshot.data.servers), poolsKeptMs).unref();
  }
  const updates = createSnapshotUpdates({
    current: () => snapshot,
    compilers,
    swap,
    collectYoung: createYoungCollector(globalThis.gc, bounds.snapshotYoungBytesMax),
    log,
  });

  const wallSync = setInterval(() => {
    wallOffsetMs = Date.now() - performance.now();
  }, wallSyncMs);
  wallSync.unref();

  return {
    server,
    authenticator,
    limiter,
    takeSnapshot: (update) => updates.take(update),
    setSwitches(rules) {
      switches = rules;
      snapshot = behindSwitches(snapshot);
      aggregates.snapshotChanged();
      links.recheck(null);
      calls.recheck(null);
    },
    setTargetOrders: (orders) => upstreams.obey(orders),
    serverReports: () => ({ targets: upstreams.reports(), lists: aggregates.reports() }),
    notMade: createCallsNotMade(() => snapshot, aggregates),
    report: () => ({
      consultant: snapshot.consultant?.report() ?? null,
      connections: connections.open,
      callsOpen: calls.size,
      rejected: rejected.all(),
      bodiesDropped: bodies.dropped(),
      catalogues: aggregates.reports(),
      targets: upstreams.reports(),
    }),
    setTls: (tls) => secure?.renew(tls),
    setReadiness(next) {
      readiness = next;
      heardAtMs = performance.now();
    },
    recheck(keyId) {
      links.recheck(keyId);
      calls.recheck(keyId);
    },
    journalBlocked: () => journal.blockedSinceMs() !== null,
    async drain(graceMs) {
      draining = true;
      connections.drain();
      streams.drain();
      links.drain();
      streamSockets.drain();
      const until = performance.now() + graceMs;
      // A call may outlive its client, and an answer its call: it is read as fast as the client likes.
      while ((calls.size > 0 || connections.open > 0 || links.open > 0 || streamSockets.open > 0) && performance.now() < until)
        await new Promise((resolve) => setTimeout(resolve, drainPollMs));
    },
    async close() {
      clearInterval(wallSync);
      clearTimeout(poolsTimer);
      streams.close();
      links.close();
      streamSockets.close();
      rail.parks.close();
      rail.gatewaySessions.close();
      passedServer.close();
      passedServer.closeAllConnections();
      cache.close();
      aggregates.close();
      await Promise.all([servers.close(), snapshot.consultant?.close()]);
      server.closeAllConnections();
      for (const session of secure?.sessions ?? []) session.destroy();
      await upstreams.close();
      // What the closing of connections has put into the journal belongs to this turn.
      await journal.committed().catch(() => undefined);
      await bodies.close(bodiesCloseMs);
      journal.close();
    },
  };
}

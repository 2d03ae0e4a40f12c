import { authoriseName, isOfferedAt, offeredTo } from '../authorise/authorise.ts';
import type { Principal } from '../authenticate/authenticate.ts';
import { createSingleEndpoint } from '../fabric/single-endpoint.ts';
import { bounds } from '../kernel/bounds.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import { findValues } from '../kernel/splice-json.ts';
import { requireAddress, requireJson } from '../listener/header-gate.ts';
import { readBody } from '../listener/read-body.ts';
import { respondRpc, respondToolRefusal } from '../listener/respond.ts';
import { classify, type Message } from '../protocol/classify.ts';
import { scanJson, type ScannedJson } from '../protocol/scan-json.ts';
import { batchVersion, isModernVersion } from '../protocol/versions.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import { answerFromCache, askCache, forgetPages } from './cached-call.ts';
import { challengeOf } from './challenge.ts';
import { isGatewaySession } from './gateway-sessions.ts';
import { listFilter, permitOperation } from './access-call.ts';
import type { Call } from './rail.ts';
import { enter, idTextOf, pass, permit, placeRefusal, spend, withTraceparent } from './stops.ts';
import { sendOn } from './relay.ts';
import { sessionEndMethod, streamMethod, type Relayed } from './relayed.ts';
import { resumptionOf } from './resume-stream.ts';
import type { HeldSession } from './session-handle.ts';
import { noteSetUp } from './session-notes.ts';
import { idOfSession } from './session-place.ts';
import { joinRun } from './session-run.ts';
import { serveBatch } from './serve-batch.ts';
import { findIfForFront, isForFront, serveFront } from './serve-front.ts';
import { serveLegacyStream } from './serve-legacy.ts';
import { requireTaken } from './take-credential.ts';
import { refusesTool, transformRequest } from './transform-call.ts';
import { upstreamHeaders } from './upstream-headers.ts';

const idMember = ['id'];
const paramsMember = ['params'];
const paramsPath = [paramsMember];
const streamOpening: Relayed = { kind: 'notification', era: 'legacy', method: streamMethod, name: '' };
const sessionEnd: Relayed = { kind: 'notification', era: 'legacy', method: sessionEndMethod, name: '' };

/**
 * `/mcp/{server}`: MCP over streamable HTTP, both eras, one server behind it; `/mcp` and `/mcp/v/{name}`: many. The way of a call:
 * address → who → may they reach the server → what is it → may they do it → how much is left → intent → server → reply → outcome.
 */
export async function serveMcp(call: Call, path: string): Promise<void> {
  try {
    requireAddress(call.inbound, call.snapshot.hosts, call.snapshot.origins);
    const { method } = call.request;
    if (method !== 'POST' && method !== 'GET' && method !== 'DELETE') throw notAllowed('POST, GET, DELETE');
    const caller = identify(call, path);
    if (caller instanceof Promise) await caller;
    if (method !== 'POST') await serveStream(call, method);
    else {
      requireJson(call.inbound);
      const body = await readBody(call.request, call.response, call.inbound, call.snapshot.data.bodyBytesMax);
      call.record.requestBytes = body.length;
      call.body = body;
      const scanned = scanJson(body, idMember);
      if (Array.isArray(scanned.value) && isBatchVersion(call.inbound.protocolVersion)) {
        if (call.endpoint !== null || isGatewaySession(call.inbound.sessionId))
          throw new Fault('invalid_request', { reason: 'a session that the gateway keeps takes no batches' });
        await serveBatch(call, body);
        return;
      }
      call.idText = idTextOf(scanned, body);
      await servePost(call, body, scanned);
    }
  } catch (thrown) {
    const fault = asFault(thrown);
    if (fault.code === 'internal_error') call.rail.log.error('call.failed', { ...call.logFields, reason: reasonOf(fault.cause) });
    // A model can react to a tool result; to a transport error only its client can.
    // Nor does it react to what only its person can allow.
    const challenge = fault.row.status === 401 || fault.row.status === 403 ? challengeOf(call, path, fault) : null;
    if (challenge !== null) call.headers.push('WWW-Authenticate', challenge);
    const toolId = challenge === null && refusesTool(call, fault) ? call.idText : null;
    const status = toolId === null ? statusFor(call, fault) : 200;
    await call.settleRefusal(fault, status);
    if (toolId === null) respondRpc(call.response, fault, call, call.idText, status);
    else respondToolRefusal(call.response, fault, call, toolId);
  }
}

async function servePost(call: Call, body: Buffer, scanned: ScannedJson): Promise<void> {
  const message = classify(scanned.value, call.inbound);
  enter(call, message);
  if (call.endpoint !== null) return serveFront(call, call.endpoint, message, body);
  const forFront = isForFront(call, message);
  if (forFront === true && call.server !== null) return serveFront(call, createSingleEndpoint(call.rail.servers, call.server), message, body);
  const session = sessionOf(call, message.era);
  permit(call, message.row.action);
  if (call.server !== null && message.kind === 'request') {
    const asking = permitOperation(call, call.server, message.method, message.row.action, message.name, body, paramsMember);
    if (asking !== null) await asking;
  }
  // An answer to the server's own question is no call: to hold it back would leave the call that asked hanging.
  const waiting = message.kind === 'response' ? pass(call) : spend(call);
  if (waiting !== null) await waiting;
  // Only behind the stops, for to find it out the server is asked.
  if (forFront === null && call.server !== null && (await findIfForFront(call, call.server, message)))
    return serveFront(call, createSingleEndpoint(call.rail.servers, call.server), message, body);
  if (message.era === 'legacy' && message.method === 'initialize') call.opening = openingOf(body);
  const upstreamSession = session === null ? null : idOfSession(session.placed);
  const plain = withTraceparent(call, body, scanned);
  const transforms = call.server?.transforms ?? null;
  const changed =
    transforms === null || message.method !== 'tools/call'
      ? null
      : transformRequest(call, transforms, message.name, plain, paramsMember, call.inbound.params ?? []);
  const headers = upstreamHeaders(call, message.era, 'POST', changed?.mirrored);
  const json = changed?.json ?? plain;
  // What is kept is for whoever asks: a list without what policies keep from this caller is not.
  const found =
    call.server?.cache && listFilter(call, call.server, message.method) === null
      ? await askCache(call, call.server, { message, upstreamSession, body: json, mirrored: changed?.mirrored })
      : null;
  if (found?.kind === 'hit') return answerFromCache(call, message, found);
  const out = { method: 'POST', headers, body: json, longLived: message.row.longLived, repeatable: message.row.repeatable } as const;
  if (found === null) {
    await sendOn(call, message, session, out);
    if (session !== null) noteSetUp(call, session, message.method, scanned.value);
    return;
  }
  try {
    await sendOn(call, message, session, out, found.flight);
  } finally {
    found.flight.end(null, call.response.destroyed);
    if (call.server !== null) forgetPages(call, call.server, message.method, json, paramsMember, call.record.rpcErrorCode);
  }
}

/** A legacy client's GET (a stream of what the server sends unasked, or the rest of a broken one) or DELETE (the session's end). */
async function serveStream(call: Call, method: 'GET' | 'DELETE'): Promise<void> {
  const version = call.inbound.protocolVersion ?? '';
  if (isModernVersion(version)) throw notAllowed('POST');
  const relayed = method === 'GET' ? streamOpening : sessionEnd;
  enter(call, { ...relayed, version, clientName: '', traceparent: undefined });
  if (call.endpoint !== null) return serveLegacyStream(call, call.endpoint, method, relayed);
  if (call.server !== null && isGatewaySession(call.inbound.sessionId))
    return serveLegacyStream(call, createSingleEndpoint(call.rail.servers, call.server), method, relayed);
  const session = sessionOf(call, 'legacy');
  permit(call, null);
  const waiting = spend(call);
  if (waiting !== null) await waiting;
  const resumed = method === 'GET' ? await resumptionOf(call, session) : null;
  if (method === 'DELETE' && session !== null) await call.rail.renewal.end(call, session);
  const headers = upstreamHeaders(call, 'legacy', method, undefined, resumed?.eventId);
  const out = { method, headers, body: null, longLived: method === 'GET', repeatable: false } as const;
  await sendOn(call, relayed, session, out, null, resumed?.isUnasked);
}

/** Who calls, and which server or servers. A server out of reach and one that does not exist are the same to the caller. */
function identify(call: Call, path: string): void | Promise<void> {
  const place = call.snapshot.byPath.get(path) ?? call.snapshot.endpointsByPath.get(path);
  if (place?.data.auth === 'none') {
    arrive(call, call.rail.authenticator.anonymous, path);
    return undefined;
  }
  const caller = call.rail.authenticator.authenticate(call.inbound.authorization, call.record.peer, call.inbound.certificate);
  if (caller instanceof Promise) return caller.then((principal) => arrive(call, principal, path));
  arrive(call, caller, path);
  return undefined;
}

function arrive(call: Call, principal: Principal, path: string): void {
  const server = offeredTo(principal, call.snapshot.byPath.get(path));
  call.record.authAt = performance.now();
  call.principal = principal;
  call.stop = 'access';
  const placed = server === undefined ? call.snapshot.endpointsByPath.get(path) : undefined;
  if (placed !== undefined && isOfferedAt(call.snapshot, principal, placed)) {
    // Which of its servers a caller reaches is decided with each message.
    requireTaken(placed, principal);
    call.endpoint = call.rail.aggregates.at(placed.data);
    call.place = placed.block;
  } else {
    const grant = server && authoriseName(call.snapshot.access, principal, server.data.name);
    if (server === undefined || grant?.decision !== 'allow') throw outOfReach(call, server, grant?.rule ?? '', path);
    requireTaken(server, principal);
    call.server = server;
  }
  if (principal.data.deprecatedUntilMs !== null) call.headers.push('Deprecation', `@${Math.floor(principal.data.deprecatedUntilMs / 1000)}`);
}

/** The caller hears the same of what exists and of what does not. */
function outOfReach(call: Call, server: Server | undefined, policy: string, path: string): Fault {
  placeRefusal(call, server, path.slice('/mcp/'.length));
  call.record.policy = policy;
  call.isHidden = server !== undefined;
  return new Fault('not_found');
}

/** The session behind the handle that a legacy client sent; the modern era has no sessions and ignores the header. */
function sessionOf(call: Call, era: Message['era']): HeldSession | null {
  const { sessionId } = call.inbound;
  if (era === 'modern' || sessionId === undefined || call.principal === null || call.server === null) return null;
  const session = call.rail.sessions.open(sessionId, call.principal.id, call.server.data.name);
  joinRun(call, session.run);
  if (call.record.startedAt > session.touchAtMs) {
    session.touchAtMs = call.record.startedAt + bounds.sessionNotesTouchMs;
    void call.rail.sessionNotes.touch(session.handle);
  }
  return session;
}

function openingOf(body: Buffer): string | null {
  const found = findValues(body, paramsPath).at(-1);
  return found === undefined || found.end - found.start > bounds.sessionHandleBytesMax ? null : body.toString('utf8', found.start, found.end);
}

/** To a legacy client 404 means that its session is gone: an unknown method is an answer like others. */
function statusFor(call: Call, fault: Fault): number {
  return fault.code === 'method_not_found' && !isModernVersion(call.inbound.protocolVersion ?? '') ? 200 : fault.row.status;
}

/** Batches are part of 2025-03-26 only, which is also what an absent header means. */
function isBatchVersion(version: string | undefined): boolean {
  return version === undefined || version === batchVersion;
}

function notAllowed(allow: string): Fault {
  return new Fault('method_not_allowed', {}, { extra: { allow } });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

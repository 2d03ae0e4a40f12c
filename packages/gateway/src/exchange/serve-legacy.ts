import { randomUUID } from 'node:crypto';
import type { Answer, Ask } from '../fabric/dialogue.ts';
import type { Endpoint } from '../fabric/endpoint.ts';
import { editObject, memberTexts } from '../fabric/edit-object.ts';
import { gatewayInfo } from '../fabric/translate.ts';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { objectOf } from '../kernel/splice-json.ts';
import { rpcErrorText } from '../listener/respond.ts';
import type { Message } from '../protocol/classify.ts';
import type { Asked } from '../record/call-record.ts';
import { isServedLegacy, legacyVersions } from '../protocol/versions.ts';
import { permitRoute } from './access-call.ts';
import { converse } from './converse.ts';
import {
  answerHere,
  callerOf,
  enterRoute,
  errorText,
  noteListed,
  passStops,
  readParams,
  resultText,
  withServerInfo,
  type FrontParams,
} from './front-request.ts';
import { isGatewaySession, type GatewaySession } from './gateway-sessions.ts';
import { refusedSession } from './session-refusals.ts';
import { initializeResult, legacyAsk, legacyError, legacyResult, mapElicitations } from './legacy-words.ts';
import type { Call } from './rail.ts';
import { beginRun, joinRun } from './session-run.ts';
import { FrontReply } from './front-reply.ts';
import { eventJson } from './serve-listen.ts';
import { intend, permit, spend } from './stops.ts';
import { withCache } from './cached-call.ts';
import { mappedHeaders, transformRoute } from './transform-call.ts';
import { UnderWay } from './under-way.ts';
import { traceparentOf } from './upstream-headers.ts';
import { targetHints } from './target-hints.ts';

const forServer = new Set([
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
]);
const logLevels = new Set(['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']);
/** Members of ClientCapabilities that a server of 2026-07-28 can make use of. */
const usefulCapabilities = new Set(['roots', 'sampling', 'elicitation']);
const unanswered = { error: '{"code":-32603,"message":"The client does not answer."}' };

/** A posted message of a legacy client to an endpoint that knows no sessions: the gateway keeps the session. */
export async function serveLegacy(call: Call, endpoint: Endpoint, message: Message, body: Buffer): Promise<void> {
  if (message.method === 'initialize') return initialize(call, endpoint, message, body);
  const session = await findSession(call, endpoint, body);
  if (session === null) return;
  await passStops(call, message);
  if (message.kind === 'response') {
    const members = memberTexts(body.toString('utf8'));
    const asked = String(JSON.parse(members.get('id') ?? 'null'));
    const result = members.get('result');
    await answerHere(call, message, 202, '');
    session.asks.get(asked)?.(result === undefined ? { error: members.get('error') ?? '{}' } : { result });
    return;
  }
  const { members, meta } = readParams(call, body);
  if (message.kind === 'notification') {
    await answerHere(call, message, 202, '');
    if (message.method === 'notifications/cancelled') session.calls.get(members.get('requestId') ?? '')?.();
    return;
  }
  if (!forServer.has(message.method)) {
    const result = answerInSession(session, message.method, members);
    await answerHere(call, message, 200, resultText(call, result));
    if (message.row.action === 'resources.subscribe') session.streams.at(-1)?.tune(true);
    return;
  }
  await callServer(call, endpoint, message, session, { members, meta });
}

/** A request that is for a server, from its route to its response. Legacy: the client's leaving does not end it. */
async function callServer(call: Call, endpoint: Endpoint, message: Message, session: GatewaySession, { members, meta }: FrontParams): Promise<void> {
  const caller = callerIn(call, session);
  const { face } = caller;
  const resolved = await endpoint.resolve({ ...caller, method: message.method, params: objectOf(members), mirrored: [] }).catch(unknownResource);
  if (resolved instanceof Fault) {
    const error = memberTexts(rpcErrorText(resolved, call.requestId, call.idText)).get('error') ?? '{}';
    return answerHere(call, message, 200, errorText(call, legacyError(message.method, error, resolved.row.rpcCode)));
  }
  if (resolved.kind === 'answer') {
    noteListed(call, resolved);
    return answerHere(call, message, 200, resultText(call, legacyResult(message.method, withServerInfo(resolved, gatewayInfo))));
  }
  enterRoute(call, resolved);
  const route = transformRoute(call, message.method, await permitRoute(call, message, resolved));
  if (session.calls.size >= bounds.gatewaySessionCallsMax) throw new Fault('unavailable', { reason: 'too many calls of this session are under way' });
  await intend(call);
  const { params, mirrored, name, server } = route;
  const request = {
    server,
    face,
    method: message.method,
    params,
    name,
    mirrored,
    forwarded: mappedHeaders(call, server),
    traceparent: traceparentOf(call),
    inputs: 'ask' as const,
    ...targetHints(call),
    callerEra: 'legacy' as const,
  };
  const underWay = new UnderWay(withCache(call), route, request, meta.get('progressToken') ?? null);
  const questions = openQuestions(call, session, underWay);
  const callId = call.idText ?? '';
  const { done, cancel } = converse(call, message, underWay, ({ reply }) => ({
    endsWithClient: false,
    notification: (json) => json.toString('utf8'),
    ask: (ask) => questions.ask(ask, reply),
    withdrawn: (key, reason) => questions.withdraw(key, reason, reply),
    // The call may be over: then the session's own stream is where it can be said.
    completed: (elicitationId) =>
      reply.takesEvents ? reply.event(questions.completion(elicitationId)) : session.streams.at(-1)?.tell(questions.completion(elicitationId)),
    response: (response) => ({
      status: 200,
      text:
        response.kind === 'result'
          ? resultText(call, legacyResult(message.method, route.rewriteResult(response.result)))
          : errorText(call, legacyError(message.method, mapElicitations(response.error, response.code, questions.mapped), response.code)),
    }),
  }));
  session.calls.set(callId, cancel);
  try {
    await done;
  } finally {
    if (session.calls.get(callId) === cancel) session.calls.delete(callId);
    questions.close();
  }
}

interface Questions {
  ask(ask: Ask, reply: FrontReply): void;
  /** The server does not ask any more. */
  withdraw(key: string, reason: string | null, reply: FrontReply): void;
  /** The client's id for what the server asks at an address. */
  mapped(elicitationId: string): string;
  /** All is done at that address, in the client's words. */
  completion(elicitationId: string): string;
  close(): void;
}

/** The questions of one call to its session's client, each for as long as a client may take to answer. */
function openQuestions(call: Call, session: GatewaySession, underWay: UnderWay): Questions {
  const open = new Map<string, { readonly key: string; readonly timer: NodeJS.Timeout; readonly asked: Asked }>();
  // Two servers may give the same.
  const elicitations = new Map<string, string>();
  function give(id: string, key: string, answer: Answer): void {
    forget(id);
    underWay.answer(key, answer);
  }
  function forget(id: string): void {
    const one = open.get(id);
    if (one !== undefined) one.asked.untilAt = performance.now();
    clearTimeout(one?.timer);
    open.delete(id);
    session.asks.delete(id);
  }
  const mapped = (elicitationId: string): string => {
    const ours = elicitations.get(elicitationId) ?? `gwo-${randomUUID()}`;
    elicitations.set(elicitationId, ours);
    return ours;
  };
  return {
    ask(ask, reply) {
      if (!reply.takesEvents) return underWay.answer(ask.key, unanswered);
      const id = `gwo-${randomUUID()}`;
      const timer = setTimeout(() => {
        give(id, ask.key, unanswered);
        reply.event(cancelledText(id, 'It was not answered in time.'));
      }, bounds.fabricAskTimeoutMs);
      open.set(id, { key: ask.key, timer, asked: call.record.ask(ask.method) });
      session.asks.set(id, (answer) => give(id, ask.key, answer));
      reply.event(`{"jsonrpc":"2.0","id":"${id}","method":"${ask.method}","params":${legacyAsk(ask, mapped)}}`);
    },
    withdraw(key, reason, reply) {
      for (const [id, one] of open) {
        if (one.key !== key) continue;
        forget(id);
        reply.event(cancelledText(id, reason));
      }
    },
    mapped,
    completion: (elicitationId) =>
      JSON.stringify({ jsonrpc: '2.0', method: 'notifications/elicitation/complete', params: { elicitationId: mapped(elicitationId) } }),
    close() {
      for (const [id, { timer }] of open) {
        clearTimeout(timer);
        session.asks.delete(id);
      }
    },
  };
}

function cancelledText(requestId: string, reason: string | null): string {
  return JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId, ...(reason !== null && { reason }) } });
}

/** Told under the code of the client's version. */
function unknownResource(thrown: unknown): Fault {
  if (thrown instanceof Fault && thrown.code === 'unknown_resource') return thrown;
  throw thrown;
}

async function initialize(call: Call, endpoint: Endpoint, message: Message, body: Buffer): Promise<void> {
  const { members } = readParams(call, body);
  const requested: unknown = JSON.parse(members.get('protocolVersion') ?? 'null');
  if (message.kind !== 'request' || typeof requested !== 'string') throw new Fault('invalid_params', { reason: '`protocolVersion` must be a string' });
  await passStops(call, message);
  const version = isServedLegacy(requested) ? requested : (legacyVersions[0] ?? '');
  const capabilities = objectOf([...memberTexts(members.get('capabilities') ?? '{}')].filter(([key]) => usefulCapabilities.has(key)));
  const given = members.get('clientInfo');
  // Icons and descriptions are for people: no server needs them, and a session's id has a bound.
  const info = given === undefined ? null : editObject(given, { icons: null, description: null, websiteUrl: null });
  const caller = callerOf(call, { capabilities, info, logLevel: null });
  const facts = await endpoint.facts(caller);
  const handle = call.rail.gatewaySessions.begin({
    principalId: caller.face.principalId,
    endpoint: endpoint.name,
    version,
    capabilities,
    info,
    run: beginRun(call),
  });
  await answerHere(call, message, 200, resultText(call, initializeResult(version, facts)), ['Mcp-Session-Id', handle]);
}

/** A legacy client's GET (a stream of changes) or DELETE (the session's end). Faults: `session_not_found`, `invalid_request` for a stream that was broken off. */
export async function serveLegacyStream(
  call: Call,
  endpoint: Endpoint,
  method: 'GET' | 'DELETE',
  relayed: Pick<Message, 'kind' | 'method' | 'name'>,
): Promise<void> {
  const session = await findSession(call, endpoint, null);
  if (session === null) return;
  // A fresh stream in its place would look like one that had nothing more to say.
  if (method === 'GET' && call.inbound.lastEventId !== undefined)
    throw new Fault('invalid_request', {
      reason: 'the streams of this session give their events no ids, so none can be taken up by Last-Event-ID; open a new one without it',
    });
  permit(call, null);
  const waiting = spend(call);
  if (waiting !== null) await waiting;
  if (method === 'DELETE') {
    await answerHere(call, relayed, 200, '');
    call.rail.gatewaySessions.end(session);
    return;
  }
  const { streams } = call.rail;
  streams.enter(session.principalId);
  try {
    await intend(call);
    await tellChanges(call, endpoint, session);
  } finally {
    streams.leave(session.principalId);
  }
}

/** Changes as they come, until the client leaves or the session ends; of several streams the newest gets them (2025-11-25, transports: one of them). */
async function tellChanges(call: Call, endpoint: Endpoint, session: GatewaySession): Promise<void> {
  const caller = callerIn(call, session);
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = (): void =>
    void call.settle('success', 'reply').then(() => {
      reply.end();
      resolve();
    });
  const reply = new FrontReply(call, () => void call.settle('cancelled', 'reply').then(resolve), end);
  if (reply.left) return call.settle('cancelled', 'reply');
  if (!reply.takesEvents) throw new Fault('not_acceptable');
  reply.open();
  let unwatch: (() => void) | null = null;
  const tune = (isNewest: boolean): void => {
    const before = unwatch;
    const interest = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true, resourceUris: [...session.resourceUris] };
    unwatch = isNewest ? endpoint.watch(caller, interest, (event) => reply.event(eventJson(event, null))) : null;
    before?.();
  };
  const stream = { tune, tell: (json: string) => reply.event(json), end };
  const { streams } = session;
  streams.at(-1)?.tune(false);
  streams.push(stream);
  tune(true);
  await promise;
  streams.splice(streams.indexOf(stream), 1);
  tune(false);
  streams.at(-1)?.tune(true);
}

/** The session of a request; null where another worker keeps it and has answered. Faults: `invalid_request`, `session_not_found`. */
async function findSession(call: Call, endpoint: Endpoint, body: Buffer | null): Promise<GatewaySession | null> {
  const { rail, inbound, principal } = call;
  if (inbound.sessionId === undefined) throw new Fault('invalid_request', { reason: 'the Mcp-Session-Id header is missing; begin with `initialize`' });
  const ticket = rail.gatewaySessions.read(inbound.sessionId);
  // Its mark is the gateway's: whoever shows it, with a seal that does not hold, has not got it from here.
  if (ticket === null) throw isGatewaySession(inbound.sessionId) ? refusedSession('forged') : new Fault('session_not_found');
  if (principal === null) throw new Fault('session_not_found');
  if ((await rail.otherWorkers?.serveAt(ticket.home, call, body, ticket.id)) === true) return null;
  const session = rail.gatewaySessions.find(ticket, principal.id, endpoint.name);
  joinRun(call, session.run);
  return session;
}

function callerIn(call: Call, { id, capabilities, info, logLevel }: GatewaySession): ReturnType<typeof callerOf> {
  const caller = callerOf(call, { capabilities, info, logLevel });
  if (call.principal?.data.kind !== 'anonymous') return caller;
  // Callers without a key are one principal; what a server keeps for one of their sessions is not for another.
  return { ...caller, face: { ...caller.face, principalId: `${caller.face.principalId} ${id}` } };
}

/** The result of what the gateway itself answers. Faults: `method_not_found`, `invalid_params`. */
function answerInSession(session: GatewaySession, method: string, members: ReadonlyMap<string, string>): string {
  if (method === 'ping') return '{}';
  if (method === 'logging/setLevel') {
    const level: unknown = JSON.parse(members.get('level') ?? 'null');
    if (typeof level !== 'string' || !logLevels.has(level)) throw new Fault('invalid_params', { reason: '`level` is no log level' });
    session.logLevel = level;
    return '{}';
  }
  const { resourceUris } = session;
  const isSubscribe = method === 'resources/subscribe';
  if (!isSubscribe && method !== 'resources/unsubscribe') throw new Fault('method_not_found', { method });
  const uri: unknown = JSON.parse(members.get('uri') ?? 'null');
  if (typeof uri !== 'string') throw new Fault('invalid_params', { reason: '`uri` must be a string' });
  if (!isSubscribe) resourceUris.delete(uri);
  else if (resourceUris.size < bounds.gatewaySessionSubscriptionsMax) resourceUris.add(uri);
  else throw new Fault('invalid_params', { reason: `a session has at most ${bounds.gatewaySessionSubscriptionsMax} subscriptions` });
  return '{}';
}

import { memberTexts } from '../fabric/edit-object.ts';
import type { DialogueResponse, ServerFacts } from '../fabric/dialogue.ts';
import type { Endpoint, EndpointCaller, Route } from '../fabric/endpoint.ts';
import { gatewayInfo } from '../fabric/translate.ts';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { objectOf } from '../kernel/splice-json.ts';
import type { Message } from '../protocol/classify.ts';
import { modernVersions } from '../protocol/versions.ts';
import { permitRoute } from './access-call.ts';
import { converse } from './converse.ts';
import {
  answerHere,
  callerOf,
  carriedCapabilities,
  enterRoute,
  errorText,
  metaPrefix,
  noteListed,
  passStops,
  readParams,
  resultText,
  withServerInfo,
  type FrontParams,
} from './front-request.ts';
import { digestOf, refused, type ParkTicket } from './parks.ts';
import type { Call } from './rail.ts';
import { serveListen } from './serve-listen.ts';
import { intend } from './stops.ts';
import { withCache } from './cached-call.ts';
import { mappedHeaders, transformRoute } from './transform-call.ts';
import { UnderWay } from './under-way.ts';
import { traceparentOf } from './upstream-headers.ts';
import { targetHints } from './target-hints.ts';

/** Methods that 2026-07-28 does not have, or has for servers only. */
const notModern = new Set(['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe', 'tasks/list', 'tasks/result']);

/**
 * A message of a client of 2026-07-28 to an endpoint that is not relayed byte for byte. What a legacy server asks in the midst of its reply
 * becomes `input_required`: the reply is parked until the client comes back with its answers.
 */
export async function serveModern(call: Call, endpoint: Endpoint, message: Message, body: Buffer): Promise<void> {
  if (notModern.has(message.method)) throw new Fault('method_not_found', { method: message.method });
  const params = readParams(call, body);
  const ticket = message.kind === 'request' ? ticketOf(call, params) : null;
  if (ticket !== null && (await call.rail.otherWorkers?.serveAt(ticket.home, call, body)) === true) return;
  await passStops(call, message);
  if (message.kind !== 'request') return answerHere(call, message, 202, '');

  const { meta } = params;
  const logLevel: unknown = JSON.parse(meta.get(`${metaPrefix}logLevel`) ?? 'null');
  const caller = callerOf(call, {
    capabilities: carriedCapabilities(meta.get(`${metaPrefix}clientCapabilities`) ?? '{}'),
    info: meta.get(`${metaPrefix}clientInfo`) ?? null,
    logLevel: typeof logLevel === 'string' ? logLevel : null,
  });
  if (message.method === 'server/discover') return answerHere(call, message, 200, resultText(call, discovered(await endpoint.facts(caller))));
  if (message.method === 'subscriptions/listen') return serveListen(call, endpoint, caller, params);

  const owner = { principalId: caller.face.principalId, digest: digestOf(endpoint.name, message.method, objectOf(params.members)) };
  const found = ticket === null ? await begin(call, endpoint, message, params, caller) : resume(call, ticket, owner, params, caller);
  if (typeof found === 'string') return answerHere(call, message, 200, resultText(call, found));
  enterRoute(call, found.route);
  await intend(call);
  await exchange(call, message, found.start(), params, owner);
}

/** A request about to be sent, or one that goes on. Nothing reaches the server before `start`. */
interface Found {
  readonly route: Route;
  start(): UnderWay;
}

async function begin(call: Call, endpoint: Endpoint, message: Message, { members, meta }: FrontParams, caller: EndpointCaller): Promise<Found | string> {
  const { servers } = call.rail;
  const asked = { ...caller, method: message.method, params: objectOf(members), mirrored: call.inbound.params ?? [] };
  const resolved = await endpoint.resolve(asked);
  if (resolved.kind === 'answer') {
    noteListed(call, resolved);
    return withServerInfo(resolved, gatewayInfo);
  }
  enterRoute(call, resolved);
  const route = transformRoute(call, message.method, await permitRoute(call, message, resolved));
  const routed = memberTexts(route.params);
  // A server of 2026-07-28 reads its own state; any other has none, so this is none of ours either.
  if (!(servers.serves(route.server, 'modern') ?? (await servers.findIfServes(route.server, 'modern')))) {
    if (routed.has('requestState')) throw refused('is none of this gateway');
    routed.delete('inputResponses');
  }
  const request = {
    server: route.server,
    face: caller.face,
    method: message.method,
    params: objectOf(routed),
    name: route.name,
    mirrored: route.mirrored,
    forwarded: mappedHeaders(call, route.server),
    traceparent: traceparentOf(call),
    inputs: 'return' as const,
    ...targetHints(call),
    callerEra: 'modern' as const,
  };
  return { route, start: () => new UnderWay(withCache(call), route, request, meta.get('progressToken') ?? null) };
}

/** Faults: `invalid_params` where the request is not the one that was parked. */
function resume(call: Call, ticket: ParkTicket, owner: { principalId: string; digest: string }, { members }: FrontParams, caller: EndpointCaller): Found {
  const given = memberTexts(members.get('inputResponses') ?? '{}');
  for (const [key, answer] of given)
    if (!answer.startsWith('{')) throw new Fault('invalid_params', { reason: `\`inputResponses["${key.slice(0, 60)}"]\` must be an object` });
  const underWay = call.rail.parks.take(ticket, owner);
  // What the caller may reach can have changed since.
  if (!caller.mayReach(underWay.route.server.data.name)) {
    underWay.cancel();
    throw new Fault('not_found');
  }
  return {
    route: underWay.route,
    start() {
      for (const [key, result] of given) underWay.answer(key, { result });
      return underWay;
    },
  };
}

/** From the request, or the retry, to its response or the next question. */
function exchange(call: Call, message: Message, underWay: UnderWay, { meta }: FrontParams, owner: { principalId: string; digest: string }): Promise<void> {
  let asking: NodeJS.Timeout | null = null;
  const token = meta.get('progressToken') ?? null;
  const conversation = converse(call, message, underWay, ({ conclude }) => {
    const inputRequired = (): string => {
      const inputRequests = objectOf([...underWay.asks.values()].map(({ key, method, params }) => [key, `{"method":"${method}","params":${params}}`]));
      const requestState = JSON.stringify(call.rail.parks.park(underWay, owner));
      return resultText(call, `{"resultType":"input_required","inputRequests":${inputRequests},"requestState":${requestState}}`);
    };
    return {
      endsWithClient: true,
      notification: (json) => withToken(json, underWay.progressToken, token),
      // Others of the same moment are asked together.
      ask({ method }) {
        call.record.ask(method);
        asking ??= setTimeout(() => {
          asking = null;
          // The server may have withdrawn what it asked.
          if (underWay.asks.size > 0) conclude(200, inputRequired);
        }, bounds.askSiblingsMs);
      },
      response: (response) => {
        if (asking) clearTimeout(asking);
        return responseText(call, underWay.route, response);
      },
    };
  });
  return conversation.done.finally(() => asking && clearTimeout(asking));
}

function responseText(call: Call, route: Route, response: DialogueResponse): { status: number; text: string } {
  if (response.kind === 'result') return { status: 200, text: resultText(call, route.rewriteResult(response.result)) };
  return { status: response.httpStatus, text: errorText(call, response.error) };
}

/** A retry has a token of its own, the server knows the first. */
function withToken(json: Buffer, first: string | null, now: string | null): string | null {
  const text = json.toString('utf8');
  if (first === now || first === null) return text;
  const members = memberTexts(text);
  if (members.get('method') !== '"notifications/progress"') return text;
  if (now === null) return null;
  return objectOf(members.set('params', objectOf(memberTexts(members.get('params') ?? '{}').set('progressToken', now))));
}

function ticketOf({ rail }: Call, { members }: FrontParams): ParkTicket | null {
  const requestState: unknown = JSON.parse(members.get('requestState') ?? 'null');
  return typeof requestState === 'string' ? rail.parks.read(requestState) : null;
}

function discovered({ capabilities, instructions, info, ttlMs, cacheScope }: ServerFacts): string {
  return objectOf([
    ['resultType', '"complete"'],
    ['supportedVersions', JSON.stringify(modernVersions)],
    ['capabilities', capabilities],
    ...(instructions === null ? [] : [['instructions', JSON.stringify(instructions)] as const]),
    ['ttlMs', String(ttlMs)],
    ['cacheScope', `"${cacheScope}"`],
    ['_meta', objectOf([[`${metaPrefix}serverInfo`, info ?? gatewayInfo]])],
  ]);
}

import { groupOf } from '../cache/keepable.ts';
import type { CacheAnswer, CacheEvent, CacheQuestion, ResultCacheParts } from '../cache/result-cache.ts';
import { requestText } from '../cache/request-text.ts';
import type { Dialogue, DialogueRequest, DialogueSink, Servers } from '../fabric/dialogue.ts';
import { findValues, membersOf } from '../kernel/splice-json.ts';
import { send } from '../listener/respond.ts';
import type { Message } from '../protocol/classify.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { Call } from './rail.ts';
import { settleReply } from './settle-reply.ts';
import { intend } from './stops.ts';
import { variantOf } from './target-hints.ts';
import { mappedHeaders } from './transform-call.ts';

/** Where the cache meets a call, whichever way it takes. An answer from it is authorised, limited and recorded like any other. */

/** A relayed request, as its server is to read it. */
export interface RelayedRequest {
  readonly message: Message;
  /** The session of a legacy client at the server, which may have lists of its own: nothing of it is kept. */
  readonly upstreamSession: string | null;
  readonly body: Buffer;
  /** `Mcp-Param-*` headers where rules have changed them. */
  readonly mirrored: readonly string[] | undefined;
}

const capabilitiesPath = ['params', '_meta', 'io.modelcontextprotocol/clientCapabilities'];
const requestPaths = [['params'], capabilitiesPath];
const noParams = Buffer.from('{}');

/** What the cache has for a relayed request; null where nothing of its answer is kept. Ask only where the server has rules for it. */
export function askCache(
  call: Call,
  server: Server,
  { message, upstreamSession, body, mirrored }: RelayedRequest,
): null | CacheAnswer | Promise<CacheAnswer | null> {
  if (message.kind !== 'request' || upstreamSession !== null || !keeps(server, message.method, message.name) || !takesJson(call)) return null;
  let params: Buffer = noParams;
  let capabilities = '';
  for (const { path, start, end } of findValues(body, requestPaths)) {
    if (path === 0) params = body.subarray(start, end);
    else capabilities = body.toString('utf8', start, end);
  }
  const headers = [...(mirrored ?? call.inbound.params ?? []), ...mappedHeaders(call, server)];
  const asked = question(call, server, message.method, message.name, params, ['relay', message.version, capabilities, ...headers]);
  const answer = asked === null ? null : call.rail.cache.ask(asked);
  if (answer instanceof Promise) return answer.then((found) => noted(call, found));
  return noted(call, answer);
}

/** The result of a JSON-RPC response, as it stands there; null where it has none. */
export function resultOf(message: Buffer): Buffer | null {
  const found = membersOf(message).findLast(({ key }) => key === 'result');
  return found === undefined ? null : message.subarray(found.valueStart, found.end);
}

function noted(call: Call, found: CacheAnswer | null): CacheAnswer | null {
  if (found?.kind === 'miss') noteMiss(call);
  return found;
}

/** A hit as the reply of a relayed call. Faults: `audit_blocked`. */
export async function answerFromCache(call: Call, message: Message, found: Extract<CacheAnswer, { kind: 'hit' }>): Promise<void> {
  noteHit(call, found);
  const text = `{"jsonrpc":"2.0","id":${call.idText ?? 'null'},"result":${found.result.toString('utf8')}}`;
  const { record } = call;
  await intend(call);
  record.firstByteAt = performance.now();
  record.httpStatus = 200;
  record.replyContentType = 'application/json';
  const json = Buffer.from(text);
  record.replyBytes = json.length;
  call.bodies?.addMessage(text);
  await settleReply(call, message, 200, json, false);
  send(call.response, 200, [], call, text);
}

/** The servers with the cache before them, for one call. */
export function withCache(call: Call): Pick<Servers, 'begin'> {
  return { begin: (request, sink) => beginCached(call, request, sink) };
}

function beginCached(call: Call, request: DialogueRequest, sink: DialogueSink): Dialogue {
  const { cache, servers } = call.rail;
  const { server, method, name, face, mirrored, forwarded = [] } = request;
  if (!keeps(server, method, name)) return servers.begin(request, sink);
  const params = Buffer.from(request.params);
  const asked = question(call, server, method, name, params, ['fabric', request.callerEra ?? '', face.capabilities, ...mirrored, ...forwarded]);
  const answer = asked === null ? null : cache.ask(asked);
  if (answer === null) return servers.begin(request, sink);

  let inner: Dialogue | null = null;
  let over = false;
  let end: (result: Buffer | null, left?: boolean) => void = () => undefined;
  const start = (found: CacheAnswer | null): void => {
    if (found?.kind === 'miss') end = found.flight.end;
    if (over) return end(null, true);
    if (found?.kind === 'hit') {
      noteHit(call, found);
      sink.response({ kind: 'result', result: found.result.toString('utf8'), bytes: found.result.length });
      return;
    }
    noted(call, found);
    inner = servers.begin(request, {
      notification: (json) => sink.notification(json),
      ask(ask) {
        // What was answered to a question is for whoever was asked.
        end(null);
        sink.ask(ask);
      },
      withdrawn: (key, reason) => sink.withdrawn?.(key, reason),
      completed: (elicitationId) => sink.completed?.(elicitationId),
      response(response) {
        end(response.kind === 'result' ? Buffer.from(response.result) : null);
        if (response.kind === 'error') forgetPages(call, server, method, params, [], response.code);
        sink.response(response);
      },
      failed(fault) {
        end(null);
        sink.failed(fault);
      },
    });
  };
  // Nothing reaches the sink before its dialogue is in the caller's hands.
  void Promise.resolve(answer).then(start);
  return {
    answer: (key, given) => inner?.answer(key, given),
    cancel() {
      over = true;
      inner?.cancel();
      end(null, true);
    },
  };
}

function noteMiss(call: Call): void {
  call.record.cache = 'miss';
  call.headers.push('Cache-Status', 'gatewayops; fwd=miss');
}

/** After an error to a cursor all pages may be others (2026-07-28, caching). `at` leads to the request's `params` in `json`. */
export function forgetPages(call: Call, server: Server, method: string, json: Buffer, at: readonly string[], rpcCode: number): void {
  if (rpcCode !== invalidParams || !method.endsWith('/list') || findValues(json, [[...at, 'cursor']]).length === 0) return;
  const group = method.startsWith('tools') ? 'tools' : method.startsWith('prompts') ? 'prompts' : 'resources';
  call.rail.cache.changed(server, { kind: 'list', group });
}

/** How the cache hears of changes of a server's lists, by the stream that all who watch it share. */
export function listWatch(servers: Servers): ResultCacheParts['watch'] {
  const face = { principalId: '', capabilities: '{}', info: null, logLevel: null };
  const interest = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true, resourceUris: [] };
  return (server, onEvent) =>
    servers.watch(server, face, interest, (event) => {
      if (event.kind === 'resourceUpdated') onEvent({ kind: 'resource', uri: event.uri });
      else onEvent({ kind: 'list', group: groupsByEvent[event.kind] });
    });
}

/** Tells the cache of a notification that passes. */
export function notice(call: Call, server: Server, json: Buffer | null): void {
  if (json === null || !json.includes('"notifications/')) return;
  const event = eventOf(json);
  if (event !== null) call.rail.cache.changed(server, event);
}

const invalidParams = -32_602;
const groupsByEvent = { toolsListChanged: 'tools', promptsListChanged: 'prompts', resourcesListChanged: 'resources' } as const;
const groupsByNotification: Readonly<Record<string, 'tools' | 'prompts' | 'resources'>> = {
  'notifications/tools/list_changed': 'tools',
  'notifications/prompts/list_changed': 'prompts',
  'notifications/resources/list_changed': 'resources',
};

function eventOf(json: Buffer): CacheEvent | null {
  let message: unknown;
  try {
    message = JSON.parse(json.toString('utf8'));
  } catch {
    return null;
  }
  if (typeof message !== 'object' || message === null || !('method' in message) || typeof message.method !== 'string') return null;
  const group = Object.hasOwn(groupsByNotification, message.method) ? groupsByNotification[message.method] : undefined;
  if (group !== undefined) return { kind: 'list', group };
  const params = 'params' in message ? message.params : undefined;
  const uri = typeof params === 'object' && params !== null && 'uri' in params ? params.uri : undefined;
  return message.method === 'notifications/resources/updated' && typeof uri === 'string' ? { kind: 'resource', uri } : null;
}

function question(call: Call, server: Server, method: string, name: string, params: Buffer, more: readonly string[]): CacheQuestion | null {
  const text = requestText(params);
  if (text === null || call.principal === null) return null;
  const { id: principalId, data } = call.principal;
  return { server, principalId, organizationId: data.organizationId, method, name, depends: [text, variantOf(call) ?? '', ...more] };
}

function noteHit(call: Call, { shared, ttlMs }: Extract<CacheAnswer, { kind: 'hit' }>): void {
  call.record.cache = shared ? 'shared' : 'hit';
  // RFC 9211.
  call.headers.push('Cache-Status', `gatewayops; ${shared ? 'fwd=miss; collapsed' : 'hit'}; ttl=${Math.floor(ttlMs / 1000)}`);
}

function keeps({ cache }: Server, method: string, name: string): boolean {
  return cache !== null && groupOf(cache, method, name) !== null;
}

/** An answer from the cache is JSON. */
function takesJson({ inbound: { accept } }: Call): boolean {
  return accept === undefined || accept.includes('application/json') || accept.includes('*/*') || accept.includes('application/*');
}

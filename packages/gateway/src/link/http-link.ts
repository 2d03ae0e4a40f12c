/**
 * link: how does a client whose messages go both ways on one connection (WebSocket, HTTP+SSE, standard streams) reach an endpoint of
 * streamable HTTP? Imports `kernel/`, `protocol/`; types from other rooms. Promises: every message of a client is one POST with the
 * client's own credential, so whatever holds for POST holds for it; messages go on byte for byte; everything is bounded.
 *
 * This file: the mapping. Source: 2026-07-28 and 2025-11-25, transports.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { isModernVersion } from '../protocol/versions.ts';
import { readClientMessage, mirrorHeaders, objectOf, type ClientMessage } from './client-message.ts';
import { textKey } from './json-id.ts';
import { oneLine, rpcError, serverRefusal } from './link-error.ts';
import { createLegacySession, type LegacySession } from './legacy-session.ts';
import { createMirroredParameters } from './mirrored-parameters.ts';
import { sendHttp, type HttpExchange, type HttpOutcome, type HttpRequest, type OpenRequest } from './send-http.ts';

export interface HttpLink {
  /** One message of the client. What is wrong with it is answered as JSON-RPC says; nothing is thrown. */
  take(message: Buffer): void;
  /** Stops and goes on reading replies: the client does not take what it gets. */
  hold(): void;
  release(): void;
  /** Requests without an answer, but for those that stay open by nature (`subscriptions/listen`). */
  readonly inFlight: number;
  /** Ends everything that is under way, and the session. Resolves when the server has been told, or could not be. */
  close(): Promise<void>;
}

export interface HttpLinkOptions {
  readonly open: OpenRequest;
  /** Sent with every request: authorization, host and the like, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** A message for the client, in one line. */
  readonly deliver: (message: string) => void;
  /** The gateway refused the credential: nothing on this link will work any more. */
  readonly onUnauthorized?: () => void;
  /** A request got no answer, for this reason; its client is told as well. */
  readonly onTrouble?: (fault: Fault) => void;
  /** Where the endpoint is, for people. */
  readonly where: string;
  /** How long a request that could not be sent is tried again; 0: not at all. */
  readonly reconnectMs: number;
}

/** A request of the client that has no answer yet. */
interface Call {
  readonly message: ClientMessage;
  readonly id: string;
  readonly modern: boolean;
  exchange: HttpExchange | null;
  answered: boolean;
  cancelled: boolean;
}

const jsonType = 'application/json';
const acceptBoth = 'application/json, text/event-stream';
const longLived = 'subscriptions/listen';
const readsOnly = /^(?:ping|server\/discover|(?:tools|prompts|resources|resources\/templates)\/list|resources\/read|prompts\/get)$/;
const headerMismatchCode = -32020;
const relistPagesMax = 20;
const reconnectPauseMs = { first: 100, last: 2_000 };

export function createHttpLink(options: HttpLinkOptions): HttpLink {
  const calls = new Map<string, Call>();
  const exchanges = new Set<HttpExchange>();
  const parameters = createMirroredParameters();
  /** What must be over before the next message may go: the parts of a handshake, which a connection brings in order and POSTs do not. */
  let handshake: Promise<void> | null = null;
  let queued = 0;
  let held = false;
  let closed = false;
  let modernVersion = '';
  const session: LegacySession = createLegacySession({ exchange, deliver, isClosed: () => closed, onUnauthorized: refused });

  function take(bytes: Buffer): void {
    if (closed) return;
    const message = readClientMessage(oneLine(bytes));
    if (message === null) return deliver(rpcError(new Fault('parse_error', { reason: 'it is not one complete JSON document' }), null));
    if (message.claim !== null && isModernVersion(message.claim)) modernVersion = message.claim;
    if (message.method === 'notifications/cancelled' && cancel(message)) return;
    if (message.kind === 'request') return begin(message, message.id ?? '');
    if (queued >= bounds.linkInFlightMax) return;
    inTurn(message, () => notify(message));
  }

  function begin(message: ClientMessage, id: string): void {
    if (calls.has(message.idKey)) return deliver(rpcError(new Fault('invalid_request', { reason: 'a request with this id is under way' }), id));
    if (calls.size >= bounds.linkInFlightMax) return deliver(rpcError(new Fault('too_many_calls', { limit: bounds.linkInFlightMax }), id));
    const call: Call = { message, id, modern: isModern(message), exchange: null, answered: false, cancelled: false };
    calls.set(message.idKey, call);
    inTurn(message, async () => {
      try {
        await (message.method === 'initialize' && !call.modern ? initialize(call) : ask(call));
      } finally {
        if (calls.get(message.idKey) === call) calls.delete(message.idKey);
      }
    });
  }

  /** At once, unless a handshake is under way; what belongs to a handshake holds back what comes after it. */
  function inTurn(message: ClientMessage, act: () => Promise<void>): void {
    const isPart = message.claim === null && (message.method === 'initialize' || message.method === 'notifications/initialized');
    if (handshake === null && !isPart) return void act().catch(() => undefined);
    queued++;
    const turn = (handshake ?? Promise.resolve()).then(() => {
      queued--;
      if (closed) return undefined;
      const acting = act().catch(() => undefined);
      return isPart ? acting : undefined;
    });
    handshake = turn;
    void turn.then(() => {
      if (handshake === turn) handshake = null;
    });
  }

  /** A modern request is cancelled by closing its stream. True where the notification goes no further. */
  function cancel(message: ClientMessage): boolean {
    const call = calls.get(textKey(message.params?.['requestId'], message.bytes, ['params', 'requestId']));
    if (call === undefined) return isModern(message) || !session.open;
    call.cancelled = true;
    if (!call.modern) return false;
    calls.delete(call.message.idKey);
    call.exchange?.abort();
    return true;
  }

  async function initialize(call: Call): Promise<void> {
    await session.begin(call.message.bytes);
    await ask(call, (json) => session.answered(objectOf(json['result'])));
  }

  /** POSTs a request until it is answered, as far as trying again is safe. */
  async function ask(call: Call, onResponse: (json: Readonly<Record<string, unknown>>) => void = learn(call)): Promise<void> {
    let renewed = false;
    let relisted = false;
    while (!closed && !call.cancelled) {
      if (!call.modern && session.renewing !== null) await session.renewing;
      const { generation, id: sessionId } = session;
      const outcome = await post(call, onResponse);
      if (call.answered || closed || (call.cancelled && call.modern)) return;
      if (outcome.kind === 'stream') {
        if (
          !call.modern &&
          outcome.place.lastEventId !== null &&
          (await session.takeUp(
            outcome.place,
            (data) => event(call, data, onResponse),
            () => call.answered || call.cancelled,
          ))
        )
          return;
        if (!call.answered) refuse(call, new Fault('upstream_reset', { server: options.where }));
        return;
      }
      if (outcome.kind === 'none') return refuse(call, unreached(outcome));
      const { status, body } = outcome;
      const json = parsed(body.toString('utf8'));
      const code = objectOf(json?.['error'])?.['code'];
      if (status === 404 && !call.modern && sessionId !== null && !renewed && call.message.method !== 'initialize' && code !== -32601) {
        renewed = true;
        if (await session.renew(generation)) continue;
      }
      if (call.modern && code === headerMismatchCode && call.message.method === 'tools/call' && !relisted) {
        relisted = true;
        if (await relist(call)) continue;
      }
      answer(call, status, body, json, onResponse);
      if (status === 401) refused();
      return;
    }
  }

  async function post(call: Call, onResponse: (json: Readonly<Record<string, unknown>>) => void): Promise<HttpOutcome> {
    const { message } = call;
    const headers = call.modern ? mirrorHeaders(message, message.claim ?? modernVersion, mirroredOf(message)) : session.headers(message.method);
    const sent = { method: 'POST', headers: { ...headers, accept: acceptBoth, 'content-type': jsonType }, body: message.bytes } as const;
    const until = performance.now() + options.reconnectMs;
    // A kept connection that has just been closed is known for that in the next turn; to be sent on it the request would be lost.
    if (options.reconnectMs > 0) await new Promise((resolve) => setImmediate(resolve));
    for (let pauseMs = reconnectPauseMs.first; ; pauseMs = Math.min(pauseMs * 2, reconnectPauseMs.last)) {
      if (closed || (call.cancelled && call.modern)) return { kind: 'none', sent: false, error: new Error('cancelled') };
      const sending = exchange(
        sent,
        (data) => event(call, data, onResponse),
        (status, received) => {
          if (message.method === 'initialize' && !call.modern && status === 200) session.opened(received['mcp-session-id']);
        },
      );
      call.exchange = sending;
      const outcome = await sending.outcome;
      call.exchange = null;
      if (outcome.kind !== 'none' || call.cancelled || performance.now() + pauseMs > until) return outcome;
      // Nothing has left: to send it again sends it once. What only reads may be sent twice.
      if (outcome.sent && !readsOnly.test(message.method)) return outcome;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  function event(call: Call, data: string, onResponse: (json: Readonly<Record<string, unknown>>) => void): void {
    const json = parsed(data);
    if (json !== null && isAnswer(call, json, data)) {
      if (call.answered) return;
      call.answered = true;
      onResponse(json);
    }
    deliver(data);
  }

  /** The one message of a reply that is no stream. */
  function answer(
    call: Call,
    status: number,
    body: Buffer,
    json: Readonly<Record<string, unknown>> | null,
    onResponse: (json: Readonly<Record<string, unknown>>) => void,
  ): void {
    if (call.cancelled && !call.modern && body.length === 0) return;
    call.answered = true;
    if (json !== null && isAnswer(call, json, body)) {
      onResponse(json);
      return deliver(body.toString('utf8'));
    }
    deliver(serverRefusal(status, body, json, call.id, options.where));
  }

  /** A notification or a response; what comes of it concerns nobody, but for a session that is gone. */
  async function notify(message: ClientMessage): Promise<void> {
    const modern = isModern(message);
    const version = message.claim ?? modernVersion;
    for (let attempt = 0; attempt < 2 && !closed; attempt++) {
      if (!modern && session.renewing !== null) await session.renewing;
      const { generation, id: sessionId } = session;
      const headers = modern ? mirrorHeaders(message, version, []) : session.headers(message.method);
      const sent = { method: 'POST', headers: { ...headers, accept: acceptBoth, 'content-type': jsonType }, body: message.bytes } as const;
      const outcome = await exchange(sent, deliver).outcome;
      if (outcome.kind === 'body') {
        if (outcome.status === 401) refused();
        if (outcome.status === 404 && !modern && sessionId !== null && (await session.renew(generation))) continue;
        // A batch is answered by one body; what else is refused without an id is told as well, for nobody waits for it.
        if (message.kind === 'other' && outcome.body.length > 0) deliver(outcome.body.toString('utf8'));
      } else if (message.kind === 'other' && outcome.kind === 'none') deliver(rpcError(unreached(outcome), null));
      if (message.method === 'notifications/initialized' && !modern) session.initialized();
      return;
    }
  }

  /** Reads the tools' annotations anew; true where the call has something to mirror now. */
  async function relist(call: Call): Promise<boolean> {
    const version = call.message.claim ?? modernVersion;
    const meta = objectOf(call.message.params?.['_meta']) ?? {};
    const envelope = Object.fromEntries(Object.entries(meta).filter(([key]) => key.startsWith('io.modelcontextprotocol/') && !key.endsWith('/logLevel')));
    let cursor: unknown;
    for (let page = 0; page < relistPagesMax && !call.cancelled && !closed; page++) {
      const body = JSON.stringify({
        jsonrpc: '2.0',
        id: `link-${page}`,
        method: 'tools/list',
        params: { ...(cursor === undefined ? {} : { cursor }), _meta: envelope },
      });
      const headers = { 'mcp-protocol-version': version, 'mcp-method': 'tools/list', accept: acceptBoth, 'content-type': jsonType };
      let text = '';
      const outcome = await exchange({ method: 'POST', headers, body: Buffer.from(body) }, (data) => (text = data)).outcome;
      const result = objectOf(parsed(outcome.kind === 'body' ? outcome.body.toString('utf8') : text)?.['result']);
      if (result === null) break;
      parameters.learn(result);
      if (mirroredOf(call.message).length > 0) return true;
      cursor = result['nextCursor'];
      if (typeof cursor !== 'string') break;
    }
    return false;
  }

  function learn(call: Call): (json: Readonly<Record<string, unknown>>) => void {
    return (json) => {
      if (call.modern && call.message.method === 'tools/list') parameters.learn(json['result']);
      else if (!call.modern && json['result'] !== undefined) session.done(call.message);
    };
  }

  function mirroredOf({ method, params }: ClientMessage): readonly string[] {
    const name = params?.['name'];
    return method === 'tools/call' && typeof name === 'string' ? parameters.headersOf(name, params?.['arguments']) : [];
  }

  function isModern(message: ClientMessage): boolean {
    if (message.claim !== null) return isModernVersion(message.claim);
    // A notification need not say its version: it is of the era that the connection has.
    return message.kind === 'notification' && !session.open && modernVersion !== '';
  }

  function exchange(
    request: HttpRequest,
    onEvent: (data: string) => void,
    onHead: (status: number, headers: IncomingHttpHeaders) => void = () => undefined,
  ): HttpExchange {
    const sending = sendHttp(options.open, { ...request, headers: { ...options.headers, ...request.headers } }, { head: onHead, event: onEvent });
    exchanges.add(sending);
    if (held) sending.pause();
    void sending.outcome.then(() => exchanges.delete(sending));
    return sending;
  }

  function refuse(call: Call, fault: Fault): void {
    call.answered = true;
    if (call.cancelled || closed) return;
    options.onTrouble?.(fault);
    deliver(rpcError(fault, call.id));
  }

  function unreached(outcome: Extract<HttpOutcome, { kind: 'none' }>): Fault {
    return outcome.sent
      ? new Fault('upstream_reset', { server: options.where }, { cause: outcome.error })
      : new Fault('gateway_unreachable', { where: options.where }, { cause: outcome.error });
  }

  function refused(): void {
    if (closed) return;
    options.onTrouble?.(new Fault('unauthorized'));
    options.onUnauthorized?.();
  }

  function deliver(message: string): void {
    if (!closed) options.deliver(/[\n\r]/.test(message) ? message.replaceAll(/[\n\r]/g, ' ') : message);
  }

  return {
    take,
    hold() {
      held = true;
      for (const one of exchanges) one.pause();
    },
    release() {
      held = false;
      for (const one of exchanges) one.resume();
    },
    get inFlight() {
      let count = 0;
      for (const { message } of calls.values()) if (message.method !== longLived) count++;
      return count;
    },
    async close() {
      if (closed) return;
      closed = true;
      const ended = session.end();
      const open = [...exchanges];
      calls.clear();
      const telling = new Set(ended === null ? [] : [ended]);
      for (const one of open) if (!telling.has(one)) one.abort();
      await ended?.outcome;
    },
  };
}

function isAnswer({ message }: Call, json: Readonly<Record<string, unknown>>, text: string | Buffer): boolean {
  return json['method'] === undefined && textKey(json['id'], text, ['id']) === message.idKey;
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return null;
  }
}

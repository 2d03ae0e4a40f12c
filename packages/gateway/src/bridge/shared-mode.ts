import { Fault } from '../kernel/fault.ts';
import { accept, type BridgeRequest } from './bridge-request.ts';
import type { BridgeLimits } from './bridge-options.ts';
import { callTable, type Call } from './call-table.ts';
import type { Child, ChildEnd } from './child-process.ts';
import { keptChild } from './kept-child.ts';
import type { Launcher } from './launcher.ts';
import type { LegacyBackend } from './legacy-endpoint.ts';
import type { Exchange, LegacySession } from './legacy-session.ts';
import { keyOf, objectOf, rawValue, type RpcMessage } from './message.ts';
import { rpcError } from './rpc-error.ts';
import { bridgeInfo, legacyProbeVersion } from './server-probe.ts';
import { giveUpSoon, notWritten } from './session-mode.ts';
import { silenceWatch } from './silence-watch.ts';
import { findValues, splice } from '../kernel/splice-json.ts';
import { subscriptionTable } from './subscription-table.ts';

interface Waiting {
  readonly session: LegacySession;
  readonly exchange: Exchange;
  readonly uri: string | null;
}

/**
 * One process for all legacy sessions. It is initialized once, without client capabilities: there is no one client who
 * could answer what it asks. Ids and progress tokens become numbers of the bridge and are put back; nothing that
 * cannot be told to belong to one client is sent to any.
 */
export function sharedMode(dependencies: {
  name: string;
  launcher: Launcher;
  limits: BridgeLimits;
  onSessionLost: (session: LegacySession) => void;
}): SharedMode {
  const { name, launcher, limits, onSessionLost } = dependencies;
  const sessions = new Set<LegacySession>();
  const calls = callTable<Waiting>();
  const numbers = new WeakMap<Exchange, Call<Waiting>>();
  const subscriptions = subscriptionTable<LegacySession>();
  let initializeResult = '';
  let protocolVersion = '';
  let droppedMessages = 0;

  const kept = keptChild({ role: 'shared', launcher, limits, prepare, onMessage, onDown });
  const watch = silenceWatch(limits.unansweredMax, signOfLife, () => kept.recycle('it does not answer'));

  async function prepare(child: Child): Promise<void> {
    const params = JSON.stringify({ protocolVersion: legacyProbeVersion, capabilities: {}, clientInfo: bridgeInfo });
    const answer = await kept.ask(child, 'initialize', params, limits.startTimeoutMs);
    const version = objectOf(answer?.message.value['result'])?.['protocolVersion'];
    const result = answer === null ? null : rawValue(answer.line, ['result']);
    if (typeof version !== 'string' || result === null) throw new Error('it did not answer initialize with a result');
    initializeResult = result;
    protocolVersion = version;
    child.send('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  }

  async function signOfLife(): Promise<boolean> {
    const child = kept.current;
    return child === null || (await kept.ask(child, 'ping', '{}', limits.probeTimeoutMs)) !== null;
  }

  function onMessage(child: Child, message: RpcMessage, line: Buffer): void {
    if (message.kind === 'response') {
      const call = calls.settle(message);
      if (call === null) return;
      watch.answered();
      const { uri, session } = call.owner;
      if (uri !== null && message.value['error'] !== undefined) subscriptions.remove(session, uri);
      session.answer(call.owner.exchange, calls.restore(line, call));
    } else if (message.kind === 'request') {
      const id = rawValue(line, ['id']) ?? 'null';
      child.send(
        message.method === 'ping'
          ? `{"jsonrpc":"2.0","id":${id},"result":{}}`
          : rpcError(new Fault('method_not_found', { method: message.method.slice(0, 100) }), id),
      );
    } else if (message.method === 'notifications/progress') {
      const call = calls.progressing(message);
      if (call === null) droppedMessages++;
      else call.owner.exchange.reply.event(calls.restore(line, call));
    } else if (message.method.endsWith('/list_changed')) {
      for (const session of sessions) session.notify(line);
    } else if (message.method === 'notifications/resources/updated') {
      for (const session of subscriptions.holders(String(message.params?.['uri']))) session.notify(line);
    } else {
      // A log message or an unknown notification: of which client's call it speaks cannot be told.
      droppedMessages++;
    }
  }

  function onDown(end: ChildEnd): void {
    for (const call of calls.calls()) calls.drop(call);
    for (const session of sessions) {
      session.end(new Fault('upstream_reset', { server: name }, { cause: end.reason }));
      onSessionLost(session);
    }
    sessions.clear();
    subscriptions.clear();
  }

  function child(): Child {
    if (kept.current === null) throw launcher.unavailable();
    return kept.current;
  }

  /** `uri` is what the request subscribes to. */
  function relay(session: LegacySession, request: BridgeRequest, uri: string | null = null): void {
    const process = child();
    const exchange = session.open(request, process, () => watch.unanswered());
    const { call, line } = calls.open(request, { session, exchange, uri });
    numbers.set(exchange, call);
    if (process.send(line)) return;
    calls.drop(call);
    exchange.reply.refuse(notWritten(name, process));
    session.cancel(exchange);
  }

  /** Subscriptions are the process's, so only the first of a URI and the last to leave it reach the process. */
  function subscribe(session: LegacySession, request: BridgeRequest): void {
    const uri = request.message.params?.['uri'];
    if (typeof uri !== 'string') return relay(session, request);
    const subscribing = request.message.method === 'resources/subscribe';
    const reaches = subscribing ? subscriptions.add(session, uri) : subscriptions.remove(session, uri);
    if (reaches) return relay(session, request, subscribing ? uri : null);
    session.answer(
      session.open(request, child(), () => undefined),
      `{"jsonrpc":"2.0","id":${request.id},"result":{}}`,
    );
  }

  return {
    async initialize(session, request) {
      const process = await kept.ready();
      sessions.add(session);
      session.protocolVersion = protocolVersion;
      const exchange = session.open(
        request,
        process,
        () => undefined,
        () => ({ 'mcp-session-id': session.id }),
      );
      session.answer(exchange, `{"jsonrpc":"2.0","id":${request.id},"result":${initializeResult}}`);
    },
    post(session, request) {
      const { message, line } = request;
      if (message.method === 'resources/subscribe' || message.method === 'resources/unsubscribe') return subscribe(session, request);
      if (message.kind === 'request') return relay(session, request);
      accept(request);
      if (message.method !== 'notifications/cancelled') return;
      const exchange = session.exchanges.get(keyOf(message.params?.['requestId'], line, ['params', 'requestId']));
      const call = exchange === undefined ? undefined : numbers.get(exchange);
      if (call === undefined) return;
      const edits = findValues(line, [['params', 'requestId']]).map(({ start, end }) => ({ start, end, text: String(call.number) }));
      kept.current?.send(splice(line, edits));
      giveUpSoon(session, exchange, watch);
    },
    source: (session) => (sessions.has(session) ? kept.current : null),
    end(session) {
      if (!sessions.delete(session)) return;
      for (const call of calls.calls()) {
        if (call.owner.session !== session) continue;
        calls.drop(call);
        kept.current?.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${call.number},"reason":"the session has ended"}}`);
      }
      for (const uri of subscriptions.leave(session)) void unsubscribe(uri);
    },
    state: () => (kept.current === null ? { ready: false, reason: launcher.lastFailure ?? 'its process is starting' } : { ready: true, reason: null }),
    start: () => void kept.ready().catch(() => undefined),
    stop: () => kept.stop(),
    get droppedMessages() {
      return droppedMessages;
    },
  };

  async function unsubscribe(uri: string): Promise<void> {
    if (kept.current !== null) await kept.ask(kept.current, 'resources/unsubscribe', JSON.stringify({ uri }), limits.probeTimeoutMs);
  }
}

export interface SharedMode extends LegacyBackend {
  /** Starts the process before anybody asks for it. */
  start(): void;
  stop(): void;
  /** Messages of the process that belonged to no one client. */
  readonly droppedMessages: number;
}

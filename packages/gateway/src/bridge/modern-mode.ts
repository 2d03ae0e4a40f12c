import { Fault } from '../kernel/fault.ts';
import { accept, type BridgeRequest } from './bridge-request.ts';
import type { BridgeLimits } from './bridge-options.ts';
import { callTable, type Call } from './call-table.ts';
import type { Child } from './child-process.ts';
import { keptChild } from './kept-child.ts';
import type { Launcher } from './launcher.ts';
import { clientCapabilitiesKey, clientInfoKey, envelopeVersion, logLevelKey, objectOf, protocolVersionKey, rawValue, type RpcMessage } from './message.ts';
import { replyStream, type ReplyStream } from './reply-stream.ts';
import { rpcError } from './rpc-error.ts';
import { bridgeInfo, modernProbeVersion } from './server-probe.ts';
import { notWritten } from './session-mode.ts';
import { silenceWatch } from './silence-watch.ts';

/** Stateless requests (2026-07-28) of any number of clients over one process. */
export interface ModernMode {
  /** Faults before anything was answered. */
  post(request: BridgeRequest): Promise<void>;
  start(): void;
  stop(): void;
  state(): { readonly ready: boolean; readonly reason: string | null };
  readonly inFlight: number;
  readonly droppedMessages: number;
}

interface Waiting {
  readonly reply: ReplyStream;
  /** The request asked for log messages (`_meta` logLevel). */
  readonly logs: boolean;
}

/** HTTP status of an error that this revision gives one (2026-07-28, streamable HTTP); all others are answers like any. */
const errorStatus: Readonly<Record<number, number>> = { [-32601]: 404, [-32020]: 400, [-32021]: 400, [-32022]: 400 };

export function modernMode(dependencies: { name: string; launcher: Launcher; limits: BridgeLimits }): ModernMode {
  const { name, launcher, limits } = dependencies;
  const calls = callTable<Waiting>();
  let droppedMessages = 0;

  const kept = keptChild({
    role: 'modern',
    launcher,
    limits,
    prepare: () => Promise.resolve(),
    onMessage,
    onDown(end) {
      const fault = new Fault('upstream_reset', { server: name }, { cause: end.reason });
      for (const call of calls.calls()) {
        calls.drop(call);
        call.owner.reply.refuse(fault);
      }
    },
  });
  const watch = silenceWatch(limits.unansweredMax, signOfLife, () => kept.recycle('it does not answer'));

  async function signOfLife(): Promise<boolean> {
    const child = kept.current;
    const meta = { [protocolVersionKey]: modernProbeVersion, [clientInfoKey]: bridgeInfo, [clientCapabilitiesKey]: {} };
    return child === null || (await kept.ask(child, 'server/discover', JSON.stringify({ _meta: meta }), limits.probeTimeoutMs)) !== null;
  }

  function onMessage(child: Child, message: RpcMessage, line: Buffer): void {
    if (message.kind === 'response') {
      const call = calls.settle(message);
      if (call === null) return;
      watch.answered();
      const code = objectOf(message.value['error'])?.['code'];
      call.owner.reply.answer(calls.restore(line, call), typeof code === 'number' ? errorStatus[code] : undefined);
    } else if (message.kind === 'request') {
      // This revision has none from a server; left unanswered it would wait for ever.
      child.send(rpcError(new Fault('method_not_found', { method: message.method.slice(0, 100) }), rawValue(line, ['id']) ?? 'null'));
    } else {
      const call = calls.progressing(message) ?? calls.subscribed(message) ?? (message.method === 'notifications/message' ? logging() : null);
      if (call === null) droppedMessages++;
      else call.owner.reply.event(calls.restore(line, call));
    }
  }

  /** A log message names no request. Where one request in flight asked for logs it is that one's; of several it cannot be told. */
  function logging(): Call<Waiting> | null {
    let only: Call<Waiting> | null = null;
    for (const call of calls.calls()) {
      if (!call.owner.logs) continue;
      if (only !== null) return null;
      only = call;
    }
    return only;
  }

  return {
    async post(request) {
      if (request.message.kind !== 'request') return accept(request);
      if (calls.size >= limits.inFlightMax)
        throw new Fault('upstream_unavailable', { server: name, reason: `${limits.inFlightMax} calls are waiting` }, { extra: { retry_after: 1 } });
      const child = await kept.ready();
      // The stream was closed while the process started: the call is cancelled before it was made.
      if (request.response.destroyed) return;
      let call: Call<Waiting> | null = null;
      const reply = replyStream({
        response: request.response,
        acceptsEvents: request.acceptsEvents,
        id: request.id,
        source: child,
        limits,
        log: null,
        stream: 0,
        primed: false,
        headers: () => ({}),
        onDetached() {
          if (call === null) return;
          calls.drop(call);
          reply.close();
          child.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${call.number},"reason":"the client closed the stream"}}`);
          // A listen is ended this way by every client; that says nothing about the process.
          if (request.message.method !== 'subscriptions/listen') watch.unanswered();
        },
      });
      const opened = calls.open(request, { reply, logs: wantsLogs(request.message) });
      call = opened.call;
      if (child.send(opened.line)) return;
      calls.drop(call);
      reply.refuse(notWritten(name, child));
    },
    start: () => void kept.ready().catch(() => undefined),
    stop: () => kept.stop(),
    state: () => (kept.current === null ? { ready: false, reason: launcher.lastFailure ?? 'its process is starting' } : { ready: true, reason: null }),
    get inFlight() {
      return calls.size;
    },
    get droppedMessages() {
      return droppedMessages;
    },
  };
}

function wantsLogs(message: RpcMessage): boolean {
  return envelopeVersion(message) !== null && typeof objectOf(message.params?.['_meta'])?.[logLevelKey] === 'string';
}

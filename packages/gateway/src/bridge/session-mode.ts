import { randomUUID } from 'node:crypto';
import { Fault } from '../kernel/fault.ts';
import { accept, type BridgeRequest } from './bridge-request.ts';
import type { BridgeLimits } from './bridge-options.ts';
import type { Child, ChildEnd } from './child-process.ts';
import type { LegacyBackend } from './legacy-endpoint.ts';
import type { Exchange, LegacySession } from './legacy-session.ts';
import type { Launcher } from './launcher.ts';
import { keyOf, objectOf, type RpcMessage } from './message.ts';
import { silenceWatch, type SilenceWatch } from './silence-watch.ts';

/**
 * One process a legacy session. Every message goes through byte for byte, both ways; ids are read, never changed.
 */
export function sessionMode(dependencies: {
  name: string;
  launcher: Launcher;
  limits: BridgeLimits;
  onSessionLost: (session: LegacySession) => void;
}): LegacyBackend {
  const { name, launcher, limits, onSessionLost } = dependencies;
  const seats = new Map<LegacySession, Seat>();

  interface Seat {
    readonly child: Child;
    readonly watch: SilenceWatch;
    /** Pings of the bridge, by id. */
    readonly pings: Map<string, () => void>;
  }

  async function initialize(session: LegacySession, request: BridgeRequest): Promise<void> {
    const pings = new Map<string, () => void>();
    const child = await launcher.start('session', {
      onMessage: (message, line) => toClient(session, message, line),
      onEnd: (end) => lost(session, end),
    });
    // The caller may have gone while the program was looked up.
    if (request.response.destroyed) {
      void child.stop('its client went away');
      throw new Fault('upstream_reset', { server: name });
    }
    const watch = silenceWatch(
      limits.unansweredMax,
      () => ping(child, pings),
      () => void child.stop('it does not answer'),
    );
    seats.set(session, { child, watch, pings });
    let refused = false;
    const exchange = session.open(
      request,
      child,
      () => watch.unanswered(),
      () => (refused ? {} : { 'mcp-session-id': session.id }),
    );
    handshakes.set(exchange, (answer) => {
      const result = objectOf(answer.value['result']);
      refused = result === null;
      if (typeof result?.['protocolVersion'] === 'string') session.protocolVersion = result['protocolVersion'];
    });
    if (!child.send(request.line)) void child.stop('it does not read its input');
  }

  /** What is to be learned from the answer to `initialize`. */
  const handshakes = new WeakMap<Exchange, (answer: RpcMessage) => void>();

  function toClient(session: LegacySession, message: RpcMessage, line: Buffer): void {
    const seat = seats.get(session);
    if (seat === undefined) return;
    if (message.kind === 'response') {
      seat.watch.answered();
      const pong = seat.pings.get(message.idKey);
      if (pong !== undefined) return pong();
      const exchange = session.exchanges.get(message.idKey);
      if (exchange === undefined) return;
      const handshake = handshakes.get(exchange);
      handshake?.(message);
      session.answer(exchange, line);
      if (handshake !== undefined && session.protocolVersion === '') onSessionLost(session);
      return;
    }
    const exchange = owner(session, message, line);
    if (exchange === null) session.notify(line);
    else exchange.reply.event(line);
  }

  function lost(session: LegacySession, end: ChildEnd): void {
    if (!seats.delete(session)) return;
    session.end(new Fault('upstream_reset', { server: name }, { cause: end.reason }));
    onSessionLost(session);
  }

  return {
    initialize,
    post(session, request) {
      const seat = seats.get(session);
      if (seat === undefined) throw new Fault('session_not_found');
      const { message, line } = request;
      if (message.kind === 'request') {
        const exchange = session.open(request, seat.child, () => seat.watch.unanswered());
        if (!seat.child.send(line)) {
          exchange.reply.refuse(notWritten(name, seat.child));
          session.cancel(exchange);
        }
        return;
      }
      if (!seat.child.send(line)) throw notWritten(name, seat.child);
      accept(request);
      if (message.method === 'notifications/cancelled')
        giveUpSoon(session, session.exchanges.get(keyOf(message.params?.['requestId'], line, ['params', 'requestId'])), seat.watch);
    },
    source: (session) => seats.get(session)?.child ?? null,
    end(session, reason) {
      const seat = seats.get(session);
      seats.delete(session);
      void seat?.child.stop(reason);
    },
    state: () => ({ ready: true, reason: null }),
  };

  function ping(child: Child, pings: Map<string, () => void>): Promise<boolean> {
    const id = `gatewayops-${randomUUID()}`;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timeout = setTimeout(() => resolve(false), limits.probeTimeoutMs);
    pings.set(`s${id}`, () => resolve(true));
    if (!child.send(`{"jsonrpc":"2.0","id":"${id}","method":"ping"}`)) resolve(false);
    return promise.finally(() => {
      clearTimeout(timeout);
      pings.delete(`s${id}`);
    });
  }
}

/** Why a message could not be written to the process. */
export function notWritten(name: string, child: Child): Fault {
  if (!child.writable) return new Fault('upstream_reset', { server: name });
  return new Fault('upstream_unavailable', { server: name, reason: 'its process does not read its input' }, { extra: { retry_after: 1 } });
}

/** A cancelled request gets no answer; one that was on its way when the cancellation came still arrives within this time. */
const cancelGraceMs = 1_000;

export function giveUpSoon(session: LegacySession, exchange: Exchange | undefined, watch: SilenceWatch): void {
  if (exchange === undefined) return;
  setTimeout(() => {
    if (session.exchanges.get(exchange.key) !== exchange) return;
    session.cancel(exchange);
    watch.unanswered();
  }, cancelGraceMs).unref();
}

/**
 * Which request's reply carries a message of the process: the one whose progress it tells; for news about lists and
 * resources the GET stream, if there is one; else the oldest request in flight. Null: the GET stream.
 */
function owner(session: LegacySession, message: RpcMessage, line: Buffer): Exchange | null {
  if (message.method === 'notifications/progress') {
    const token = keyOf(message.params?.['progressToken'], line, ['params', 'progressToken']);
    for (const exchange of session.exchanges.values()) if (token !== '' && exchange.tokenKey === token && exchange.reply.acceptsEvents) return exchange;
  }
  const ofNoRequest = message.method.endsWith('/list_changed') || message.method === 'notifications/resources/updated';
  return ofNoRequest && session.listening ? null : session.oldest();
}

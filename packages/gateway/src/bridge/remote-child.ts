import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { guardLookup, networksOf, refusedAddressCode } from '../kernel/outward-address.ts';
import type { BridgeLimits, BridgeRemote } from './bridge-options.ts';
import type { Child, ChildHandlers } from './child-process.ts';
import { asOneLine, readLine } from './message.ts';

export interface RemoteDependencies {
  readonly log: Log;
  readonly limits: BridgeLimits;
  readonly clock: Clock;
}

/** What a kind of connection does for the rest of a child. */
export interface RemoteWire {
  /** One message. False where so much waits that no more may. */
  send(line: Buffer): boolean;
  readonly writable: boolean;
  pause(): void;
  resume(): void;
  /** Ends the connection in order; `cut` ends it at once. */
  close(): void;
  cut(): void;
}

/** What a connection tells of itself. */
export interface RemoteEvents {
  message(text: Buffer): void;
  /** The connection is over, or of no use: said once. */
  lost(reason: string): void;
}

/** A connection to a server as a child: the messages of one are those of the other, and its end is the process's end. */
export function remoteChild({ log, limits, clock }: RemoteDependencies, handlers: ChildHandlers, connect: (events: RemoteEvents) => RemoteWire): Child {
  const counters = { messagesIn: 0, messagesOut: 0, skippedLines: 0 };
  const holders = new Set<object>();
  const { promise: gone, resolve: whenGone } = Promise.withResolvers<void>();
  let asked: string | null = null;
  let ended = false;

  const wire = connect({
    message(text) {
      if (ended) return;
      const line = asOneLine(text);
      const message = readLine(line);
      if (message === null) {
        counters.skippedLines++;
        if (counters.skippedLines === 1) log.warn('bridge.message_skipped', { bytes: line.length });
        return;
      }
      counters.messagesOut++;
      handlers.onMessage(message, line);
    },
    lost(reason) {
      if (ended) return;
      ended = true;
      wire.cut();
      log.info('bridge.child_ended', { reason: asked ?? reason, asked: asked !== null });
      handlers.onEnd({ reason: asked ?? reason, asked: asked !== null });
      whenGone();
    },
  });

  return {
    pid: null,
    gone,
    startedAtMs: clock.nowMs(),
    counters,
    stderrBytes: 0,
    droppedBytes: 0,
    get ending() {
      return ended || asked !== null;
    },
    get writable() {
      return !ended && wire.writable;
    },
    send(line) {
      if (ended || !wire.writable) return false;
      if (!wire.send(typeof line === 'string' ? Buffer.from(line) : line)) return false;
      counters.messagesIn++;
      return true;
    },
    hold(holder) {
      if (holders.size === 0) wire.pause();
      holders.add(holder);
    },
    release(holder) {
      if (holders.delete(holder) && holders.size === 0) wire.resume();
    },
    stop(reason, pace = limits) {
      if (ended) return gone;
      const first = asked === null;
      asked ??= reason;
      holders.clear();
      wire.resume();
      if (first) wire.close();
      const timer = setTimeout(() => wire.cut(), pace.terminateMs);
      void gone.then(() => clearTimeout(timer));
      return gone;
    },
  };
}

/** Why a server did not take the connection, by its status. */
export function refusal(status: number): string {
  if (status === 401 || status === 403) return `it refused the gateway's credential (HTTP ${status})`;
  if (status >= 300 && status < 400) return `it answered with a redirect (HTTP ${status}), which is never followed`;
  return `it answered HTTP ${status}`;
}

/** The look-up of a server's name: what nothing is sent to refuses the connection. */
export function remoteLookup({ allowedNetworks = [] }: BridgeRemote): LookupFunction {
  return guardLookup(lookup, networksOf(allowedNetworks));
}

/** Why a connection failed, by what its socket says. */
export function connectionFailure({ code, message }: NodeJS.ErrnoException): string {
  const said = code === undefined || code === refusedAddressCode || code.startsWith('WS_') ? message.slice(0, 200) : code;
  return `the connection failed (${said})`;
}

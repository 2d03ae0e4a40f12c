import { bounds } from '../kernel/bounds.ts';
import type { LegacySession } from './legacy-sessions.ts';
import type { RpcMessage } from './rpc-message.ts';
import type { Exchange, ReplyStart, SendExchange } from './server-exchange.ts';
import { elicitationComplete } from './translate.ts';

/** The GET stream of a session: what the server says there goes to those who have something under way in the session. */
export interface LegacyStream {
  /** Resolves when it is open or known not to be offered, or after a moment, for a server may keep its head back until there is something to say. */
  readonly ready: Promise<void>;
  close(): void;
}

export interface LegacyStreamOwner {
  /** Posts a response in the session. */
  answer(body: string): void;
  /** All is done at the address of a question. */
  completed(elicitationId: unknown): void;
  /** The server no longer knows the session. */
  lost(): void;
}

const changes: ReadonlySet<string> = new Set([
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
]);

export function isChange(method: string): boolean {
  return changes.has(method);
}

/** The pause before the n-th new try (from 0): doubled each time up to the bound, with full jitter. */
export function backoffMs(tries: number): number {
  return Math.random() * Math.min(bounds.fabricWatchBackoffMsMax, bounds.fabricWatchBackoffMs * 2 ** tries);
}

/** Opened anew whenever it ends, after where it stood if the server gives its events ids. A server without such a stream is left in peace. */
export function openLegacyStream(sendExchange: SendExchange, session: LegacySession, owner: LegacyStreamOwner): LegacyStream {
  let exchange: Exchange | null = null;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;
  let tries = 0;
  let lastEventId = '';
  let wasOpen = false;
  const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
  const patience = setTimeout(settle, bounds.fabricStreamWaitMs);

  function settle(): void {
    clearTimeout(patience);
    isReady();
  }

  function open(): void {
    const headers = lastEventId === '' ? session.headers : [...session.headers, 'last-event-id', lastEventId];
    exchange = sendExchange(
      session.server,
      { method: 'GET', headers, body: null, caller: session.principalId, target: session.target, longLived: true },
      {
        head(reply) {
          settle();
          if (!reply.isStream) return;
          if (wasOpen && lastEventId === '') for (const listener of session.listeners) listener.interrupted(false);
          wasOpen = true;
        },
        alive: () => (tries = 0),
        message,
        end: again,
        // A stream that never began, for the server keeps its head back until there is something to say, is begun anew as well.
        failed(fault, reply) {
          settle();
          if (fault.code === 'session_not_found') owner.lost();
          else again(reply);
        },
      },
    );
  }

  function again(reply: ReplyStart | null): void {
    settle();
    if (closed) return;
    if (reply?.status === 404 && session.id !== '') return owner.lost();
    // It offers none.
    if (reply !== null && !reply.isStream && reply.status < 500) return;
    const { events } = reply ?? {};
    if (events && events.lastEventId !== '') ({ lastEventId } = events);
    // No mere pause between two streams: until it is back nothing is heard.
    if (tries === 1) for (const listener of session.listeners) listener.interrupted(false);
    timer = setTimeout(open, events?.retryMs ?? backoffMs(tries++));
    timer.unref();
  }

  function message(message: RpcMessage): void {
    if (message.kind === 'request') {
      if (message.method === 'ping') return owner.answer(`{"jsonrpc":"2.0","id":${message.id},"result":{}}`);
      // The request that began last is the likeliest to have led to the question; all are of one principal.
      for (const listener of [...session.listeners].reverse()) if (listener.takes(message)) return;
      owner.answer(`{"jsonrpc":"2.0","id":${message.id},"error":{"code":-32601,"message":"Nobody is there to be asked."}}`);
    } else if (message.kind === 'notification') {
      if (isChange(message.method)) for (const listener of session.listeners) listener.changed(message);
      else if (message.method === elicitationComplete) owner.completed(message.body['elicitationId']);
      else for (const listener of [...session.listeners].reverse()) if (listener.takes(message)) return;
    }
  }

  open();
  return {
    ready,
    close() {
      closed = true;
      settle();
      if (timer !== null) clearTimeout(timer);
      exchange?.abort();
    },
  };
}

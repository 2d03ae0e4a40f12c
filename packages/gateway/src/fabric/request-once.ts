import type { Server } from '../snapshot/compile-snapshot.ts';
import type { RpcMessage } from './rpc-message.ts';
import type { ExchangeRequest, SendExchange } from './server-exchange.ts';

export interface OnceReply {
  readonly status: number;
  readonly sessionId: string;
  readonly target: string;
  /** The response; null where there was none, as for a notification. */
  readonly message: RpcMessage | null;
}

/** One POST of our own whose response is waited for: handshakes and questions that no caller asked. Faults: those of the connection. */
export function requestOnce(sendExchange: SendExchange, server: Server, request: Omit<ExchangeRequest, 'method' | 'longLived'>): Promise<OnceReply> {
  return new Promise((resolve, reject) => {
    let start: Omit<OnceReply, 'message'> = { status: 0, sessionId: '', target: '' };
    const exchange = sendExchange(
      server,
      { ...request, method: 'POST' },
      {
        head: ({ status, sessionId, target }) => (start = { status, sessionId, target }),
        message(message) {
          if (message.kind === 'request' || message.kind === 'notification') return;
          resolve({ ...start, message });
          exchange.release();
        },
        end: () => resolve({ ...start, message: null }),
        failed: reject,
      },
    );
  });
}

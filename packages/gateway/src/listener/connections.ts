import type { Server } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** The open connections of an HTTP server, to end it without cutting an answer. */
export interface Connections {
  /** Accepts no more, and from now on closes each connection on which nothing is being asked or answered. */
  drain(): void;
  /** The connection is no HTTP connection any more: whoever took it ends it. */
  release(socket: Duplex): void;
  /** Those that are still open. */
  readonly open: number;
}

const lookMs = 25;

export function trackConnections(server: Server): Connections {
  const sockets = new Set<Socket>();
  let looking: NodeJS.Timeout | null = null;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('close', () => {
    if (looking) clearInterval(looking);
  });

  function closeIdle(): void {
    for (const socket of sockets) if (isIdle(socket)) socket.destroySoon();
  }

  return {
    drain() {
      if (looking !== null) return;
      // Not http's own `close`: it also destroys connections whose answer is written but not sent yet.
      NetServer.prototype.close.call(server);
      looking = setInterval(closeIdle, lookMs);
      closeIdle();
    },
    release: (socket) => void sockets.delete(socket as Socket),
    get open() {
      return sockets.size;
    },
  };
}

/** Node keeps the response whose turn it is at `_httpMessage` until its last byte is with the kernel, null between two. */
function isIdle(socket: Socket & { _httpMessage?: unknown }): boolean {
  return !socket._httpMessage && socket.writableLength === 0;
}

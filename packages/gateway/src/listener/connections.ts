import type { Server } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import type { Server as HttpsServer } from 'node:https';
import { Server as NetServer, type Socket } from 'node:net';
import { Server as TlsServer, type TLSSocket } from 'node:tls';
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

/** `sessions`: the connections that speak HTTP/2. */
export function trackConnections(server: Server | HttpsServer, sessions: ReadonlySet<ServerHttp2Session> = new Set()): Connections {
  /** Over TLS two sockets stand for a connection; the one that HTTP sees takes the place of the other after the handshake. */
  const sockets = new Set<Socket>();
  const shakingHands = new Map<string, Socket>();
  let looking: NodeJS.Timeout | null = null;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const isSecure = server instanceof TlsServer;
  server.on('connection', (socket: Socket) => {
    keep(socket);
    if (!isSecure) return;
    const source = sourceOf(socket);
    shakingHands.set(source, socket);
    socket.once('close', () => shakingHands.get(source) === socket && shakingHands.delete(source));
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    const source = sourceOf(socket);
    const inner = shakingHands.get(source);
    shakingHands.delete(source);
    if (inner) sockets.delete(inner);
    keep(socket);
  });
  server.on('close', () => {
    if (looking) clearInterval(looking);
  });

  const isShakingHands = (socket: Socket): boolean => isSecure && shakingHands.get(sourceOf(socket)) === socket;

  function closeIdle(): void {
    for (const socket of sockets) if (!isBusy(socket) && !isShakingHands(socket)) socket.destroySoon();
    // Tells the client to begin nothing more there, and ends with the last stream.
    for (const session of sessions) if (!session.closed) session.close();
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

function sourceOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/**
 * Node keeps the response whose turn it is at `_httpMessage` until its last byte is with the kernel, null between two. One that speaks
 * HTTP/2 ends with its session.
 */
function isBusy(socket: Socket & { _httpMessage?: unknown; readonly alpnProtocol?: unknown }): boolean {
  return Boolean(socket._httpMessage) || socket.writableLength > 0 || socket.alpnProtocol === 'h2';
}

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import type { Server as HttpsServer } from 'node:https';
import { Server as NetServer, type Socket } from 'node:net';
import { Server as TlsServer, type TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';

/** The open connections of an HTTP server, to end it without cutting an answer. */
export interface Connections {
  /**
   * Accepts no more, and closes each connection on which nothing was asked or answered for a while: who keeps one open may be sending on it at
   * this moment. What still comes is served, and its answer says that it is the last there.
   */
  drain(): void;
  /** The connection is no HTTP connection any more: whoever took it ends it. */
  release(socket: Duplex): void;
  /** Those that are still open. */
  readonly open: number;
}

const lookMs = 25;
const doorTurnMs = 1;
const doorTurnsMax = 500;
/** Only then are clients driven from their connections: the door is closed for certain, so that those they open instead are refused here, never cut. */
const lastAnswerMs = 200;
/** A request that is sent on a connection has come by then; one that a balancer keeps in reserve was not taken for so long. */
const idleMs = 1_000;

/** `sessions`: the connections that speak HTTP/2. */
export function trackConnections(server: Server | HttpsServer, sessions: ReadonlySet<ServerHttp2Session> = new Set()): Connections {
  /** Over TLS two sockets stand for a connection; the one that HTTP sees takes the place of the other after the handshake. */
  const sockets = new Set<Socket>();
  const shakingHands = new Map<string, Socket>();
  /** Of connections that were found idle since the drain began. */
  const idleSince = new Map<Socket, number>();
  let looking: NodeJS.Timeout | null = null;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      idleSince.delete(socket);
    });
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
    const nowMs = performance.now();
    for (const socket of sockets) {
      if (isBusy(socket) || isShakingHands(socket)) idleSince.delete(socket);
      else if (!idleSince.has(socket)) idleSince.set(socket, nowMs);
      else if (nowMs - (idleSince.get(socket) ?? nowMs) >= idleMs) socket.destroySoon();
    }
    // Tells the client to begin nothing more there, and ends with the last stream.
    for (const session of sessions) if (!session.closed) session.close();
  }

  return {
    drain() {
      if (looking !== null) return;
      closeDoor(server);
      // Timers run before what has come is read: after a standstill a request may lie there. It is read before the turn ends.
      looking = setInterval(() => setImmediate(closeIdle), lookMs);
      closeIdle();
      setTimeout(() => server.prependListener('request', createSayLast()), lastAnswerMs).unref();
    },
    release: (socket) => void sockets.delete(socket as Socket),
    get open() {
      return sockets.size;
    },
  };
}

/**
 * `Connection: close` in the answer (RFC 9112 section 9.6): the client asks nothing more there. Of requests that came at once it is said in the
 * answer to the last. HTTP/2 has said so of the whole connection.
 */
function createSayLast(): (request: IncomingMessage, response: ServerResponse) => void {
  const lastOf = new WeakMap<Socket, ServerResponse>();
  return (request, response) => {
    if (request.httpVersionMajor !== 1 || !response.shouldKeepAlive) return;
    const before = lastOf.get(request.socket);
    if (before !== undefined && !before.headersSent) before.shouldKeepAlive = true;
    lastOf.set(request.socket, response);
    response.shouldKeepAlive = false;
  };
}

/**
 * Connections that the kernel has made and nobody has accepted are cut with the door, and what was sent on them is lost. So it is closed at the end of
 * a turn of the event loop that has accepted what there was, and had little else to do since.
 */
function closeDoor(server: NetServer, turns = doorTurnsMax): void {
  const startedAt = performance.now();
  setImmediate(() => {
    if (turns > 0 && performance.now() - startedAt > doorTurnMs) closeDoor(server, turns - 1);
    // Not http's own `close`: it also destroys connections whose answer is written but not sent yet.
    else NetServer.prototype.close.call(server);
  });
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

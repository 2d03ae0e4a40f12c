import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { bounds } from '../kernel/bounds.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { beginLink } from './begin-link.ts';
import type { AdmitLink, LinkCaller } from './link-caller.ts';
import type { LinkEnd, OpenLinks } from './open-links.ts';

/** MCP over WebSocket: `GET` of an endpoint with `Upgrade: websocket` and the subprotocol `mcp`; each text frame is one JSON-RPC message. */
export interface WebSocketDoor {
  /** `refuse` answers the request on the socket; `taken` is told when the socket is no HTTP connection any more. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, refuse: (fault: Fault) => void): void;
}

export interface WebSocketDoorOptions {
  readonly enabled: () => boolean;
  readonly admit: AdmitLink;
  readonly links: OpenLinks;
  /** The server that serves the endpoints; it need not listen. */
  readonly server: Server;
  readonly taken: (socket: Duplex) => void;
  readonly log: Log;
}

const subprotocol = 'mcp';
/** RFC 6455 section 7.4.1, and what is said beside it. */
const closings: Readonly<Record<LinkEnd, readonly [code: number, reason: string]>> = {
  draining: [1001, 'the gateway is shutting down'],
  silent: [1001, 'no pong came'],
  slow: [1008, 'messages are not read'],
  unauthorized: [1008, 'this connection is not allowed any more'],
};
const binaryRefused: readonly [number, string] = [1003, 'a message is a text frame'];

export function createWebSocketDoor({ enabled, admit, links, server, taken, log }: WebSocketDoorOptions): WebSocketDoor {
  let sockets = webSockets(bounds.bodyBytesMax);
  let messageBytesMax: number = bounds.bodyBytesMax;

  async function accept(request: IncomingMessage, socket: Duplex, head: Buffer, refuse: (fault: Fault) => void): Promise<void> {
    const path = request.url?.split('?', 1)[0] ?? '/';
    const onError = (): void => void socket.destroy();
    // Until the handshake nobody else listens; an error without a listener would end the process.
    socket.on('error', onError);
    try {
      if (!enabled() || request.headers.upgrade?.toLowerCase() !== 'websocket')
        throw new Fault('invalid_request', { reason: 'a change of protocol (Upgrade) is not served' });
      const caller = await admit(request, path);
      if (!offered(request).includes(subprotocol)) throw new Fault('invalid_request', { reason: `the WebSocket subprotocol ${subprotocol} is not offered` });
      links.requireRoom(caller.principalId);
      if (socket.destroyed) return;
      if (caller.messageBytesMax !== messageBytesMax) sockets = webSockets((messageBytesMax = caller.messageBytesMax));
      taken(socket);
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        socket.off('error', onError);
        open(webSocket, caller);
      });
    } catch (error) {
      const fault = asFault(error);
      if (fault.code === 'internal_error') log.error('link.failed', { reason: fault.cause instanceof Error ? fault.cause.stack : String(fault.cause) });
      if (!socket.destroyed) refuse(fault);
    }
  }

  function open(webSocket: WebSocket, caller: LinkCaller): void {
    let answered = true;
    const link = beginLink({
      caller,
      isServed: enabled,
      server,
      links,
      connection: {
        send(message, written) {
          if (webSocket.readyState !== webSocket.OPEN) return false;
          webSocket.send(message, written);
          return true;
        },
        waitingBytes: () => webSocket.bufferedAmount,
        ping() {
          if (!answered || webSocket.readyState !== webSocket.OPEN) return answered;
          answered = false;
          webSocket.ping();
          return true;
        },
        end(why) {
          // Who reads nothing does not read the close either.
          if (why === 'slow' || why === 'silent') webSocket.terminate();
          else shut(webSocket, closings[why]);
        },
        destroy: () => webSocket.terminate(),
      },
    });
    webSocket.on('pong', () => (answered = true));
    webSocket.on('message', (data: Buffer, isBinary: boolean) => {
      answered = true;
      if (isBinary) shut(webSocket, binaryRefused);
      else if (webSocket.readyState === webSocket.OPEN) link.http.take(data);
    });
    // A frame that breaks the protocol or the bounds: `ws` closes with the code that says so.
    webSocket.on('error', (error) => {
      log.info('link.broken', { path: caller.path, reason: error.message.slice(0, 200) });
      cutSoon(webSocket);
    });
    webSocket.on('close', () => link.closed());
  }

  return { upgrade: (request, socket, head, refuse) => void accept(request, socket, head, refuse) };
}

function shut(webSocket: WebSocket, [code, reason]: readonly [number, string]): void {
  webSocket.close(code, reason);
  cutSoon(webSocket);
}

/** A client that does not answer the close is not waited for. */
function cutSoon(webSocket: WebSocket): void {
  const timer = setTimeout(() => webSocket.terminate(), bounds.linkCloseMs);
  webSocket.once('close', () => clearTimeout(timer));
}

function webSockets(maxPayload: number): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // A compressed frame costs its sender nothing and us its inflated size.
    perMessageDeflate: false,
    maxPayload,
    maxFragments: 1_024,
    handleProtocols: (protocols) => protocols.has(subprotocol) && subprotocol,
  });
}

function offered(request: IncomingMessage): readonly string[] {
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
}

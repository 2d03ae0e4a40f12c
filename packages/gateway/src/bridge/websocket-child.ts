import { WebSocket } from 'ws';
import type { BridgeRemote } from './bridge-options.ts';
import type { Child, ChildHandlers } from './child-process.ts';
import { connectionFailure, refusal, remoteChild, remoteLookup, type RemoteDependencies } from './remote-child.ts';

const subprotocol = 'mcp';
/** RFC 6455 section 7.4.1. */
const normalClosure = 1000;

/** A server that speaks MCP over WebSocket, subprotocol `mcp`: a text frame is a message. Redirects are not followed. */
export function startWebSocketChild(remote: BridgeRemote, dependencies: RemoteDependencies, handlers: ChildHandlers): Child {
  const { limits } = dependencies;
  return remoteChild(dependencies, handlers, (events) => {
    const socket = new WebSocket(remote.url, [subprotocol], {
      headers: remote.headers,
      handshakeTimeout: limits.connectTimeoutMs,
      followRedirects: false,
      maxPayload: limits.lineBytesMax,
      maxFragments: 1_024,
      perMessageDeflate: false,
      lookup: remoteLookup(remote),
      ...remote.tls,
    });
    /** What is sent before the handshake is over. */
    let waiting: Buffer[] | null = [];
    let waitingBytes = 0;
    let failure: string | null = null;
    let alive = true;
    const pinging = setInterval(() => {
      if (socket.readyState !== socket.OPEN || socket.isPaused) return;
      if (!alive) {
        failure ??= 'it answers no pings';
        socket.terminate();
        return;
      }
      alive = false;
      socket.ping();
    }, limits.keepAliveMs);

    socket.on('open', () => {
      for (const line of waiting ?? []) socket.send(line, { binary: false });
      waiting = null;
    });
    socket.on('pong', () => (alive = true));
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      alive = true;
      if (!isBinary) return events.message(data);
      failure ??= 'it sent a binary frame';
      socket.terminate();
    });
    socket.on('unexpected-response', (request, answer) => {
      failure ??= refusal(answer.statusCode ?? 0);
      request.destroy();
      socket.terminate();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure ??= connectionFailure(error);
      // After a frame that breaks the rules there is nothing to close in order.
      socket.terminate();
    });
    socket.on('close', (code) => {
      clearInterval(pinging);
      events.lost(failure ?? `it closed the connection (code ${code})`);
    });

    return {
      send(line) {
        if (waiting !== null) {
          if (waitingBytes + line.length > limits.inputBytesMax) return false;
          waitingBytes += line.length;
          waiting.push(line);
          return true;
        }
        if (socket.bufferedAmount + line.length > limits.inputBytesMax) return false;
        socket.send(line, { binary: false });
        return true;
      },
      get writable() {
        return socket.readyState === socket.CONNECTING || socket.readyState === socket.OPEN;
      },
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      close: () => socket.close(normalClosure),
      cut: () => socket.terminate(),
    };
  });
}

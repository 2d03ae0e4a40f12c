import { type ClientRequest, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { bounds } from '../kernel/bounds.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import { newRequestId } from '../kernel/id.ts';

/**
 * The live stream over WebSocket: `GET /v1/stream` with `Upgrade: websocket`. Each event is a text frame of JSON, as a line is of
 * `application/x-ndjson`; who may see it, what fits and where it goes on is decided where the stream is made.
 */
export interface StreamSocket {
  readonly open: number;
  /** As `WebSocketDoor`. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, refuse: (fault: Fault) => void): void;
  /** The worker ends: readers go on elsewhere, where they were. */
  drain(): void;
  close(): void;
}

export interface StreamSocketOptions {
  /** Faults where the address or the browser's site is none of ours. */
  readonly admit: (request: IncomingMessage) => void;
  /** Asks for the stream, one JSON object a line. */
  readonly ask: (request: IncomingMessage, requestId: string) => ClientRequest;
  readonly taken: (socket: Duplex) => void;
}

/** Bytes that wait for a slow reader here, before the stream itself begins to count what it drops. */
const waitingBytesMax = 256 * 1024;
const lineCharsMax = 1024 * 1024;
const refusalBytesMax = 64 * 1024;
/** Readers have nothing to say. */
const sentBytesMax = 1024;
/** RFC 6455 section 7.4.1. */
const goingAway = 1001;
const notAllowed = 1008;

export function createStreamSocket({ admit, ask, taken }: StreamSocketOptions): StreamSocket {
  const open = new Map<WebSocket, { answered: boolean }>();
  const sockets = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: sentBytesMax, maxFragments: 16 });
  let draining = false;
  const pinging = setInterval(() => {
    for (const [webSocket, life] of open) {
      if (!life.answered) webSocket.terminate();
      life.answered = false;
      webSocket.ping();
    }
  }, bounds.linkPingMs);
  pinging.unref();

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, refuse: (fault: Fault) => void): void {
    const onError = (): void => void socket.destroy();
    // Until the handshake nobody else listens; an error without a listener would end the process.
    socket.on('error', onError);
    const refuseOnce = (fault: Fault): void => {
      if (!socket.destroyed) refuse(fault);
    };
    try {
      if (draining) throw new Fault('draining');
      if (request.headers.upgrade?.toLowerCase() !== 'websocket')
        throw new Fault('invalid_request', { reason: 'of protocols to change to (Upgrade), only websocket is served' });
      admit(request);
    } catch (error) {
      refuseOnce(asFault(error));
      return;
    }
    const asked = ask(request, newRequestId());
    socket.once('close', () => asked.destroy());
    asked.on('error', (cause) => refuseOnce(new Fault('unavailable', { reason: 'the control plane does not answer' }, { cause })));
    asked.on('response', (answer) => {
      if (answer.statusCode !== 200) {
        passRefusal(answer, socket);
        return;
      }
      if (socket.destroyed) {
        answer.destroy();
        return;
      }
      taken(socket);
      // It answers a handshake that is none by itself, and closes the socket then.
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        socket.off('error', onError);
        show(answer, webSocket);
      });
    });
    asked.end();
  }

  function show(answer: IncomingMessage, webSocket: WebSocket): void {
    const life = { answered: true };
    open.set(webSocket, life);
    if (draining) shut(webSocket, goingAway);
    webSocket.on('pong', () => (life.answered = true));
    webSocket.on('message', () => shut(webSocket, notAllowed, 'a reader of the live stream says nothing'));
    webSocket.on('error', () => cutSoon(webSocket));
    webSocket.on('close', () => {
      open.delete(webSocket);
      answer.destroy();
    });

    let line = '';
    answer.setEncoding('utf8');
    answer.on('data', (chunk: string) => {
      const lines = (line + chunk).split('\n');
      line = lines.pop() ?? '';
      if (line.length > lineCharsMax) webSocket.terminate();
      for (const event of lines) {
        if (webSocket.readyState !== webSocket.OPEN) return;
        webSocket.send(event, () => {
          if (webSocket.bufferedAmount <= waitingBytesMax) answer.resume();
        });
      }
      if (webSocket.bufferedAmount > waitingBytesMax) answer.pause();
    });
    // The last event has said why.
    answer.on('end', () => shut(webSocket, 1000));
    answer.on('error', () => shut(webSocket, goingAway));
  }

  return {
    get open() {
      return open.size;
    },
    upgrade,
    drain() {
      draining = true;
      for (const webSocket of open.keys()) shut(webSocket, goingAway, 'the gateway is shutting down');
    },
    close() {
      clearInterval(pinging);
      for (const webSocket of open.keys()) webSocket.terminate();
    },
  };
}

/** What the control plane says against it, as it says it. */
function passRefusal(answer: IncomingMessage, socket: Duplex): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > refusalBytesMax) socket.destroy();
    else chunks.push(chunk);
  });
  answer.on('error', () => socket.destroy());
  answer.on('end', () => {
    if (socket.destroyed) return;
    const status = answer.statusCode ?? 502;
    const lines = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${bytes}`,
      'X-Content-Type-Options: nosniff',
      ...['x-request-id', 'retry-after', 'www-authenticate'].flatMap((name) => {
        const value = answer.headers[name];
        return typeof value === 'string' ? [`${name}: ${value}`] : [];
      }),
    ];
    socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), ...chunks]));
  });
}

function shut(webSocket: WebSocket, code: number, reason = ''): void {
  webSocket.close(code, reason);
  cutSoon(webSocket);
}

/** A reader that does not answer the close is not waited for. */
function cutSoon(webSocket: WebSocket): void {
  const timer = setTimeout(() => webSocket.terminate(), bounds.linkCloseMs);
  webSocket.once('close', () => clearTimeout(timer));
}

import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { bounds } from '../kernel/bounds.ts';
import { Fault, faultBody } from '../kernel/fault.ts';
import type { FaultCode } from '../kernel/fault-codes.ts';
import { newRequestId } from '../kernel/id.ts';
import type { Log } from '../kernel/log.ts';
import type { Refusal } from '../kernel/refusals.ts';
import { respondRest } from './respond.ts';
import { createSecureServer, type DoorTls, type SecureServer, type TlsRule } from './secure-server.ts';

export interface HttpServerOptions {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /** Of a server that nobody but this program reaches: what it adds to the headers of a client has room beside them. */
  readonly isInner?: boolean;
  /** A request to change the protocol; `refuse` answers it. Without it each is refused. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer, refuse: (fault: Fault) => void) => void;
  /** Told of each request that is refused before there is one, or that asks for a change of protocol in vain. */
  readonly onRejected?: (code: FaultCode | TlsRule, refusal: Refusal) => void;
}

/** How long a refused connection may go on sending before it is cut: a reset at once could overtake the refusal. */
const lingerMs = 1_000;

/**
 * The public HTTP/1.1 server with its bounds. Strict parser; no tunnel, no upgrade but what `onUpgrade` takes; slow headers and slow bodies are cut
 * (slowloris). Counting of header lines is left to the header gate, for node drops what is over its own count silently.
 */
export function createHttpServer(options: HttpServerOptions): Server {
  const maxHeaderSize = http1Options.maxHeaderSize + (options.isInner === true ? bounds.certificateTextCharsMax : 0);
  const server = createServer({ ...http1Options, maxHeaderSize }, options.onRequest);
  serveHttp1(server, options);
  return server;
}

/** The same over TLS, and HTTP/2 beside it. */
export function createHttpsServer(options: HttpServerOptions, tls: DoorTls, log: Log): SecureServer {
  const secure = createSecureServer({
    tls,
    http: http1Options,
    onRequest: options.onRequest,
    onExpectation: refuseExpectation(options),
    onRejected: (rule, peer) => options.onRejected?.(rule, { requestId: '', peer, bytes: 0 }),
    log,
  });
  serveHttp1(secure.server, options);
  return secure;
}

const http1Options = {
  maxHeaderSize: bounds.headerBytesMax,
  headersTimeout: bounds.headersTimeoutMs,
  requestTimeout: bounds.requestTimeoutMs,
  keepAliveTimeout: bounds.keepAliveMs,
  connectionsCheckingInterval: 1_000,
  insecureHTTPParser: false,
  noDelay: true,
  // Left to the address check, which answers in the house's own form.
  requireHostHeader: false,
};

function serveHttp1(server: Server | HttpsServer, options: HttpServerOptions): void {
  const { onRequest, onUpgrade = refuseUpgrade, onRejected } = options;
  const end = (socket: Duplex, fault: Fault): void => {
    const requestId = newRequestId();
    onRejected?.(fault.code, { requestId, peer: socket instanceof Socket ? (socket.remoteAddress ?? '') : '', bytes: 0 });
    endSocket(socket, fault, requestId);
  };
  server.maxHeadersCount = 0;
  server.maxConnections = bounds.connectionsMax;
  // A client that waits for 100 Continue is told so when its body is read, so not if it is refused before.
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', refuseExpectation(options));
  server.on('connect', (_request, socket) => end(socket, new Fault('method_not_allowed', {}, { extra: { allow: 'GET, POST, DELETE' } })));
  // Without a listener node ignores Upgrade and serves the request as HTTP/1.1, which RFC 9110 section 7.8 allows; h2c is refused.
  server.on('upgrade', (request, socket, head) => onUpgrade(request, socket, head, (fault) => end(socket, fault)));

  const refused = new WeakSet<Duplex>();
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    // What still comes on a connection that is being refused breaks the parser again.
    if (refused.has(socket)) return;
    refused.add(socket);
    refuse(socket, faultOf(error), end);
  });
}

function refuseExpectation({ onRejected }: HttpServerOptions): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const requestId = newRequestId();
    onRejected?.('expectation_failed', { requestId, peer: request.socket.remoteAddress ?? '', bytes: 0 });
    respondRest(response, new Fault('expectation_failed'), { requestId, traceId: '', headers: [] });
  };
}

function refuseUpgrade(_request: IncomingMessage, _socket: Duplex, _head: Buffer, refuse: (fault: Fault) => void): void {
  refuse(new Fault('invalid_request', { reason: 'a change of protocol (Upgrade) is not served' }));
}

function faultOf({ code }: NodeJS.ErrnoException): Fault {
  if (code === 'HPE_HEADER_OVERFLOW') return new Fault('headers_too_large');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Fault('request_timeout');
  return new Fault('invalid_request', { reason: 'it is not valid HTTP/1.1' });
}

/**
 * Says the fault after the answers to earlier requests of the connection (RFC 9112 section 9.3.2), since in the midst of one it
 * would be taken for a part of it. Node keeps the response whose turn it is at `_httpMessage`, null between two.
 */
function refuse(socket: Duplex, fault: Fault, end: (socket: Duplex, fault: Fault) => void): void {
  const current = (socket as Duplex & { _httpMessage?: ServerResponse | null })._httpMessage;
  if (!current) end(socket, fault);
  else if (current.req.complete) current.once('close', () => (socket.writable ? refuse(socket, fault, end) : socket.destroy()));
  else if (current.headersSent) socket.destroy();
  // What is broken is the body of the request under way.
  else end(socket, fault);
}

function endSocket(socket: Duplex, fault: Fault, requestId: string): void {
  const body = JSON.stringify(faultBody(fault, requestId));
  const allow = fault.extra?.['allow'];
  const { retryAfter } = fault.detail;
  const lines = [
    `HTTP/1.1 ${fault.row.status} ${STATUS_CODES[fault.row.status] ?? ''}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-ID: ${requestId}`,
    'X-Content-Type-Options: nosniff',
    ...(typeof allow === 'string' ? [`Allow: ${allow}`] : []),
    ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
    ...(fault.code === 'unauthorized' ? ['WWW-Authenticate: Bearer realm="gatewayops"'] : []),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

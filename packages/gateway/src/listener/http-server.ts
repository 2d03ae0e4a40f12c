import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { bounds } from '../kernel/bounds.ts';

export interface HttpServerOptions {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
}

/**
 * The public HTTP/1.1 server with its bounds. Strict parser; no upgrade, no tunnel; slow headers and slow bodies are cut
 * (slowloris). Counting of header lines is left to the header gate, for node drops what is over its own count silently.
 */
export function createHttpServer(options: HttpServerOptions): Server {
  const server = createServer(
    {
      maxHeaderSize: bounds.headerBytesMax,
      headersTimeout: bounds.headersTimeoutMs,
      requestTimeout: bounds.requestTimeoutMs,
      keepAliveTimeout: bounds.keepAliveMs,
      connectionsCheckingInterval: 1_000,
      insecureHTTPParser: false,
      noDelay: true,
      // A client that waits for 100 Continue is told so only when a handler reads the body.
      requireHostHeader: true,
    },
    options.onRequest,
  );
  server.maxHeadersCount = 0;
  server.maxConnections = bounds.connectionsMax;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket));
  server.on('checkExpectation', (_request, response) => answer(response, 417, 'expectation_failed', 'This Expect header is not supported.'));
  server.on('connect', (_request, socket) => end(socket, '405 Method Not Allowed'));
  // Without a listener node ignores Upgrade and serves the request as HTTP/1.1, which RFC 9110 section 7.8 allows; h2c is refused.
  server.on('upgrade', (_request, socket) => end(socket, '400 Bad Request'));
  return server;
}

function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  if (error.code === 'HPE_HEADER_OVERFLOW' || error.code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') end(socket, '431 Request Header Fields Too Large');
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') end(socket, '408 Request Timeout');
  else end(socket, '400 Bad Request');
}

function end(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function answer(response: ServerResponse, status: number, code: string, message: string): void {
  const body = JSON.stringify({ error: code, message });
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), Connection: 'close' });
  response.end(body);
}

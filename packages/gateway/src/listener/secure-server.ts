import { constants, createServer as createHttp2Server, type Http2ServerRequest, type ServerHttp2Session } from 'node:http2';
import { createServer as createHttpsServer, type Server, type ServerOptions } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { bounds } from '../kernel/bounds.ts';
import type { Log } from '../kernel/log.ts';
import { Http2Reply } from './http2-reply.ts';

/** What the door shows and asks for in a handshake. PEM. */
export interface DoorTls {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | null;
  /** `optional`: a client that shows a certificate must show a good one. */
  readonly clientCertificates: 'none' | 'optional' | 'required';
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** 48 bytes that the workers of a node share: any of them resumes a session that another has begun. */
  readonly ticketKeys: Uint8Array;
}

export interface SecureServer {
  readonly server: Server;
  /** The open connections of HTTP/2. */
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  /** New handshakes go by it; whom the door asks for certificates stays as it was. */
  renew(tls: DoorTls): void;
}

export interface SecureServerOptions {
  readonly tls: DoorTls;
  /** Those of HTTP/1.1. */
  readonly http: ServerOptions;
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onExpectation: (request: IncomingMessage, response: ServerResponse) => void;
  /** Told of each handshake that fails for another reason than that its client went away. */
  readonly onRejected: (rule: TlsRule, peer: string) => void;
  readonly log: Log;
}

/** Why there is no connection. */
export type TlsRule = 'tls_handshake_failed' | 'tls_certificate_refused';

/** RFC 6797: browsers come back over TLS only, for a year. */
const transportSecurity = 'max-age=31536000';
/** How long a client may go on sending a body that is no longer read before its stream is reset. */
const lingerMs = 1_000;

/**
 * HTTP over TLS, /2 and /1.1 as the client chooses (ALPN). HTTP/1.1 is served by `node:https` itself, with all its bounds; a
 * connection that chose HTTP/2 is handed to a server of its own, whose requests and replies look the same to the rail.
 */
export function createSecureServer({ tls, http, onRequest, onExpectation, onRejected, log }: SecureServerOptions): SecureServer {
  const sessions = new Set<ServerHttp2Session>();
  const secured = (request: IncomingMessage, response: ServerResponse): void => {
    response.setHeader('Strict-Transport-Security', transportSecurity);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    onRequest(request, response);
  };
  const server = createHttpsServer(
    {
      ...http,
      ...contextOf(tls),
      ticketKeys: Buffer.from(tls.ticketKeys),
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: bounds.headersTimeoutMs,
      requestCert: tls.clientCertificates !== 'none',
      rejectUnauthorized: tls.clientCertificates === 'required',
    },
    secured,
  );
  // Without this its HTTP/1.1 would answer a handshake that fails in plain text.
  server.removeAllListeners('tlsClientError');
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    log.debug('tls.handshake_failed', { reason: error.code ?? error.message, peer: socket.remoteAddress });
    const isRefused = hasRefusedCertificate(socket) || error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE';
    // Whoever only looks whether the port is open, as load balancers do, has tried nothing.
    if (isRefused || error.code !== 'ECONNRESET') onRejected(isRefused ? 'tls_certificate_refused' : 'tls_handshake_failed', peerOf(socket));
    socket.destroy();
  });

  const http2 = createHttp2Server({
    settings: { maxConcurrentStreams: bounds.http2StreamsMax, maxHeaderListSize: bounds.headerBytesMax, enablePush: false },
    // Above what the header gate refuses by itself, with the pseudo-headers.
    maxHeaderListPairs: bounds.headerLinesMax + 16,
    // A client that opens streams and resets them at once has work done for nothing (CVE-2023-44487).
    streamResetBurst: bounds.http2ResetsMax,
    streamResetRate: bounds.http2ResetsPerSecond,
    maxSessionInvalidFrames: 100,
    Http2ServerResponse: Http2Reply,
  });
  http2.on('request', (request: Http2ServerRequest, response: Http2Reply) => secured(...adapted(request, response)));
  // A client that waits for 100 Continue is told so when its body is read, so not if it is refused before.
  http2.on('checkContinue', (request: Http2ServerRequest, response: Http2Reply) => secured(...adapted(request, response)));
  http2.on('checkExpectation', (request: Http2ServerRequest, response: Http2Reply) => onExpectation(...adapted(request, response)));
  http2.on('session', (session: ServerHttp2Session) => {
    let streamsOpen = 0;
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', (error) => log.debug('http2.session_failed', { reason: error.message }));
    session.on('stream', (stream) => {
      streamsOpen++;
      stream.once('close', () => streamsOpen--);
    });
    const whenIdle = (): void => {
      if (streamsOpen === 0) session.close();
      else session.setTimeout(bounds.keepAliveMs, whenIdle);
    };
    session.setTimeout(bounds.keepAliveMs, whenIdle);
  });

  function serveHttp2(socket: TLSSocket): void {
    // A session that fails ends its own side only: who goes on sending would hold the connection.
    http2.once('session', (session: ServerHttp2Session) => session.once('error', () => socket.destroy()));
    http2.emit('connection', socket);
  }

  const serveHttp1 = server.listeners('secureConnection');
  server.removeAllListeners('secureConnection');
  server.on('secureConnection', (socket: TLSSocket) => {
    // Of an optional certificate node only notes that it is not good.
    if (tls.clientCertificates === 'optional' && !socket.authorized && socket.getPeerX509Certificate() !== undefined) {
      log.debug('tls.client_certificate_refused', { reason: String(socket.authorizationError), peer: socket.remoteAddress });
      onRejected('tls_certificate_refused', peerOf(socket));
      socket.destroy();
    } else if (socket.alpnProtocol === 'h2') serveHttp2(socket);
    else for (const serve of serveHttp1) serve.call(server, socket);
  });

  return {
    server,
    sessions,
    renew(next) {
      server.setSecureContext({ ...contextOf(next), ticketKeys: Buffer.from(next.ticketKeys) });
    },
  };
}

/** Node cuts such a connection, so that the error of it says no more than that it was cut. */
function hasRefusedCertificate({ authorizationError }: TLSSocket): boolean {
  return Boolean(authorizationError);
}

/** Empty where the client is gone already. */
function peerOf(socket: TLSSocket): string {
  return socket.remoteAddress ?? '';
}

function contextOf({ cert, key, clientCa, minVersion }: DoorTls): SecureContextOptions {
  return { cert, key, minVersion, ...(clientCa === null ? {} : { ca: clientCa }) };
}

/** Node's HTTP/2 requests are made to pass for those of HTTP/1.1; where they do not, they are made to here and in `Http2Reply`. */
function adapted(request: Http2ServerRequest, response: Http2Reply): [IncomingMessage, ServerResponse] {
  const { stream } = request;
  // An error that nobody hears would end the worker.
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  // Without this a body that was reset in its midst would end like a whole one.
  request.once('aborted', () => request.destroy(new Error('the stream was reset')));
  if (!stream.endAfterHeaders) {
    const late = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), bounds.requestTimeoutMs);
    let linger: NodeJS.Timeout | undefined;
    request.once('end', () => clearTimeout(late));
    // Answered before the body was over: the rest is not wanted.
    stream.once('finish', () => {
      if (!request.readableEnded) linger = setTimeout(() => stream.close(), lingerMs);
    });
    stream.once('close', () => {
      clearTimeout(late);
      clearTimeout(linger);
    });
  }
  return [request as unknown as IncomingMessage, response as unknown as ServerResponse];
}

import { constants, createServer as createHttp2Server, type Http2ServerRequest, type ServerHttp2Session } from 'node:http2';
import { createServer as createHttpsServer, type Server, type ServerOptions } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants as tlsConstants } from 'node:crypto';
import type { DetailedPeerCertificate, SecureContextOptions, TLSSocket } from 'node:tls';
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
  /**
   * Clients are asked for a certificate, any or none, by which they may be known. Sessions are not resumed then: one that is has the client's own
   * certificate, without what was sent with it. Absent: they are not.
   */
  readonly identifiesClients?: boolean;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** 48 bytes that the workers of a node share: any of them resumes a session that another has begun. */
  readonly ticketKeys: Uint8Array;
}

export interface SecureServer {
  readonly server: Server;
  /** The open connections of HTTP/2. */
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  /** New handshakes go by it; whom the door lets in by certificates stays as it was. */
  renew(tls: DoorTls): void;
  /** The certificate whose key the client of a request has, and what it sent with it, as `certificateText`; undefined: it has shown none, or was not asked. */
  certificateOf(request: IncomingMessage): string | undefined;
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
  let { identifiesClients = false } = tls;
  /** By connection of HTTP/1.1, or session of HTTP/2; of clients that have shown one. */
  const shown = new WeakMap<object, string>();
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
      requestCert: asksForCertificate(tls),
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

  function serveHttp2(socket: TLSSocket, certificate: string | null): void {
    http2.once('session', (session: ServerHttp2Session) => {
      // A session that fails ends its own side only: who goes on sending would hold the connection.
      session.once('error', () => socket.destroy());
      if (certificate !== null) shown.set(session, certificate);
    });
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
      return;
    }
    const certificate = identifiesClients ? certificateText(socket) : null;
    if (socket.alpnProtocol === 'h2') return serveHttp2(socket, certificate);
    if (certificate !== null) shown.set(socket, certificate);
    for (const serve of serveHttp1) serve.call(server, socket);
  });

  return {
    server,
    sessions,
    renew(next) {
      ({ identifiesClients = false } = next);
      // What a new connection is asked for is read there; what is refused for want of one was fixed when the server was made.
      Object.assign(server, { requestCert: asksForCertificate(next) });
      server.setSecureContext({ ...contextOf(next), ticketKeys: Buffer.from(next.ticketKeys) });
    },
    certificateOf: (request) => shown.get(('stream' in request && (request as unknown as Http2ServerRequest).stream.session) || request.socket),
  };
}

function asksForCertificate({ clientCertificates, identifiesClients }: DoorTls): boolean {
  return clientCertificates !== 'none' || identifiesClients === true;
}

/**
 * Base64 of what a client has shown, its own first, with commas between; null: nothing, or more than `bounds` allow. Whether any of it is good is not known by it: that the
 * client has the key is. Where the door itself has found the chain good, node keeps only the first.
 */
function certificateText(socket: TLSSocket): string | null {
  const parts: string[] = [];
  let one: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  let size = 0;
  // The last is its own issuer.
  for (let before: DetailedPeerCertificate | undefined; one?.raw !== undefined && one !== before && parts.length < bounds.certificateChainMax;) {
    parts.push(one.raw.toString('base64'));
    size += parts.at(-1)?.length ?? 0;
    [before, one] = [one, one.issuerCertificate];
  }
  return parts.length === 0 || size > bounds.certificateTextCharsMax ? null : parts.join(',');
}

/** Node cuts such a connection, so that the error of it says no more than that it was cut. */
function hasRefusedCertificate({ authorizationError }: TLSSocket): boolean {
  return Boolean(authorizationError);
}

/** Empty where the client is gone already. */
function peerOf(socket: TLSSocket): string {
  return socket.remoteAddress ?? '';
}

function contextOf({ cert, key, clientCa, identifiesClients, minVersion }: DoorTls): SecureContextOptions {
  // Authorities of callers are not named here: node forgets what a client sent with its certificate once it has found it good.
  const secureOptions = identifiesClients === true ? { secureOptions: tlsConstants.SSL_OP_NO_TICKET } : {};
  return { cert, key, minVersion, ...secureOptions, ...(clientCa === null ? {} : { ca: clientCa }) };
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

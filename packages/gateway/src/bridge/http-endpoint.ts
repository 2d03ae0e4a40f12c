import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect, isIP, type AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { bounds } from '../kernel/bounds.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import { listenFault } from '../kernel/listen-fault.ts';
import type { Log } from '../kernel/log.ts';
import type { BridgeListen } from './bridge-options.ts';
import type { BridgeRequest } from './bridge-request.ts';
import { asOneLine, rawValue, readBody, type RpcMessage } from './message.ts';
import { respondFault } from './rpc-error.ts';

/** What the bridge does with what HTTP brings. */
export interface BridgeRoutes {
  post(request: BridgeRequest, headers: BridgeHeaders): Promise<void>;
  get(response: ServerResponse, headers: BridgeHeaders): void;
  delete(response: ServerResponse, headers: BridgeHeaders): void;
  ready(): BridgeReadiness;
  status(): Readonly<Record<string, unknown>>;
}

/** The body of `/readyz`. Quarantined: it failed again and again and is tried rarely. Failed: it is tried again soon. */
export interface BridgeReadiness {
  readonly ready: boolean;
  readonly status: 'ready' | 'starting' | 'failed' | 'quarantined';
  readonly reason: string | null;
}

export interface BridgeHeaders {
  readonly sessionId: string | null;
  readonly lastEventId: string | null;
  readonly protocolVersion: string | null;
}

export interface HttpEndpoint {
  /** `unix:/path` or `http://host:port`. */
  readonly address: string;
  readonly port: number | null;
  close(): Promise<void>;
}

/**
 * The bridge's HTTP side: `/mcp`, `/healthz`, `/readyz`, `/status`. It authenticates nobody: whoever can open the
 * socket may use it, so browsers are kept out on TCP by Host and Origin, and a Unix socket belongs to its owner alone.
 *
 * Faults: `address_in_use`, `address_unusable`, `permission_denied`.
 */
export async function httpEndpoint(options: { listen: BridgeListen; bodyBytesMax: number; log: Log; routes: BridgeRoutes }): Promise<HttpEndpoint> {
  const { listen, log, routes } = options;
  let requestsOpen = 0;
  const server = createServer(
    {
      maxHeaderSize: bounds.headerBytesMax,
      headersTimeout: bounds.headersTimeoutMs,
      requestTimeout: bounds.requestTimeoutMs,
      keepAliveTimeout: bounds.keepAliveMs,
    },
    (request, response) => {
      handle(request, response).catch((error: unknown) => answerFault(response, error));
    },
  );
  server.maxConnections = bounds.connectionsMax;
  await open(server, listen);
  const port = 'path' in listen ? null : (server.address() as AddressInfo).port;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if ('host' in listen) checkCaller(request, listen);
    const path = request.url?.split('?', 1)[0];
    if (path === '/mcp') {
      requestsOpen++;
      response.once('close', () => requestsOpen--);
      return mcp(request, response);
    }
    if (request.method !== 'GET') throw new Fault('not_found');
    if (path === '/healthz') return json(response, 200, { status: 'live' });
    if (path === '/readyz') {
      const state = routes.ready();
      return json(response, state.ready ? 200 : 503, state);
    }
    if (path === '/status') return json(response, 200, { ...routes.status(), requests_open: requestsOpen });
    throw new Fault('not_found');
  }

  async function mcp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers: BridgeHeaders = {
      sessionId: headerOf(request, 'mcp-session-id'),
      lastEventId: headerOf(request, 'last-event-id'),
      protocolVersion: headerOf(request, 'mcp-protocol-version'),
    };
    const accepts = request.headers.accept ?? '*/*';
    const acceptsEvents = accepts.includes('*/*') || accepts.includes('text/event-stream');
    if (request.method === 'GET') {
      if (!acceptsEvents) throw new Fault('not_acceptable');
      return routes.get(response, headers);
    }
    if (request.method === 'DELETE') return routes.delete(response, headers);
    if (request.method !== 'POST') {
      response.setHeader('allow', 'GET, POST, DELETE');
      throw new Fault('method_not_allowed');
    }
    const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== 'application/json' || request.headers['content-encoding'] !== undefined) throw new Fault('unsupported_media_type');
    if (!acceptsEvents && !accepts.includes('application/json')) throw new Fault('not_acceptable');
    const line = asOneLine(await readAll(request, options.bodyBytesMax));
    const message = readBody(line);
    const id = idText(message, line);
    try {
      await routes.post({ message, line, id, response, acceptsEvents }, headers);
    } catch (error) {
      answerFault(response, error, id);
    }
  }

  function answerFault(response: ServerResponse, error: unknown, id = 'null'): void {
    const fault = asFault(error);
    if (fault.code === 'internal_error')
      log.error('bridge.request_failed', { cause: fault.cause instanceof Error ? (fault.cause.stack ?? fault.cause.message) : String(fault.cause) });
    respondFault(response, fault, id);
  }

  return {
    address: 'path' in listen ? `unix:${listen.path}` : `http://${isIP(listen.host) === 6 ? `[${listen.host}]` : listen.host}:${port ?? 0}`,
    port,
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' ? value : null;
}

function idText(message: RpcMessage, line: Buffer): string {
  const id = message.value['id'];
  if (message.kind !== 'request') return 'null';
  return typeof id === 'string' || Number.isSafeInteger(id) ? JSON.stringify(id) : (rawValue(line, ['id']) ?? 'null');
}

function readAll(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else reject(new Fault('payload_too_large', { limit: bytesMax }));
  });
  request.on('end', () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
  request.on('error', reject);
  request.on('close', () => {
    // It closes after every body, too, and a fault takes its stack along.
    if (!request.readableEnded) reject(new Fault('invalid_request', { reason: 'the body did not arrive' }));
  });
  return promise;
}

/**
 * DNS rebinding: a web page can make a browser send requests here, but under the page's own host name and with an
 * Origin. An address as Host is no such name.
 */
function checkCaller(request: IncomingMessage, listen: { readonly host: string; readonly hosts?: readonly string[] | undefined }): void {
  if (request.headers.origin !== undefined) throw new Fault('origin_not_allowed');
  const host =
    request.headers.host
      ?.toLowerCase()
      .replace(/:\d+$/, '')
      .replace(/^\[(.*)\]$/, '$1') ?? '';
  const allowed = ['localhost', '127.0.0.1', '::1', listen.host.toLowerCase(), ...(listen.hosts ?? []).map((name) => name.toLowerCase())];
  if (!allowed.includes(host) && host !== request.socket.localAddress?.replace('::ffff:', '')) throw new Fault('host_not_allowed');
}

function json(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store' });
  response.end(text);
}

async function open(server: Server, listen: BridgeListen): Promise<void> {
  if ('path' in listen) await clearStaleSocket(listen.path);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen('path' in listen ? { path: listen.path } : { host: listen.host, port: listen.port }, resolve);
  try {
    await promise;
  } catch (error) {
    throw 'path' in listen
      ? socketFault(error as NodeJS.ErrnoException, listen.path)
      : listenFault(`${listen.host}:${listen.port}`, error as NodeJS.ErrnoException);
  }
  if ('path' in listen) await chmod(listen.path, 0o600);
}

function socketFault(error: NodeJS.ErrnoException, path: string): unknown {
  if (error.code === 'EADDRINUSE') return new Fault('address_in_use', { address: path }, { cause: error });
  // The system calls that a missing permission.
  if (!existsSync(dirname(path))) return new Fault('usage', { reason: `There is no folder ${dirname(path)} for the socket.` }, { cause: error });
  if (error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'ENOENT') return new Fault('permission_denied', { path }, { cause: error });
  return error;
}

/** A killed bridge leaves its socket behind. Only a socket that nobody answers at is removed. */
async function clearStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return;
  if (!found.isSocket() || (await answers(path))) throw new Fault('address_in_use', { address: path });
  await unlink(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

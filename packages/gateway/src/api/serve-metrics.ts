import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { bounds } from '../kernel/bounds.ts';
import { asFault, Fault, faultBody } from '../kernel/fault.ts';
import { defaultOrganizationId, newRequestId } from '../kernel/id.ts';
import { listenFault } from '../kernel/listen-fault.ts';
import type { ControlDependencies } from '../control/context.ts';
import { bearerActor } from './authenticate-caller.ts';

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface MetricsServerOptions {
  readonly host: string;
  readonly port: number;
  /** False where only programs of this machine reach the address: then its Host must be this machine's too. */
  readonly requireKey: boolean;
  /** `host:port` as it was asked for, for faults. */
  readonly address: string;
}

/** A scraper asks on a connection or two. */
const connectionsMax = 64;
const localHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * `/metrics` on a listener of its own, and nothing else. Without a key on loopback, where the Host is checked instead: a page in a browser
 * could otherwise read it by a name of its own (DNS rebinding). Faults: `address_in_use`, `address_unusable`.
 */
export async function serveMetrics(dependencies: ControlDependencies, options: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer(
    {
      maxHeaderSize: bounds.headerBytesMax,
      headersTimeout: bounds.headersTimeoutMs,
      requestTimeout: bounds.requestTimeoutMs,
      keepAliveTimeout: bounds.keepAliveMs,
    },
    (request, response) => void answer(request, response),
  );
  server.maxHeadersCount = bounds.headerLinesMax;
  server.maxConnections = connectionsMax;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Nothing that comes is of use; it must not be taken for the next request.
    request.resume();
    try {
      await admit(request);
      const { contentType, text } = await dependencies.exposition.text();
      response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(text), 'Cache-Control': 'no-store' });
      response.end(request.method === 'HEAD' ? '' : text);
    } catch (error) {
      refuse(response, asFault(error));
    }
  }

  async function admit({ method = '', url = '', headers, socket }: IncomingMessage): Promise<void> {
    if (url.split('?', 1)[0] !== '/metrics') throw new Fault('not_found');
    if (method !== 'GET' && method !== 'HEAD') throw new Fault('method_not_allowed', {}, { extra: { allow: 'GET, HEAD' } });
    if (!options.requireKey) {
      if (!localHost.test(headers.host ?? '')) throw new Fault('host_not_allowed');
      return;
    }
    if (headers.authorization === undefined) throw new Fault('unauthorized');
    const actor = await bearerActor(headers.authorization, dependencies, socket.remoteAddress ?? '');
    // Figures of all organizations.
    if (!actor.can('metrics.read') || actor.organizationId !== defaultOrganizationId)
      throw new Fault('forbidden', { reason: 'its actions do not include metrics.read' });
  }

  function refuse(response: ServerResponse, fault: Fault): void {
    const requestId = newRequestId();
    dependencies.figures.rejected.note(fault.code, { requestId, peer: response.req.socket.remoteAddress ?? '', bytes: 0 });
    if (fault.row.owner === 'platform') dependencies.log.error('metrics.fault', { code: fault.code, request_id: requestId, error: fault.cause ?? fault });
    const body = JSON.stringify(faultBody(fault, requestId));
    const { retryAfter } = fault.detail;
    response.writeHead(fault.row.status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'X-Request-ID': requestId,
      ...(fault.code === 'unauthorized' ? { 'WWW-Authenticate': 'Bearer realm="gatewayops"' } : {}),
      ...(typeof retryAfter === 'number' ? { 'Retry-After': retryAfter } : {}),
    });
    response.end(body);
  }

  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenFault(options.address, { code: error.code ?? error.message })));
    server.listen({ host: options.host, port: options.port }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : options.port);
    });
  });
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { bounds } from '../kernel/bounds.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import type { FaultCode } from '../kernel/fault-codes.ts';
import { newRequestId } from '../kernel/id.ts';
import type { Refusal } from '../kernel/refusals.ts';
import type { HeaderGate, InboundHeaders } from './header-gate.ts';
import { respondRest } from './respond.ts';

/** Where requests go, by path. Each handler answers every fault itself. */
export interface RequestHandlers {
  readonly gate: HeaderGate;
  /** What of a client certificate speaks for the caller. Faults: `invalid_request`. */
  certificateOf(request: IncomingMessage): string | undefined;
  /** A request of a browser; true where it is answered with that. Its Host and Origin are checked behind this. */
  crossOrigin(request: IncomingMessage, response: ServerResponse, headers: InboundHeaders): boolean;
  mcp(request: IncomingMessage, response: ServerResponse, headers: InboundHeaders, path: string, startedAt: number): void;
  facade(request: IncomingMessage, response: ServerResponse, headers: InboundHeaders, path: string, startedAt: number): void;
  health(request: IncomingMessage, response: ServerResponse, path: string): void;
  control(request: IncomingMessage, response: ServerResponse, headers: InboundHeaders): void;
  /** Told of each request that no handler got, or that one threw at. */
  rejected(code: FaultCode, refusal: Refusal): void;
}

/**
 * One request to its handler. The path is compared as it was sent: an encoded, doubled or dotted spelling of a path is another
 * path, which nothing serves, so what was authorised is what is routed.
 */
export function createRouteRequest(handlers: RequestHandlers): (request: IncomingMessage, response: ServerResponse) => void {
  const waiting = new WeakMap<Socket, number>();

  return (request, response) => {
    if (response.socket === null) waitForTurn(request, response);
    else serve(request, response);
  };

  /**
   * Node hands over pipelined requests at once, but tells only the response whose turn it is that the client has left. So each waits
   * for its turn; behind a refusal that closes the connection it never comes.
   */
  function waitForTurn(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const count = (waiting.get(socket) ?? 0) + 1;
    if (count > bounds.pipelinedRequestsMax) {
      socket.destroy();
      return;
    }
    waiting.set(socket, count);
    response.once('socket', () => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
      serve(request, response);
    });
  }

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const startedAt = performance.now();
    try {
      const headers = handlers.gate(request.rawHeaders);
      if (headers.origin !== undefined && handlers.crossOrigin(request, response, headers)) return;
      const { url = '/' } = request;
      const query = url.indexOf('?');
      const path = query < 0 ? url : url.slice(0, query);
      const isCall = path.startsWith('/mcp');
      if (isCall || path.startsWith('/v1/mcp/')) headers.certificate = handlers.certificateOf(request);
      if (isCall) handlers.mcp(request, response, headers, path, startedAt);
      else if (path.startsWith('/v1/mcp/')) handlers.facade(request, response, headers, path, startedAt);
      else if (path === '/healthz' || path === '/readyz') {
        requireMethod(request, readMethods);
        handlers.health(request, response, path);
      } else {
        requireMethod(request, controlMethods);
        handlers.control(request, response, headers);
      }
    } catch (thrown) {
      const fault = asFault(thrown);
      const requestId = newRequestId();
      handlers.rejected(fault.code, { requestId, peer: request.socket.remoteAddress ?? '', bytes: 0 });
      // Whoever doubles a header may have meant two readers to see two messages: the rest of the connection is not read.
      const isFraming = fault.code === 'invalid_request' || fault.code === 'headers_too_large';
      respondRest(response, fault, { requestId, traceId: '', headers: isFraming ? ['Connection', 'close'] : [] });
    }
  }
}

const readMethods = ['GET', 'HEAD'];
const controlMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

function requireMethod({ method = '' }: IncomingMessage, served: readonly string[]): void {
  if (!served.includes(method)) throw new Fault('method_not_allowed', {}, { extra: { allow: served.join(', ') } });
}

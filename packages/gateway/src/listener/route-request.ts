import type { IncomingMessage, ServerResponse } from 'node:http';
import { asFault } from '../kernel/fault.ts';
import { newRequestId } from '../kernel/id.ts';
import type { HeaderGate, InboundHeaders } from './header-gate.ts';
import { respondRest } from './respond.ts';

/** Where requests go, by path. Each handler answers every fault itself. */
export interface RequestHandlers {
  readonly gate: HeaderGate;
  mcp(request: IncomingMessage, response: ServerResponse, headers: InboundHeaders, path: string, startedAt: number): void;
  facade(request: IncomingMessage, response: ServerResponse, headers: InboundHeaders, path: string, startedAt: number): void;
  health(request: IncomingMessage, response: ServerResponse, path: string): void;
  control(request: IncomingMessage, response: ServerResponse, headers: InboundHeaders): void;
}

/**
 * One request to its handler. The path is compared as it was sent: an encoded, doubled or dotted spelling of a path is another
 * path, which nothing serves, so what was authorised is what is routed.
 */
export function createRouteRequest(handlers: RequestHandlers): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const startedAt = performance.now();
    try {
      const headers = handlers.gate(request.rawHeaders);
      const { url = '/' } = request;
      const query = url.indexOf('?');
      const path = query < 0 ? url : url.slice(0, query);
      if (path.startsWith('/mcp')) handlers.mcp(request, response, headers, path, startedAt);
      else if (path.startsWith('/v1/mcp/')) handlers.facade(request, response, headers, path, startedAt);
      else if (path === '/healthz' || path === '/readyz') handlers.health(request, response, path);
      else handlers.control(request, response, headers);
    } catch (thrown) {
      respondRest(response, asFault(thrown), { requestId: newRequestId(), traceId: '', headers: [] });
    }
  };
}

import type { ServerResponse } from 'node:http';
import { bounds } from '../kernel/bounds.ts';
import { faultBody, type Fault } from '../kernel/fault.ts';

/** What every answer of one request carries. */
export interface Reply {
  readonly requestId: string;
  /** `tr_…` or the caller's own X-Trace-ID; empty before a trace is known. */
  readonly traceId: string;
  /** Further headers, name and value in turn. */
  readonly headers: readonly string[];
}

/** Headers that a fault brings with it, beside the body. */
function faultHeaders(fault: Fault, reply: Reply): string[] {
  const headers: string[] = [];
  if (fault.code === 'unauthorized' && !reply.headers.includes('WWW-Authenticate')) headers.push('WWW-Authenticate', 'Bearer realm="gatewayops"');
  const retryAfter = fault.detail['retryAfter'];
  if (retryAfter !== undefined) headers.push('Retry-After', String(retryAfter));
  else if (fault.row.status === 503) headers.push('Retry-After', '1');
  const allow = fault.extra?.['allow'];
  if (typeof allow === 'string') headers.push('Allow', allow);
  return headers;
}

/** A fault as a REST answer. `Connection: close` where what is left of the request cannot be trusted or was not read. */
export function respondRest(response: ServerResponse, fault: Fault, reply: Reply): number {
  return write(response, fault, restStatus(fault), reply, JSON.stringify(faultBody(fault, reply.requestId)));
}

/** What MCP answers with 200 and an error, for names that nothing has, is 404 to a caller of REST. */
export function restStatus({ row }: Fault): number {
  return row.status === 200 ? 404 : row.status;
}

/**
 * A fault as a JSON-RPC error (JSON-RPC 2.0 section 5.1). `idText` is the request's id exactly as it was written, or null:
 * then the error carries no id (MCP has no null id).
 */
export function respondRpc(response: ServerResponse, fault: Fault, reply: Reply, idText: string | null, status: number = fault.row.status): number {
  return write(response, fault, status, reply, rpcErrorText(fault, reply.requestId, idText));
}

export function rpcErrorText(fault: Fault, requestId: string, idText: string | null): string {
  // The data of the specification's own errors is the specification's: -32022 holds `supported` and `requested`.
  const { allow: _allow, ...extra } = fault.extra ?? {};
  const data =
    fault.row.rpcCode <= -32020 && fault.row.rpcCode > -32100 && fault.extra ? extra : { code: fault.code, fix: fault.fix, request_id: requestId, ...extra };
  const error = JSON.stringify({ code: fault.row.rpcCode, message: fault.message, data });
  return `{"jsonrpc":"2.0",${idText === null ? '' : `"id":${idText},`}"error":${error}}`;
}

/**
 * A refused tool call as a tool result with `isError`, status 200: so that a model can react. The code stands in
 * `_meta["gatewayops/error"]`.
 */
export function respondToolRefusal(response: ServerResponse, fault: Fault, reply: Reply, idText: string): void {
  const result = {
    resultType: 'complete',
    content: [{ type: 'text', text: `${fault.message} ${fault.fix}` }],
    isError: true,
    _meta: { 'gatewayops/error': { code: fault.code, request_id: reply.requestId } },
  };
  send(response, 200, [], reply, `{"jsonrpc":"2.0","id":${idText},"result":${JSON.stringify(result)}}`);
}

function write(response: ServerResponse, fault: Fault, status: number, reply: Reply, text: string): number {
  const headers = faultHeaders(fault, reply);
  // A body that was not read to its end would be taken for the next request.
  if (fault.code === 'payload_too_large' || fault.code === 'expectation_failed') headers.push('Connection', 'close');
  return send(response, status, headers, reply, text);
}

/** Sends a JSON answer; returns the bytes of its body. */
export function send(response: ServerResponse, status: number, more: readonly string[], reply: Reply, text: string): number {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return 0;
  }
  const body = Buffer.from(text);
  const headers = ['Content-Type', 'application/json', 'Content-Length', String(body.length), 'X-Content-Type-Options', 'nosniff', ...more, ...reply.headers];
  if (reply.requestId !== '') headers.push('X-Request-ID', reply.requestId);
  if (reply.traceId !== '') headers.push('X-Trace-ID', reply.traceId);
  response.writeHead(status, headers);
  response.end(body);
  if (response.writableLength > 0) cutUnread(response);
  return body.length;
}

/** Cuts the connection of a reader that for so long takes nothing of what is left of an ended answer. */
export function cutUnread(response: ServerResponse): void {
  const timer = setTimeout(() => response.destroy(), bounds.requestTimeoutMs);
  response.on('close', () => clearTimeout(timer));
}

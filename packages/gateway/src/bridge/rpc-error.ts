import type { ServerResponse } from 'node:http';
import type { Fault } from '../kernel/fault.ts';

/** A fault as a JSON-RPC error with the caller's id, `id` being its JSON text ("null" where there is none). */
export function rpcError(fault: Fault, id: string): string {
  const { reason } = fault.detail;
  const data = { error: fault.code, ...(reason !== undefined && { reason }), fix: fault.fix, docs: `docs/reference/faults.md#${fault.code}`, ...fault.extra };
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code: fault.row.rpcCode, message: fault.message, data })}}`;
}

/** Answers with the fault's HTTP status; `retry_after` (seconds) among its extra members becomes Retry-After too. */
export function respondFault(response: ServerResponse, fault: Fault, id: string, headers: Readonly<Record<string, string>> = {}): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = Buffer.from(rpcError(fault, id));
  const retryAfter = fault.extra?.['retry_after'];
  response.writeHead(fault.row.status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...(typeof retryAfter === 'number' ? { 'retry-after': String(retryAfter) } : {}),
    ...headers,
  });
  response.end(body);
}

import type { ReplyHeaders } from '../upstream/send.ts';
import type { Call } from './rail.ts';
import type { Relayed } from './relayed.ts';
import { placeSession } from './session-place.ts';
import { beginRun } from './session-run.ts';

const passed = [
  ['cache-control', 'Cache-Control'],
  ['retry-after', 'Retry-After'],
  ['allow', 'Allow'],
] as const;

/**
 * The headers of a relayed reply, flat: those of the gateway, and of the server's what a client needs. `contentType` is empty where the body
 * is not passed on, `target` the one that answered. Faults: `upstream_invalid` where the server's session id is too long.
 */
export function replyHeaders(call: Call, relayed: Relayed, headers: ReplyHeaders, contentType: string, target: string): string[] {
  const out = ['X-Trace-ID', call.traceId, 'X-Request-ID', call.requestId, ...call.headers];
  if (contentType !== '') out.push('Content-Type', contentType);
  for (const [from, to] of passed) {
    const value = headers[from];
    if (value !== undefined) out.push(to, textOf(value));
  }
  const session = relayed.era === 'modern' ? null : sessionFor(call, relayed, textOf(headers['mcp-session-id']), target);
  if (session !== null) out.push('Mcp-Session-Id', session);
  return out;
}

/** A session that the server opens is handed on as a sealed handle; on later replies the client sees the handle it sent. */
function sessionFor(call: Call, { method }: Relayed, upstreamId: string, target: string): string | null {
  const { principal, server, rail, inbound, opening } = call;
  if (upstreamId === '') return null;
  if (method !== 'initialize') return inbound.sessionId ?? null;
  if (!principal || !server) return null;
  const { name, renewsSessions } = server.data;
  return rail.sessions.seal(principal.id, name, placeSession(server.data, target, upstreamId), renewsSessions === false ? null : opening, beginRun(call));
}

export function textOf(value: string | string[] | undefined): string {
  return value === undefined ? '' : typeof value === 'string' ? value : value.join(', ');
}

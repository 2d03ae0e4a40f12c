import type { IncomingMessage, ServerResponse } from 'node:http';
import type { InboundHeaders } from './header-gate.ts';

/** What a script may read of a reply beside its body (Fetch, section 3.3.4). */
const exposed = [
  'Mcp-Session-Id',
  'WWW-Authenticate',
  'X-Trace-ID',
  'X-Request-ID',
  'Retry-After',
  'ETag',
  'Idempotent-Replayed',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'Deprecation',
  'Sunset',
  'Link',
  'GatewayOps-API-Version',
].join(', ');

/** What a script may send; `Mcp-Param-*` beside these. */
const allowed = new Set([
  'accept',
  'authorization',
  'baggage',
  'content-type',
  'idempotency-key',
  'if-match',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'traceparent',
  'tracestate',
  'x-request-id',
  'x-trace-id',
]);

/** Browsers remember the answer to a preflight for so long. */
const maxAgeSeconds = 600;

/**
 * Lets scripts of allowed origins read the reply (CORS), and answers their preflights: true where it was one. It allows no cookies: a script
 * of another origin brings a key. What comes from an origin that is not allowed gets none of it and is refused by the address check.
 */
export function serveCrossOrigin(request: IncomingMessage, response: ServerResponse, { origin }: InboundHeaders, origins: ReadonlySet<string>): boolean {
  if (origin === undefined || !origins.has(origin)) return false;
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Vary', 'Origin');
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) {
    response.setHeader('Access-Control-Expose-Headers', exposed);
    return false;
  }
  const asked = (request.headers['access-control-request-headers'] ?? '').toLowerCase();
  const granted = asked
    .split(',')
    .map((name) => name.trim())
    .filter((name) => allowed.has(name) || /^mcp-param-[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name));
  response.writeHead(204, {
    'Access-Control-Allow-Methods': 'GET, POST, PUT, PATCH, DELETE',
    ...(granted.length === 0 ? {} : { 'Access-Control-Allow-Headers': granted.join(', ') }),
    'Access-Control-Max-Age': String(maxAgeSeconds),
  });
  response.end();
  return true;
}

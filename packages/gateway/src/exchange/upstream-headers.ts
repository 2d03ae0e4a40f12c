import type { Message } from '../protocol/classify.ts';
import type { UpstreamRequest } from '../upstream/send.ts';
import type { Call } from './rail.ts';
import { mappedHeaders } from './transform-call.ts';

const acceptBoth = 'application/json, text/event-stream';

/**
 * All headers that go to a server but for that of the session, as a flat list: what MCP and tracing define, the gateway's own credential for this server,
 * what rules of `transforms` name,
 * and nothing else of the client's. Its Authorization, cookies, Host and Origin end here.
 */
export function upstreamHeaders(
  call: Call,
  era: Message['era'],
  method: UpstreamRequest['method'],
  mirrored: readonly string[] | undefined = call.inbound.params,
  lastEventId: string | null = null,
): string[] {
  const { inbound, server } = call;
  const headers = ['accept', inbound.accept ?? acceptBoth, 'accept-encoding', 'identity', 'traceparent', traceparentOf(call)];
  if (method === 'POST') headers.push('content-type', 'application/json');
  if (inbound.protocolVersion !== undefined) headers.push('mcp-protocol-version', inbound.protocolVersion);
  if (era === 'modern') {
    if (inbound.mcpMethod !== undefined) headers.push('mcp-method', inbound.mcpMethod);
    if (inbound.mcpName !== undefined) headers.push('mcp-name', inbound.mcpName);
    if (mirrored !== undefined) headers.push(...mirrored);
  }
  if (lastEventId !== null) headers.push('last-event-id', lastEventId);
  if (inbound.tracestate !== undefined) headers.push('tracestate', inbound.tracestate);
  if (inbound.baggage !== undefined) headers.push('baggage', inbound.baggage);
  if (inbound.userAgent !== undefined) headers.push('user-agent', inbound.userAgent);
  if (server?.transforms?.headers === true) headers.push(...mappedHeaders(call, server));
  const credential = server?.data.credential;
  if (credential) headers.push(credential.header, credential.value);
  return headers;
}

/** The gateway's own span as the server's parent. */
export function traceparentOf(call: Call): string {
  return `00-${call.record.traceHex}-${call.record.spanHex}-${call.traceFlags}`;
}

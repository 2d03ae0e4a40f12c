import { Fault } from '../kernel/fault.ts';
import type { Relayed } from './relayed.ts';

/** A reply that is no MCP over HTTP, as a fault. */
export function unfitReply(status: number, contentType: string, relayed: Relayed, server: string, retryAfter: string): Fault | null {
  if (contentType.startsWith('application/json') || contentType.startsWith('text/event-stream') || status === 202 || status === 204) return null;
  if (status >= 400 && status < 500) return null;
  if (status < 300 && relayed.kind !== 'request') return null;
  const detail = { server, reason: status < 300 ? 'it is neither JSON nor an event stream' : `it answered HTTP ${status}` };
  return new Fault('upstream_invalid', /^\d{1,6}$/.test(retryAfter) ? { ...detail, retryAfter } : detail);
}

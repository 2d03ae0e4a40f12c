import { Fault } from '../kernel/fault.ts';
import { faultCodes } from '../kernel/fault-codes.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import { codeOf, isMembers, type Members } from './rpc-message.ts';

/**
 * What the gateway's own bridge says in the place of its program (docs/reference/bridge.md, "Its own errors"), as the fault that it is; null for all
 * that is the program's. What a program answers never has a status of 500 or more, so it cannot pass for the bridge. A bridge that somebody
 * runs beside the gateway is a server like any other.
 */
export function bridgeFault({ data: { name, socketPath } }: Server, status: number, error: Members): Fault | null {
  if (socketPath === null || status < 500) return null;
  const data = isMembers(error['data']) ? error['data'] : {};
  switch (data['error']) {
    case 'upstream_unavailable': {
      const retryAfter = secondsOf(data['retry_after']);
      const reason = typeof data['reason'] === 'string' ? data['reason'] : 'its bridge does not serve it now';
      if (retryAfter === null) return new Fault('upstream_unavailable', { server: name, reason });
      return new Fault('upstream_unavailable', { server: name, reason, retryAfter }, { extra: { retry_after: retryAfter } });
    }
    case 'upstream_reset':
      return new Fault('upstream_reset', { server: name });
    case 'draining':
      return new Fault('draining');
    case 'internal_error':
      return new Fault('internal_error', {}, { cause: new Error(`the bridge of ${name} failed; its log says why`) });
    default:
      return null;
  }
}

/**
 * The same where the process ended in the midst of a stream, which has had its status. A program that says so of itself gains nothing: its call
 * has failed, and is never made again.
 */
export function bridgeReset({ data: { name, socketPath } }: Server, error: Members): Fault | null {
  const data = error['data'];
  const isReset = socketPath !== null && codeOf(error) === faultCodes.upstream_reset.rpcCode && isMembers(data) && data['error'] === 'upstream_reset';
  return isReset ? new Fault('upstream_reset', { server: name }) : null;
}

function secondsOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 86_400 ? value : null;
}

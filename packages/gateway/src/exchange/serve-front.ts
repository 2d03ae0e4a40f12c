import type { Endpoint } from '../fabric/endpoint.ts';
import { Fault } from '../kernel/fault.ts';
import type { Message } from '../protocol/classify.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import { permitOperation } from './access-call.ts';
import { isGatewaySession } from './gateway-sessions.ts';
import type { Call } from './rail.ts';
import { serveLegacy } from './serve-legacy.ts';
import { serveModern } from './serve-modern.ts';

/** A classified message to an endpoint that is not relayed byte for byte, in the words of its client. `enter` has run. */
export async function serveFront(call: Call, endpoint: Endpoint, message: Message, body: Buffer): Promise<void> {
  if (call.server !== null && call.stop !== 'server' && message.kind === 'request') {
    const asking = permitOperation(call, call.server, message.method, message.row.action, message.name, body, ['params']);
    if (asking !== null) await asking;
  }
  return message.era === 'modern' ? serveModern(call, endpoint, message, body) : serveLegacy(call, endpoint, message, body);
}

/**
 * Whether a message to `/mcp/{server}` is for the fronts, since its server does not serve the client's era. Null: not known yet in this
 * worker, `findIfForFront` asks the server.
 */
export function isForFront(call: Call, message: Pick<Message, 'era' | 'method'>): boolean | null {
  const { server, inbound, rail } = call;
  if (server === null) return false;
  if (message.era === 'legacy' && inbound.sessionId !== undefined) return isGatewaySession(inbound.sessionId);
  const serves = rail.servers.serves(server, message.era);
  if (serves !== null) return !serves;
  return message.era === 'legacy' && message.method !== 'initialize' ? false : null;
}

/** What cannot be found out is relayed: then the server's own answer says what is wrong. Faults: `mcp_timeout`, not waited for twice. */
export async function findIfForFront(call: Call, server: Server, message: Pick<Message, 'era'>): Promise<boolean> {
  if (call.rail.recordBlocked()) throw new Fault('audit_blocked');
  try {
    return !(await call.rail.servers.findIfServes(server, message.era));
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === 'mcp_timeout') throw thrown;
    return false;
  }
}

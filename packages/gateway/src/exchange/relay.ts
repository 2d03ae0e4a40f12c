import type { Flight } from '../cache/result-cache.ts';
import { Fault } from '../kernel/fault.ts';
import type { UpstreamCall } from '../upstream/target-exchange.ts';
import type { Call } from './rail.ts';
import { RelayReply } from './relay-reply.ts';
import { sessionEndMethod, streamMethod, type Relayed } from './relayed.ts';
import type { HeldSession } from './session-handle.ts';
import { idOfSession, targetOfSession } from './session-place.ts';
import { intend } from './stops.ts';
import { callerOf, variantOf } from './target-hints.ts';

/** `headers`: without that of the session. */
export type Outgoing = Pick<UpstreamCall, 'method' | 'headers' | 'body' | 'longLived' | 'repeatable'>;

/**
 * Intent first, then the message; resolves when nothing of the call is under way any more. A session that the server has lost is begun anew,
 * and the message sent again. `isUnasked`: a stream of what the server sends unasked, which may begin anew as well.
 *
 * Faults: `audit_blocked`, `too_many_streams`.
 */
export async function sendOn(
  call: Call,
  relayed: Relayed,
  session: HeldSession | null,
  out: Outgoing,
  flight: Flight | null = null,
  isUnasked = false,
): Promise<void> {
  if (!out.longLived) {
    await intend(call);
    return relay(call, relayed, session, out, flight, isUnasked);
  }
  const { streams } = call.rail;
  const holder = call.principal?.id ?? '';
  streams.enter(holder);
  try {
    await intend(call);
    await relay(call, relayed, session, out, flight, isUnasked);
  } finally {
    streams.leave(holder);
  }
}

/** Sends the message on and relays the reply; resolves when nothing of it is under way any more. */
function relay(call: Call, relayed: Relayed, session: HeldSession | null, out: Outgoing, flight: Flight | null, isUnasked: boolean): Promise<void> {
  // Left while the call waited at a stop: in the modern era that cancels it, so nothing is sent.
  if (call.response.destroyed && relayed.era === 'modern') return call.settle('cancelled', 'server');
  const { promise, resolve } = Promise.withResolvers<void>();
  const reply = new RelayReply(call, relayed, session, flight, resolve);
  reply.isUnasked = isUnasked;
  if (session !== null && isRenewable(call, relayed, isUnasked)) {
    const { generation } = session;
    reply.onSessionLost = () => void sendAnew(call, relayed, session, { generation, isLast: false }, out, flight, reply, resolve);
  }
  send(call, session, out, reply);
  return promise;
}

function isRenewable(call: Call, { method }: Relayed, isUnasked: boolean): boolean {
  if (call.server?.data.renewsSessions === false || method === 'initialize' || method === sessionEndMethod) return false;
  // The rest of a reply is lost with its session.
  return method !== streamMethod || isUnasked;
}

/**
 * Who does not know a session has done nothing in it, so the message is sent again in the one that takes its place. Where that is one which another
 * worker made, the server may have lost it as well since; one made anew then is the last that is tried.
 */
async function sendAnew(
  call: Call,
  relayed: Relayed,
  session: HeldSession,
  lost: { readonly generation: number; readonly isLast: boolean },
  out: Outgoing,
  flight: Flight | null,
  refusal: RelayReply,
  finished: () => void,
): Promise<void> {
  const { server, rail } = call;
  if (server === null || !(await rail.renewal.renew(call, server, session, lost.generation))) return refusal.passOn();
  // The question was the lost session's; in the new one another may have its id.
  if (relayed.kind === 'response') return refusal.acceptAlone();
  refusal.giveWay();
  const reply = new RelayReply(call, relayed, session, flight, finished);
  reply.isUnasked = refusal.isUnasked;
  // Event ids were the lost session's as well.
  const again = { ...out, headers: without('last-event-id', out.headers) };
  if (!lost.isLast) {
    const { generation } = session;
    reply.onSessionLost = () => void sendAnew(call, relayed, session, { generation, isLast: true }, again, flight, reply, finished);
  }
  send(call, session, again, reply);
}

function send(call: Call, session: HeldSession | null, out: Outgoing, reply: RelayReply): void {
  const { server, rail } = call;
  if (server === null) throw new Fault('not_found');
  const headers = session === null ? out.headers : [...out.headers, 'mcp-session-id', idOfSession(session.placed)];
  reply.attach(
    rail.upstreams.send(
      server.data,
      {
        method: out.method,
        headers,
        body: out.body,
        longLived: out.longLived,
        repeatable: out.repeatable,
        pinned: session === null ? null : targetOfSession(session.placed),
        caller: callerOf(call),
        variant: variantOf(call),
        firstByteMsMax: null,
      },
      reply,
    ),
  );
}

function without(name: string, headers: readonly string[]): string[] {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text === name);
  return headers.filter((_, index) => at < 0 || (index !== at && index !== at + 1));
}

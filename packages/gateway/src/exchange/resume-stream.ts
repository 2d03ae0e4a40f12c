import { Fault } from '../kernel/fault.ts';
import type { Call } from './rail.ts';
import { eventHolder, unaskedHolder, type HeldSession } from './session-handle.ts';
import { idOfSession } from './session-place.ts';

/** What a legacy client's GET asks for. */
export interface Resumption {
  /** The server's id of the event after which the stream goes on; null: it begins. */
  readonly eventId: string | null;
  /** It is the stream of what the server sends unasked, not the rest of a reply. */
  readonly isUnasked: boolean;
}

/**
 * What follows an event of a session that the server has lost is lost as well: the stream of what it sends unasked begins anew, the rest of a
 * reply is not to be had. Faults: `invalid_request` where the event is not one of the caller's in this session, `session_not_found`.
 */
export async function resumptionOf(call: Call, session: HeldSession | null): Promise<Resumption> {
  const { lastEventId } = call.inbound;
  if (lastEventId === undefined) return { eventId: null, isUnasked: true };
  const now = openEvent(call, session === null ? '' : session.placed, lastEventId);
  if (now !== null) return now;
  if (session !== null) {
    // Another worker may have begun it anew.
    const known = session.generation;
    await call.rail.renewal.refresh(call, session);
    const renewed = session.generation === known ? null : openEvent(call, session.placed, lastEventId);
    if (renewed !== null) return renewed;
    for (const placed of session.replaced) {
      const before = openEvent(call, placed, lastEventId);
      if (before?.isUnasked === true) return { eventId: null, isUnasked: true };
      if (before !== null) throw new Fault('session_not_found');
    }
  }
  throw new Fault('invalid_request', { reason: 'Last-Event-ID is not an event of this session' });
}

function openEvent(call: Call, placed: string, signed: string): Resumption | null {
  const { sessions } = call.rail;
  const holder = eventHolder(call.principal?.id ?? '', call.server?.data.name ?? '', idOfSession(placed));
  const unasked = sessions.openEventId(signed, unaskedHolder(holder));
  if (unasked !== null) return { eventId: unasked, isUnasked: true };
  const ofReply = sessions.openEventId(signed, holder);
  return ofReply === null ? null : { eventId: ofReply, isUnasked: false };
}

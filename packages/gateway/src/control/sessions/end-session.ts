import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { endGrantsOf } from '../oauth/revoke-grant.ts';
import { unknownObject } from '../unknown-object.ts';
import { ownPlace, requireUser } from './list-sessions.ts';
import { listPlaces, removePlaces } from './session-list.ts';
import { userHolder } from './session.ts';

const sessionOver = 'the session that gave it is over';

/** Ends the session that is acted by: logout. Faults: `unavailable`. */
export async function endSession(context: ControlContext): Promise<void> {
  const { session, organizationId } = context.actor;
  if (session === null) return;
  await context.state.delete(session.key);
  await removePlaces(context.state, organizationId, session.holder, new Set([session.id]));
  await context.registry.transaction(({ audit }) => audit.insert(auditEvent({ ...context, organizationId }, 'session.ended', session.id, {})));
  context.live.end(session.id);
  await endGrantsOf({ ...context, organizationId }, { userId: null, sessionIds: [session.id] }, sessionOver);
}

/** Ends one of one's own. Faults: `unknown_object`, `unavailable`. */
export async function endOwnSession(context: ControlContext, id: string): Promise<void> {
  const { organizationId, holder } = ownPlace(context);
  if ((await end({ ...context, organizationId }, holder, id)).length === 0) throw unknownObject('session', id);
}

/** Ends one session of a user: no node knows it when this resolves, and what runs by it ends within two seconds. Faults: `unknown_object`, `unavailable`. */
export async function endUserSession(context: ControlContext, userId: string, id: string): Promise<void> {
  await requireUser(context, userId);
  if ((await end(context, userHolder(userId), id)).length === 0) throw unknownObject('session', id);
}

export interface EndedOfUser {
  readonly sessions: readonly string[];
  readonly grants: readonly string[];
}

/** Ends every session of a user, and with them what clients were allowed in their name: whoever had their browser may have allowed some. Faults: `unknown_object`, `unavailable`. */
export async function endUserSessions(context: ControlContext, userId: string): Promise<EndedOfUser> {
  await requireUser(context, userId);
  const { organizationId, state } = context;
  const places = await listPlaces(state, organizationId, userHolder(userId));
  const sessions = await end(context, userHolder(userId), null);
  // Also what sessions have given that are over by themselves.
  const grants = await endGrantsOf(context, { userId, sessionIds: places.map(({ id }) => id) }, 'every session of their person was ended');
  return { sessions, grants };
}

/**
 * Ends all sessions of a user who is not let in any more. What clients were allowed in their name is refused as long as they are not, too. Never rejects: what cannot
 * be ended now is refused at its next use, for its user is gone.
 */
export async function endSessionsOfUser(context: ControlContext, userId: string): Promise<void> {
  try {
    await end(context, userHolder(userId), null);
  } catch (error) {
    context.log.warn('sessions.not_ended', { error });
  }
}

async function end(context: ControlContext, holder: string, id: string | null): Promise<readonly string[]> {
  const { organizationId, state, registry, live } = context;
  const places = (await listPlaces(state, organizationId, holder)).filter((place) => id === null || place.id === id);
  const known = await Promise.all(places.map(async (place) => ((await state.get(place.key)) === null ? [] : [place])));
  const ended = known.flat();
  for (const { key } of ended) await state.delete(key);
  if (places.length > 0) await removePlaces(state, organizationId, holder, new Set(places.map((place) => place.id)));
  if (ended.length > 0)
    await registry.transaction(async ({ audit }) => {
      for (const place of ended) await audit.insert(auditEvent(context, 'session.ended', place.id, {}));
    });
  for (const place of ended) live.end(place.id);
  await endGrantsOf(context, { userId: null, sessionIds: ended.map((place) => place.id) }, sessionOver);
  return ended.map((place) => place.id);
}

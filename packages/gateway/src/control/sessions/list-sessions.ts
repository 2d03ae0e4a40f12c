import type { OrganizationId } from '../../kernel/id.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { listPlaces } from './session-list.ts';
import { sessionMaxMs, sessionMs, sessionRecordSchema, userHolder, type SessionRecord } from './session.ts';

export interface SessionView {
  readonly record: SessionRecord;
  /** When it is over if it is not used, and if it is. */
  readonly expiresAtMs: number;
  /** Whether it is the one that is acted by. */
  readonly current: boolean;
}

/** The sessions of whoever has this one, the newest first; of a key or the operator those that links of theirs have opened. Faults: `unavailable`. */
export function listOwnSessions(context: ControlContext): Promise<readonly SessionView[]> {
  const { organizationId, holder } = ownPlace(context);
  return sessionsOf({ ...context, organizationId }, holder);
}

/** Faults: `unknown_object`, `unavailable`. */
export async function listUserSessions(context: ControlContext, userId: string): Promise<readonly SessionView[]> {
  await requireUser(context, userId);
  return sessionsOf(context, userHolder(userId));
}

/** Where one's own sessions are listed: those of a session in its own organization, whichever it acts in. */
export function ownPlace({ actor, organizationId }: Pick<ControlContext, 'actor' | 'organizationId'>): {
  readonly organizationId: OrganizationId;
  readonly holder: string;
} {
  const { session } = actor;
  return session === null ? { organizationId, holder: `${actor.kind}:${actor.id}` } : { organizationId: actor.organizationId, holder: session.holder };
}

/** Faults: `unknown_object`. */
export async function requireUser({ registry, organizationId }: ControlContext, userId: string): Promise<void> {
  if ((await registry.directory.find(organizationId, { kind: 'user', id: userId })) === null) throw unknownObject('user', userId);
}

async function sessionsOf({ state, organizationId, actor }: ControlContext, holder: string): Promise<readonly SessionView[]> {
  const places = await listPlaces(state, organizationId, holder);
  const stored = await Promise.all(places.map(({ key }) => state.get(key)));
  return stored
    .flatMap((one): SessionView[] => {
      if (one === null) return [];
      const record = sessionRecordSchema.parse(JSON.parse(one.toString()));
      const usedAtMs = Math.max(record.seenAtMs, record.createdAtMs);
      return [{ record, expiresAtMs: Math.min(usedAtMs + sessionMs, record.createdAtMs + sessionMaxMs), current: actor.session?.id === record.id }];
    })
    .reverse();
}

import { createActor, userActor } from '../actor.ts';
import type { Actor, ControlDependencies } from '../context.ts';
import { keyHolds } from '../keys/key-holds.ts';
import { covers } from '../permissions.ts';
import { readUser } from '../sign-in/read-user.ts';
import { holderOf, sessionKey, sessionMaxMs, sessionMs, sessionRecordSchema, type SessionPlace, type SessionRecord } from './session.ts';

type Judging = Pick<ControlDependencies, 'state' | 'registry' | 'access' | 'mcpActions' | 'clock' | 'expiryClock'>;

/** How often it is written down that a session is used. */
const seenMs = 60_000;

/** The actor behind a session's token, or null where it is unknown or over. Each use gives it eight more hours. Faults: `unavailable`. */
export async function findSession(dependencies: Judging, token: string): Promise<Actor | null> {
  const key = sessionKey(token);
  const good = key === null ? null : await judgeSession(dependencies, key);
  if (key === null || good === null) return null;
  const { state, clock } = dependencies;
  const { record, stored, leftMs, actor } = good;
  const ttlMs = Math.min(sessionMs, leftMs);
  const nowMs = clock.nowMs();
  // Compared, so that one which was ended meanwhile stays so.
  if (nowMs - record.seenAtMs >= seenMs) await state.replace(key, stored, Buffer.from(JSON.stringify({ ...record, seenAtMs: nowMs })), ttlMs);
  else await state.touch(key, ttlMs);
  return actor;
}

/** Whether a session still holds, e.g. under a stream; it is not used by that. Faults: `unavailable`. */
export async function sessionHolds(dependencies: Judging, { key }: Pick<SessionPlace, 'key'>): Promise<boolean> {
  return (await judgeSession(dependencies, key)) !== null;
}

interface GoodSession {
  readonly record: SessionRecord;
  readonly stored: Buffer;
  /** Until it is over however much it is used. */
  readonly leftMs: number;
  readonly actor: Actor;
}

async function judgeSession(dependencies: Judging, key: string): Promise<GoodSession | null> {
  const { state, registry, expiryClock } = dependencies;
  const stored = await state.get(key);
  if (stored === null) return null;
  const record = sessionRecordSchema.parse(JSON.parse(stored.toString()));
  const { organizationId, user, openedBy } = record;
  if ((await registry.organizations.find(organizationId)) === null) return null;
  const nowMs = expiryClock.nowMs();
  const leftMs = record.createdAtMs + sessionMaxMs - nowMs;
  if (leftMs <= 0) return null;
  const place: SessionPlace = { id: record.id, key, holder: holderOf(record) };
  if (user !== null) {
    const known = await readUser(dependencies, organizationId, user.id);
    if (known === null) return null;
    return { record, stored, leftMs, actor: userActor(user.pseudonym, user.id, known.actions, organizationId, place) };
  }
  if (openedBy.kind === 'user') {
    // It holds everything, as whoever made its link had to, and still has to.
    const opener = await readUser(dependencies, openedBy.organizationId, openedBy.id);
    if (opener === null || !covers(opener.actions, '*')) return null;
  }
  if (openedBy.kind === 'key' && !(await keyHolds(dependencies, openedBy.organizationId, openedBy.id))) return null;
  return {
    record,
    stored,
    leftMs,
    actor: createActor('session', record.id, { actions: record.actions, servers: record.servers }, organizationId, null, place),
  };
}

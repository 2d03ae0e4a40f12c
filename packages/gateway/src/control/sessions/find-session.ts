import { switchedOff } from '../access/switched-off.ts';
import { createActor } from '../actor.ts';
import type { Actor, ControlDependencies } from '../context.ts';
import { readCaller } from '../keys/read-caller.ts';
import { sessionKey, sessionMaxMs, sessionMs, sessionRecordSchema } from './session.ts';

/** The actor behind a session's token, or null where it is unknown or over. Each use gives it eight more hours. Faults: `unavailable`. */
export async function findSession(
  dependencies: Pick<ControlDependencies, 'state' | 'registry' | 'access' | 'mcpActions' | 'clock' | 'expiryClock'>,
  token: string,
): Promise<Actor | null> {
  const { state, registry, access, clock, expiryClock } = dependencies;
  const key = sessionKey(token);
  const stored = key === null ? null : await state.get(key);
  if (key === null || stored === null) return null;
  const record = sessionRecordSchema.parse(JSON.parse(stored.toString()));
  if ((await registry.organizations.find(record.organizationId)) === null) return null;
  const nowMs = expiryClock.nowMs();
  const leftMs = record.createdAtMs + sessionMaxMs - nowMs;
  if (leftMs <= 0) return null;
  if (record.openedBy.kind === 'key') {
    const { organizationId } = record.openedBy;
    const opener = await registry.keys.find(organizationId, record.openedBy.id);
    if (opener === null || opener.revokedAtMs !== null || (opener.expiresAtMs !== null && opener.expiresAtMs <= nowMs)) return null;
    if (switchedOff(access.switches(organizationId), { keyId: opener.id, lineage: (await readCaller(dependencies, opener)).lineage }, clock.nowMs()) !== null)
      return null;
  }
  await state.touch(key, Math.min(sessionMs, leftMs));
  return createActor('session', record.id, { actions: record.actions, servers: record.servers }, record.organizationId);
}

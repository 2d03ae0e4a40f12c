import type { GrantRecord } from '../../store/registry/oauth-store.ts';
import type { RegistryWrites } from '../../store/registry/registry-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';

/**
 * Ends a grant: its refresh token is good no more, and its access tokens are forgotten on every node. One that is revoked stays as it is. Faults: `unknown_object`,
 * also where `userId` says whose it must be and it is another's; `unavailable`.
 */
export async function revokeGrant(context: ControlContext, { id, userId }: { readonly id: string; readonly userId: string | null }): Promise<void> {
  const grant = await context.registry.grants.find(context.organizationId, id);
  if (grant === null || (userId !== null && grant.userId !== userId)) throw unknownObject('grant', id);
  await endGrant(context, id, userId === null ? 'an administrator revoked it' : 'its person revoked it');
}

/** Faults: `unavailable`. */
export async function endGrant(context: ControlContext, id: string, why: string): Promise<void> {
  const { organizationId, registry } = context;
  const isEnded = await registry.transaction(async (writes) => {
    await writes.access.lock(organizationId);
    const grant = await writes.grants.findForUpdate(organizationId, id);
    if (grant === null || grant.revoked !== null) return false;
    await endGrantIn(context, writes, grant, why);
    return true;
  });
  if (!isEnded) return;
  context.log.info('grant.revoked', { grant: id, actor: context.actor.id, reason: why });
  await context.notify.keyChanged(id);
  await context.access.refresh();
}

/** Whose grants end: those of a user (null: of none), and those that sessions of nobody in the directory have given. */
export interface GrantsOver {
  readonly userId: string | null;
  readonly sessionIds: readonly string[];
}

/** Resolves with their ids. Faults: `unavailable`. */
export async function endGrantsOf(context: ControlContext, over: GrantsOver, why: string): Promise<readonly string[]> {
  if (over.userId === null && over.sessionIds.length === 0) return [];
  const ended = await context.registry.transaction(async (writes) => {
    await writes.access.lock(context.organizationId);
    return endGrantsIn(context, writes, over, why);
  });
  if (ended.length === 0) return [];
  context.log.info('grants.revoked', { grants: ended.length, actor: context.actor.id, reason: why });
  for (const id of ended) await context.notify.keyChanged(id);
  await context.access.refresh();
  return ended;
}

/** As `endGrantIn`. */
export async function endGrantsIn(
  context: ControlContext,
  writes: RegistryWrites,
  { userId, sessionIds }: GrantsOver,
  why: string,
): Promise<readonly string[]> {
  const live = await writes.grants.findLiveForUpdate(context.organizationId, userId, sessionIds);
  for (const grant of live) await endGrantIn(context, writes, grant, why);
  return live.map(({ id }) => id);
}

/** Inside a transaction that has locked access; workers are to be told after it. */
export async function endGrantIn(context: ControlContext, { access, grants, audit }: RegistryWrites, grant: GrantRecord, why: string): Promise<void> {
  const { organizationId, id } = grant;
  await grants.updateRevoked(organizationId, id, { atMs: context.clock.nowMs(), by: context.actor.id, why });
  await access.touchGrant(organizationId, id);
  await audit.insert(auditEvent(context, 'grant.revoked', id, { client_id: grant.clientId, resource: grant.resource, reason: why }));
}

import type { KeyRecord, RegistryWrites } from '../../store/registry/registry-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { ofPerson } from './of-person.ts';

/**
 * Ends a key for good: when this resolves no worker of this node accepts it. Revoking it again changes nothing. Whoever
 * may write keys may revoke any: it takes rights away, never gives them. Faults: `unknown_object`, `unavailable`.
 */
export async function revokeKey(context: ControlContext, id: string): Promise<KeyRecord> {
  const revokedAtMs = context.clock.nowMs();
  const key = await context.registry.transaction(async ({ keys, access, audit }) => {
    await access.touchKey(context.organizationId, id);
    const found = await keys.findForUpdate(context.organizationId, id);
    if (found === null) throw unknownObject('key', id);
    if (found.revokedAtMs !== null) return found;
    await keys.updateRevoked(context.organizationId, id, revokedAtMs);
    await auditRevoked(context, { audit }, found);
    return { ...found, revokedAtMs };
  });
  await context.notify.keyChanged(id);
  context.log.info('key.revoked', { key_id: id, prefix: key.prefix, actor: context.actor.id });
  return key;
}

/** Writes into the audit that a key was revoked. */
export async function auditRevoked(context: ControlContext, { audit }: Pick<RegistryWrites, 'audit'>, key: KeyRecord): Promise<void> {
  await audit.insert(auditEvent(context, 'key.revoked', key.id, { name: ofPerson(key, key.name), prefix: key.prefix }));
}

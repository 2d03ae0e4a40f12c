import { bounds } from '../../kernel/bounds.ts';
import { nouns, type Reference } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import type { KeyId } from '../../kernel/id.ts';
import type { RegistryWrites } from '../../store/registry/registry-store.ts';
import type { ControlContext } from '../context.ts';
import { auditRevoked } from '../keys/revoke-key.ts';
import { endGrantsIn } from '../oauth/revoke-grant.ts';
import { endSessionsOfUser } from '../sessions/end-session.ts';
import { unknownObject } from '../unknown-object.ts';
import { builtInRole } from '../roles/built-in-roles.ts';
import { auditEntry, invalid } from './entry-change.ts';

export interface DeleteEntryInput {
  readonly reference: Reference;
  /** The version that the caller has seen. */
  readonly expected: number;
  /** Its keys are revoked with it; without this it stays as long as it has keys. */
  readonly revokeKeys: boolean;
  readonly dryRun: boolean;
}

/**
 * Takes something out of the directory; ids of the keys that are, or would be, revoked with it. What others are tied to stays, and so does what
 * has keys, but for `revokeKeys`. Faults: `unknown_object`, `precondition_failed`, `still_in_use`, `invalid_params` for a role that is built in, `unavailable`.
 */
export async function deleteEntry(context: ControlContext, { reference, expected, revokeKeys, dryRun }: DeleteEntryInput): Promise<readonly KeyId[]> {
  const { organizationId, registry, actor } = context;
  const { kind, id } = reference;
  if (kind === 'role' && builtInRole(id, context.mcpActions) !== null) throw invalid(`the role ${id} is built in and stays`);
  let grants: readonly string[] = [];
  const keys = await registry.transaction(async (writes) => {
    const { access, directory } = writes;
    if (!dryRun) await access.lock(organizationId);
    const before = await directory.findForUpdate(organizationId, reference);
    if (before === null) throw unknownObject(kind, id);
    const { version } = before;
    if (version !== expected) throw new Fault('precondition_failed', { version }, { extra: { version } });
    await requireUntied(context, writes, reference);
    const held = await directory.keysOf(organizationId, reference, revokeKeys ? bounds.deletedKeysMax : shownMax);
    if (held.count > 0 && (!revokeKeys || held.count > bounds.deletedKeysMax)) throw inUse(reference, 'key', held.count, held.first, true);
    if (dryRun) return held.first;
    for (const keyId of held.first) await revoke(context, writes, keyId);
    // Whoever is made under the same id is somebody else.
    if (kind === 'user') grants = await endGrantsIn(context, writes, { userId: id, sessionIds: [] }, 'its person was deleted');
    if (kind === 'user' || kind === 'service_account') await writes.savedViews.leave(organizationId, { kind, id });
    if (kind === 'team') await writes.savedViews.unshare(organizationId, `team:${id}`);
    await access.touchKeysOf(organizationId, [reference]);
    await directory.delete(organizationId, reference);
    await auditEntry(context, writes, 'deleted', before, held.first.length === 0 ? {} : { revoked_keys: held.first });
    return held.first;
  });
  if (dryRun) return keys;
  for (const changed of [...keys, ...grants]) await context.notify.keyChanged(changed);
  if (kind === 'user') await endSessionsOfUser(context, id);
  context.log.info('directory.deleted', { kind, id: kind === 'user' ? '' : id, revoked_keys: keys.length, actor: actor.id });
  await context.access.refresh();
  return keys;
}

const shownMax = 5;

async function requireUntied({ organizationId }: ControlContext, { directory }: RegistryWrites, reference: Reference): Promise<void> {
  const { count, first } = await directory.tiedTo(organizationId, reference, shownMax);
  const [one] = first;
  if (one === undefined) return;
  const names = first.map(({ kind, id }) => `${nouns[kind].title} ${id}`);
  throw inUse(reference, null, count, names, false);
}

function inUse({ kind, id }: Reference, what: string | null, count: number, names: readonly string[], areKeys: boolean): Fault {
  const shown = names.slice(0, shownMax);
  const more = count - shown.length;
  const list = `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const by = what === null ? list : `${count} ${what}${count === 1 ? '' : 's'} (${list})`;
  const mend = areKeys
    ? `Revoke them with it: revoke_keys=true, --revoke-keys (${bounds.deletedKeysMax} at most), or give them to others first.`
    : 'Take it out there first.';
  return new Fault('still_in_use', { kind: nouns[kind].title, name: id, by, mend }, { extra: { used_by: shown, used_by_count: count } });
}

async function revoke(context: ControlContext, writes: RegistryWrites, keyId: KeyId): Promise<void> {
  const key = await writes.keys.findForUpdate(context.organizationId, keyId);
  if (key === null || key.revokedAtMs !== null) return;
  await writes.keys.updateRevoked(context.organizationId, keyId, context.clock.nowMs());
  await auditRevoked(context, writes, key);
}

import { bounds } from '../../kernel/bounds.ts';
import type { Reference } from '../../kernel/directory.ts';
import type { KeyId } from '../../kernel/id.ts';
import { auditEntry } from '../directory/entry-change.ts';
import { auditRevoked } from '../keys/revoke-key.ts';
import { endGrantsIn } from '../oauth/revoke-grant.ts';
import { endSessionsOfUser } from '../sessions/end-session.ts';
import { unknownResource } from './put-user.ts';
import { requireVersion } from './require-version.ts';
import { sayIfUnled } from './say-if-unled.ts';
import type { ScimContext } from './scim-context.ts';
import { isSwitchOf } from './set-active.ts';

/**
 * Whoever has left: the user is out of the directory, their keys are revoked for good, their sessions end. Nothing holds it up: agents that they answer for answer to
 * nobody from then on, and the audit names them. Refusals: 404, 412. Faults: `unavailable`.
 */
export async function deleteScimUser(context: ScimContext, { id, expected }: { readonly id: string; readonly expected: number | null }): Promise<void> {
  const { organizationId, registry, clock, provider } = context;
  const reference: Reference = { kind: 'user', id };
  const { entry, revoked, grants } = await registry.transaction(async (writes) => {
    const { access, directory, keys, scim } = writes;
    await access.lock(organizationId);
    const user = await scim.findUserForUpdate(organizationId, provider, id);
    const before = user === null ? null : await directory.findForUpdate(organizationId, reference);
    if (user === null || before === null) throw unknownResource();
    requireVersion(user, expected);
    const ended: KeyId[] = [];
    for (;;) {
      const { first } = await directory.keysOf(organizationId, reference, bounds.deletedKeysMax);
      for (const keyId of first) {
        const key = await keys.findForUpdate(organizationId, keyId);
        await keys.updateRevoked(organizationId, keyId, clock.nowMs());
        if (key !== null) await auditRevoked(context, writes, key);
      }
      ended.push(...first);
      if (first.length < bounds.deletedKeysMax) break;
    }
    // Whoever is made under the same id is somebody else.
    const over = await endGrantsIn(context, writes, { userId: id, sessionIds: [] }, 'its person was deleted');
    await access.touchKeysOf(organizationId, [reference]);
    const there = await access.findSwitch(organizationId, 'user', id);
    // Nobody would take it away any more.
    if (there !== null && isSwitchOf(there, provider)) {
      await access.begin(organizationId);
      await access.deleteSwitch(organizationId, 'user', id);
    }
    const tied = await directory.tiedTo(organizationId, reference, bounds.directoryLinksMax);
    await writes.savedViews.leave(organizationId, { kind: 'user', id });
    await directory.untie(organizationId, reference);
    await directory.delete(organizationId, reference);
    await auditEntry(context, writes, 'deleted', before, {
      provider,
      ...(ended.length === 0 ? {} : { revoked_keys: ended }),
      ...(tied.count === 0 ? {} : { untied: tied.first.map((one) => `${one.kind}:${one.id}`), untied_count: tied.count }),
    });
    return { entry: before, revoked: ended, grants: over };
  });
  for (const changed of [...revoked, ...grants]) await context.notify.keyChanged(changed);
  await endSessionsOfUser(context, id);
  context.log.info('scim.user_deleted', { provider, revoked_keys: revoked.length });
  await context.access.refresh();
  await sayIfUnled(context, [entry]);
}

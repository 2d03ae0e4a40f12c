import { bounds } from '../../kernel/bounds.ts';
import { rolePrefix, type Reference } from '../../kernel/directory.ts';
import type { EntryPlace, EntryRecord } from '../../store/registry/directory-store.ts';
import { switchedOff } from '../access/switched-off.ts';
import { auditEvent } from '../audit/audit-event.ts';
import { covers } from '../permissions.ts';
import { permissionsOf } from '../roles/built-in-roles.ts';
import { linkedIds } from '../sign-in/map-groups.ts';
import { recordRefusal } from './refusals.ts';
import type { ScimContext } from './scim-context.ts';

/**
 * Whoever leaves is out, also the last who may do everything: but it is said, in the audit, in the log and beside the refusals of the provider. `before`: those
 * whom something was taken from. The way back in is the link of `gateway admin link`. Never rejects: what was done stands.
 */
export async function sayIfUnled(context: ScimContext, before: readonly EntryRecord[]): Promise<void> {
  try {
    const led = await rolesOfAdministrators(context);
    if (!before.some(({ links }) => linkedIds(links, 'role_ids').some((id) => led.includes(id)))) return;
    if (await hasAdministrator(context, led)) return;
    const { organizationId, registry, log, provider } = context;
    await registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'organization.left_unled', organizationId, { provider })));
    log.error('scim.no_administrator_left', { provider, organization_id: organizationId });
    await recordRefusal(context, {
      method: '',
      resource: 'Users',
      resourceId: null,
      status: 200,
      scimType: 'noAdministrator',
      detail: 'done, and nobody of the directory may do everything any more: gateway admin link is the way in',
    });
  } catch (error) {
    context.log.warn('scim.administrators_not_counted', { error });
  }
}

/** Ids of the roles that allow everything. */
async function rolesOfAdministrators({ registry, organizationId, mcpActions }: ScimContext): Promise<readonly string[]> {
  const roles = await registry.directory.list(organizationId, {
    kind: 'role',
    text: null,
    links: [],
    sort: 'name',
    descending: false,
    after: null,
    limit: bounds.wholeListMax,
  });
  return roles
    .filter(({ id, names }) => {
      const allowed = permissionsOf({ id, permissions: names['permissions'] ?? [] }, mcpActions).filter((one) => !one.startsWith(rolePrefix));
      return covers(allowed, '*');
    })
    .map(({ id }) => id);
}

async function hasAdministrator({ registry, organizationId, access, clock }: ScimContext, roles: readonly string[]): Promise<boolean> {
  const off = access.switches(organizationId);
  for (const id of roles) {
    for (let after: EntryPlace | null = null; ;) {
      const page: readonly EntryRecord[] = await registry.directory.list(organizationId, {
        kind: 'user',
        text: null,
        links: [{ member: 'role_ids', to: { kind: 'role', id } }],
        sort: 'created_at',
        descending: false,
        after,
        limit: bounds.directoryListMax,
      });
      for (const user of page) {
        const lineage: readonly Reference[] = await registry.directory.lineage(organizationId, [user]);
        if (switchedOff(off, { keyId: '', lineage }, clock.nowMs()) === null) return true;
      }
      const last = page.at(-1);
      if (last === undefined || page.length < bounds.directoryListMax) break;
      after = { value: last.createdAtMs, id: last.id };
    }
  }
  return false;
}

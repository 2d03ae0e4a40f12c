import { isDeepStrictEqual } from 'node:util';
import { bounds } from '../../kernel/bounds.ts';
import { foldText } from '../../kernel/directory.ts';
import { newEntryId } from '../../kernel/id.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import type { RegistryWrites } from '../../store/registry/registry-store.ts';
import type { ScimGroupRecord } from '../../store/registry/scim-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import { bringUpToDate, namesOfGroups } from '../sign-in/settle-identity.ts';
import { isObject } from './match-filter.ts';
import { unknownResource } from './put-user.ts';
import type { ScimResource } from './read-resource.ts';
import { requireVersion } from './require-version.ts';
import { sayIfUnled } from './say-if-unled.ts';
import type { ScimContext } from './scim-context.ts';
import { ScimRefusal } from './scim-refusal.ts';

/**
 * A group of the provider; its members get what the mapping gives it, at once. A large one is filled step by step: of one that was cut short the provider hears an error, and
 * the next PUT or PATCH goes on. Refusals: `uniqueness`, `invalidValue`, `tooMany`. Faults: `unavailable`.
 */
export async function createScimGroup(context: ScimContext, written: ScimResource): Promise<ScimGroupRecord> {
  const { organizationId, registry, clock, provider } = context;
  const members = memberIds(written);
  const nowMs = clock.nowMs();
  const group = await registry.transaction(async (writes): Promise<ScimGroupRecord> => {
    const { access, scim, audit } = writes;
    await access.lock(organizationId);
    if ((await scim.countGroups(organizationId, provider)) >= bounds.scimGroupsMax)
      throw new ScimRefusal(400, 'tooMany', `there are ${bounds.scimGroupsMax} groups already`);
    const made: ScimGroupRecord = { provider, id: newEntryId('grp'), ...namesOf(written), version: 1, createdAtMs: nowMs, changedAtMs: nowMs };
    await requireFree(context, writes, made);
    await requireUsers(context, writes, members);
    await scim.insertGroup(organizationId, made);
    await audit.insert(auditEvent(context, 'scim_group.created', made.id, { name: made.displayName, provider, members: members.length }));
    return made;
  });
  await changeMembers(context, group.id, { added: members, removed: [] });
  context.log.info('scim.group_created', { provider, members: members.length });
  return group;
}

export interface ChangeGroupInput {
  readonly id: string;
  /** The version that the provider has seen; null: any. */
  readonly expected: number | null;
  /** Of the group as a resource, with its members. */
  readonly change: (before: ScimResource) => ScimResource;
}

/** Refusals: 404, 412, `uniqueness`, and what `change` refuses. Faults: `unavailable`. */
export async function changeScimGroup(context: ScimContext, { id, expected, change }: ChangeGroupInput): Promise<ScimGroupRecord> {
  const { organizationId, registry, clock, provider } = context;
  const { group, added, removed, lost } = await registry.transaction(async (writes) => {
    const { access, scim, audit } = writes;
    await access.lock(organizationId);
    const before = await scim.findGroupForUpdate(organizationId, provider, id);
    if (before === null) throw unknownResource();
    requireVersion(before, expected);
    const members = (await scim.membersOf(organizationId, [id])).get(id) ?? [];
    const after = change(groupResource(before, members));
    const wanted = memberIds(after);
    const has = new Set(members);
    const wants = new Set(wanted);
    const difference = { added: wanted.filter((one) => !has.has(one)), removed: members.filter((one) => !wants.has(one)) };
    const names = namesOf(after);
    const isRenamed = !isDeepStrictEqual(names, { displayName: before.displayName, externalId: before.externalId });
    if (!isRenamed && difference.added.length === 0 && difference.removed.length === 0) return { group: before, ...difference, lost: [] };
    const changed: ScimGroupRecord = { ...before, ...names, version: before.version + 1, changedAtMs: clock.nowMs() };
    if (isRenamed) await requireFree(context, writes, changed);
    await requireUsers(context, writes, difference.added);
    await scim.updateGroup(organizationId, changed);
    // By another name it gives something else.
    const settled = isRenamed ? await settleMembers(context, writes, members) : [];
    await audit.insert(
      auditEvent(context, 'scim_group.changed', id, {
        name: changed.displayName,
        provider,
        added: difference.added.length,
        removed: difference.removed.length,
      }),
    );
    return { group: changed, ...difference, lost: settled };
  });
  await changeMembers(context, id, { added, removed });
  await context.access.refresh();
  await sayIfUnled(context, lost);
  return group;
}

/** Its members lose what it gave them. Refusals: 404, 412. Faults: `unavailable`. */
export async function deleteScimGroup(context: ScimContext, { id, expected }: { readonly id: string; readonly expected: number | null }): Promise<void> {
  const { organizationId, registry, provider } = context;
  const group = await registry.scim.findGroup(organizationId, provider, id);
  if (group === null) throw unknownResource();
  requireVersion(group, expected);
  await changeMembers(context, id, { added: [], removed: (await registry.scim.membersOf(organizationId, [id])).get(id) ?? [] });
  const lost = await registry.transaction(async (writes) => {
    const { access, scim, audit } = writes;
    await access.lock(organizationId);
    const before = await scim.findGroupForUpdate(organizationId, provider, id);
    if (before === null) throw unknownResource();
    // Who came in meanwhile.
    const late = (await scim.membersOf(organizationId, [id])).get(id) ?? [];
    await scim.deleteGroup(organizationId, id);
    await audit.insert(auditEvent(context, 'scim_group.deleted', id, { name: before.displayName, provider }));
    return await settleMembers(context, writes, late);
  });
  await context.access.refresh();
  await sayIfUnled(context, lost);
}

/** A group as a provider reads and patches it. */
export function groupResource({ displayName, externalId }: ScimGroupRecord, members: readonly string[]): ScimResource {
  return {
    displayName,
    ...(externalId === null ? {} : { externalId }),
    ...(members.length === 0 ? {} : { members: members.map((value) => ({ value })) }),
  };
}

/**
 * Takes members out and puts others in, some in a transaction, each with what the group gives or takes: what is done is done wholly, and what is not yet is still to be
 * seen in the group, so that the same request sent again goes on with it.
 */
async function changeMembers(
  context: ScimContext,
  groupId: string,
  { added, removed }: { readonly added: readonly string[]; readonly removed: readonly string[] },
): Promise<void> {
  const { organizationId, registry, provider } = context;
  const lost: EntryRecord[] = [];
  const each = async (ids: readonly string[], change: (writes: RegistryWrites, some: readonly string[]) => Promise<void>): Promise<void> => {
    for (let at = 0; at < ids.length; at += bounds.scimMembersAtOnce)
      lost.push(
        ...(await registry.transaction(async (writes) => {
          const { access, scim } = writes;
          await access.lock(organizationId);
          const some = ids.slice(at, at + bounds.scimMembersAtOnce);
          if ((await scim.findGroupForUpdate(organizationId, provider, groupId)) === null) throw unknownResource();
          await change(writes, some);
          return await settleMembers(context, writes, some);
        })),
      );
  };
  await each(removed, ({ scim }, some) => scim.removeMembers(organizationId, groupId, some));
  await each(added, async ({ scim }, some) => scim.addMembers(organizationId, groupId, await scim.usersAmong(organizationId, provider, some)));
  if (added.length === 0 && removed.length === 0) return;
  await context.access.refresh();
  await sayIfUnled(context, lost);
}

/** Gives and takes what the groups of these users do by now; those of whom something changed, as they were. */
async function settleMembers(context: ScimContext, writes: RegistryWrites, userIds: readonly string[]): Promise<readonly EntryRecord[]> {
  const { organizationId, provider, rules } = context;
  if (rules.mapping.length === 0 || userIds.length === 0) return [];
  const groups = await writes.scim.groupsOf(organizationId, userIds);
  const changed: EntryRecord[] = [];
  for (const id of userIds) {
    const before = await writes.directory.findForUpdate(organizationId, { kind: 'user', id });
    if (before === null) continue;
    const identity = { providerId: provider, groups: namesOfGroups(groups.get(id) ?? []) };
    if (await bringUpToDate(context, writes, before, identity, rules)) changed.push(before);
  }
  return changed;
}

async function requireFree(
  { organizationId, provider }: ScimContext,
  { scim }: RegistryWrites,
  { id, displayName, externalId }: ScimGroupRecord,
): Promise<void> {
  const named = await scim.groupHolderOf(organizationId, provider, { nameKey: foldText(displayName) });
  if (named !== null && named !== id) throw new ScimRefusal(409, 'uniqueness', 'another group of the provider has this displayName');
  const called = externalId === null ? null : await scim.groupHolderOf(organizationId, provider, { externalId });
  if (called !== null && called !== id) throw new ScimRefusal(409, 'uniqueness', 'another group of the provider has this externalId');
}

async function requireUsers({ organizationId, provider }: ScimContext, { scim }: RegistryWrites, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const known = new Set(await scim.usersAmong(organizationId, provider, ids));
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length > 0)
    throw new ScimRefusal(400, 'invalidValue', `${unknown.length} of the members are no users that this provider has sent; groups in groups are not taken`);
}

function memberIds(resource: ScimResource): readonly string[] {
  const members = Array.isArray(resource['members']) ? (resource['members'] as readonly unknown[]) : [];
  const ids = members.map((member) => (isObject(member) && typeof member['value'] === 'string' ? member['value'] : ''));
  if (ids.includes('')) throw new ScimRefusal(400, 'invalidValue', 'each of members must have a value, the id of a user');
  return [...new Set(ids)];
}

function namesOf(resource: ScimResource): Pick<ScimGroupRecord, 'displayName' | 'externalId'> {
  const { displayName, externalId } = resource;
  return { displayName: typeof displayName === 'string' ? displayName : '', externalId: typeof externalId === 'string' ? externalId : null };
}

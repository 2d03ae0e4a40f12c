import { sql, type Kysely, type Selectable } from 'kysely';
import { z } from 'zod';
import { foldText } from '../../kernel/directory.ts';
import type { OrganizationId } from '../../kernel/id.ts';
import type { ScimConnection, ScimGroupName, ScimGroupRecord, ScimPage, ScimReads, ScimRefusalRecord, ScimUserRecord, ScimWrites } from './scim-store.ts';
import type { ScimConnectionsTable, ScimGroupsTable, ScimRefusalsTable, ScimUsersTable, Tables } from './tables.ts';

export function createScimReads(database: Kysely<Tables>): ScimReads {
  return {
    ...createSharedReads(database),
    async connections(organizationId) {
      const count = (table: 'scim_users' | 'scim_groups' | 'scim_refusals') =>
        sql<string>`(select count(*) from ${sql.table(table)} t where t.organization_id = c.organization_id and t.provider = c.provider)`;
      const rows = await database
        .selectFrom('scim_connections as c')
        .selectAll('c')
        .select([count('scim_users').as('users'), count('scim_groups').as('groups'), count('scim_refusals').as('refusals')])
        .where('c.organization_id', '=', organizationId)
        .orderBy('c.provider')
        .modifyEnd(sql`/* scim/connections */`)
        .execute();
      return rows.map((row) => ({ ...connectionOf(row), users: Number(row.users), groups: Number(row.groups), refusals: Number(row.refusals) }));
    },
    async connectionOfKey(organizationId, keyId) {
      const row = await database
        .selectFrom('scim_connections')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('key_id', '=', keyId)
        .modifyEnd(sql`/* scim/connection-of-key */`)
        .executeTakeFirst();
      return row ? connectionOf(row) : null;
    },
    async users(organizationId, provider, { narrowing, sort, descending, offset, limit }) {
      let query = database.selectFrom('scim_users').selectAll().where('organization_id', '=', organizationId).where('provider', '=', provider);
      if (narrowing.id !== null) query = query.where('user_id', '=', narrowing.id);
      if (narrowing.key !== null) query = query.where('user_key', '=', narrowing.key);
      if (narrowing.externalId !== null) query = query.where('external_id', '=', narrowing.externalId);
      const rows = await query
        .orderBy(userColumns[sort], descending ? 'desc' : 'asc')
        .orderBy('user_id', descending ? 'desc' : 'asc')
        .offset(offset)
        .limit(limit)
        .modifyEnd(sql`/* scim/users */`)
        .execute();
      return rows.map(userOf);
    },
    async countUsers(organizationId, provider) {
      const row = await database
        .selectFrom('scim_users')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .where('organization_id', '=', organizationId)
        .where('provider', '=', provider)
        .modifyEnd(sql`/* scim/count-users */`)
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async findGroup(organizationId, provider, id) {
      const row = await database
        .selectFrom('scim_groups')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('provider', '=', provider)
        .where('id', '=', id)
        .modifyEnd(sql`/* scim/find-group */`)
        .executeTakeFirst();
      return row ? groupOf(row) : null;
    },
    async groups(organizationId, provider, { narrowing, sort, descending, offset, limit }) {
      let query = database.selectFrom('scim_groups').selectAll().where('organization_id', '=', organizationId).where('provider', '=', provider);
      if (narrowing.id !== null) query = query.where('id', '=', narrowing.id);
      if (narrowing.key !== null) query = query.where('name_key', '=', narrowing.key);
      if (narrowing.externalId !== null) query = query.where('external_id', '=', narrowing.externalId);
      const rows = await query
        .orderBy(groupColumns[sort], descending ? 'desc' : 'asc')
        .orderBy('id', descending ? 'desc' : 'asc')
        .offset(offset)
        .limit(limit)
        .modifyEnd(sql`/* scim/groups */`)
        .execute();
      return rows.map(groupOf);
    },
    async refusals(organizationId, provider, { before, limit }) {
      let query = database.selectFrom('scim_refusals').selectAll().where('organization_id', '=', organizationId).where('provider', '=', provider);
      if (before !== null) query = query.where('number', '<', String(before));
      const rows = await query
        .orderBy('number', 'desc')
        .limit(limit)
        .modifyEnd(sql`/* scim/refusals */`)
        .execute();
      return rows.map(refusalOf);
    },
  };
}

/** Of reads and of transactions. */
function createSharedReads(database: Kysely<Tables>): Pick<ScimReads, 'findConnection' | 'findUser' | 'findMade' | 'countGroups' | 'groupsOf' | 'membersOf'> {
  return {
    async findConnection(organizationId, provider) {
      const row = await database
        .selectFrom('scim_connections')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('provider', '=', provider)
        .modifyEnd(sql`/* scim/find-connection */`)
        .executeTakeFirst();
      return row ? connectionOf(row) : null;
    },
    async findUser(organizationId, userId) {
      const row = await database
        .selectFrom('scim_users')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('user_id', '=', userId)
        .modifyEnd(sql`/* scim/find-user */`)
        .executeTakeFirst();
      return row ? userOf(row) : null;
    },
    async findMade(organizationId, provider, externalId) {
      const row = await database
        .selectFrom('scim_users')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('provider', '=', provider)
        .where('external_id', '=', externalId)
        .where('made', '=', true)
        .modifyEnd(sql`/* scim/find-made */`)
        .executeTakeFirst();
      return row ? userOf(row) : null;
    },
    async countGroups(organizationId, provider) {
      const row = await database
        .selectFrom('scim_groups')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .where('organization_id', '=', organizationId)
        .where('provider', '=', provider)
        .modifyEnd(sql`/* scim/count-groups */`)
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async groupsOf(organizationId, userIds) {
      if (userIds.length === 0) return new Map();
      const rows = await database
        .selectFrom('scim_members as m')
        .innerJoin('scim_groups as g', (join) => join.onRef('g.organization_id', '=', 'm.organization_id').onRef('g.id', '=', 'm.group_id'))
        .select(['m.user_id as user', 'g.id', 'g.display_name as name', 'g.external_id as external'])
        .where('m.organization_id', '=', organizationId)
        .where('m.user_id', 'in', [...userIds])
        .orderBy('g.name_key')
        .modifyEnd(sql`/* scim/groups-of */`)
        .execute();
      const found = new Map<string, ScimGroupName[]>();
      for (const { user, id, name, external } of rows) append(found, user, { id, displayName: name, externalId: external });
      return found;
    },
    async membersOf(organizationId, groupIds) {
      if (groupIds.length === 0) return new Map();
      const rows = await database
        .selectFrom('scim_members')
        .select(['group_id', 'user_id'])
        .where('organization_id', '=', organizationId)
        .where('group_id', 'in', [...groupIds])
        .orderBy('user_id')
        .modifyEnd(sql`/* scim/members-of */`)
        .execute();
      const found = new Map<string, string[]>();
      for (const { group_id: group, user_id: user } of rows) append(found, group, user);
      return found;
    },
  };
}

export function createScimWrites(transaction: Kysely<Tables>): ScimWrites {
  return {
    ...createSharedReads(transaction),
    async insertConnection({ organizationId, provider, keyId, createdAtMs, createdBy }) {
      await transaction
        .insertInto('scim_connections')
        .values({ organization_id: organizationId, provider, key_id: keyId, created_at: new Date(createdAtMs), created_by: createdBy })
        .modifyEnd(sql`/* scim/insert-connection */`)
        .execute();
    },
    async deleteConnection(organizationId, provider) {
      await transaction
        .deleteFrom('scim_connections')
        .where('organization_id', '=', organizationId)
        .where('provider', '=', provider)
        .modifyEnd(sql`/* scim/delete-connection */`)
        .execute();
    },
    async findUserForUpdate(organizationId, provider, userId) {
      const row = await transaction
        .selectFrom('scim_users')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('provider', '=', provider)
        .where('user_id', '=', userId)
        .forUpdate()
        .modifyEnd(sql`/* scim/find-user-for-update */`)
        .executeTakeFirst();
      return row ? userOf(row) : null;
    },
    async holderOf(organizationId, provider, what) {
      const row = await transaction
        .selectFrom('scim_users')
        .select('user_id')
        .where('organization_id', '=', organizationId)
        .where('provider', '=', provider)
        .where('userKey' in what ? 'user_key' : 'external_id', '=', 'userKey' in what ? what.userKey : what.externalId)
        .modifyEnd(sql`/* scim/holder-of */`)
        .executeTakeFirst();
      return row?.user_id ?? null;
    },
    async insertUser(organizationId, user) {
      await transaction
        .insertInto('scim_users')
        .values({
          organization_id: organizationId,
          user_id: user.id,
          provider: user.provider,
          made: user.isMade,
          created_at: new Date(user.createdAtMs),
          ...userValues(user),
        })
        .modifyEnd(sql`/* scim/insert-user */`)
        .execute();
    },
    async updateUser(organizationId, user) {
      await transaction
        .updateTable('scim_users')
        .set(userValues(user))
        .where('organization_id', '=', organizationId)
        .where('user_id', '=', user.id)
        .modifyEnd(sql`/* scim/update-user */`)
        .execute();
    },
    async findGroupForUpdate(organizationId, provider, id) {
      const row = await transaction
        .selectFrom('scim_groups')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('provider', '=', provider)
        .where('id', '=', id)
        .forUpdate()
        .modifyEnd(sql`/* scim/find-group-for-update */`)
        .executeTakeFirst();
      return row ? groupOf(row) : null;
    },
    async groupHolderOf(organizationId, provider, what) {
      const row = await transaction
        .selectFrom('scim_groups')
        .select('id')
        .where('organization_id', '=', organizationId)
        .where('provider', '=', provider)
        .where('nameKey' in what ? 'name_key' : 'external_id', '=', 'nameKey' in what ? what.nameKey : what.externalId)
        .modifyEnd(sql`/* scim/group-holder-of */`)
        .executeTakeFirst();
      return row?.id ?? null;
    },
    async insertGroup(organizationId, group) {
      await transaction
        .insertInto('scim_groups')
        .values({ organization_id: organizationId, id: group.id, provider: group.provider, created_at: new Date(group.createdAtMs), ...groupValues(group) })
        .modifyEnd(sql`/* scim/insert-group */`)
        .execute();
    },
    async updateGroup(organizationId, group) {
      await transaction
        .updateTable('scim_groups')
        .set(groupValues(group))
        .where('organization_id', '=', organizationId)
        .where('id', '=', group.id)
        .modifyEnd(sql`/* scim/update-group */`)
        .execute();
    },
    async deleteGroup(organizationId, id) {
      await transaction
        .deleteFrom('scim_groups')
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .modifyEnd(sql`/* scim/delete-group */`)
        .execute();
    },
    async usersAmong(organizationId, provider, userIds) {
      const { rows } = await sql<{ user_id: string }>`
        select user_id from scim_users where organization_id = ${organizationId} and provider = ${provider}
        and user_id = any (${[...userIds]}::text[]) for key share /* scim/users-among */`.execute(transaction);
      return rows.map(({ user_id: id }) => id);
    },
    async addMembers(organizationId, groupId, userIds) {
      await sql`
        insert into scim_members (organization_id, group_id, user_id)
        select ${organizationId}, ${groupId}, id from unnest(${[...userIds]}::text[]) as id
        on conflict do nothing /* scim/add-members */`.execute(transaction);
    },
    async removeMembers(organizationId, groupId, userIds) {
      await sql`
        delete from scim_members where organization_id = ${organizationId} and group_id = ${groupId}
        and user_id = any (${[...userIds]}::text[]) /* scim/remove-members */`.execute(transaction);
    },
    async insertRefusal({ organizationId, provider, atMs, method, resource, resourceId, status, scimType, detail, requestId }, kept) {
      const columns = { method, resource, resource_id: resourceId, status, scim_type: scimType, detail, request_id: requestId };
      await transaction
        .insertInto('scim_refusals')
        .values({ organization_id: organizationId, provider, at: new Date(atMs), ...columns })
        .modifyEnd(sql`/* scim/insert-refusal */`)
        .execute();
      await sql`
        delete from scim_refusals where organization_id = ${organizationId} and provider = ${provider} and number < coalesce((
          select number from scim_refusals where organization_id = ${organizationId} and provider = ${provider}
          order by number desc offset ${sql.raw(String(kept - 1))} limit 1), 0) /* scim/forget-refusals */`.execute(transaction);
    },
    async deleteRefusalsOf(organizationId, userId) {
      await transaction
        .deleteFrom('scim_refusals')
        .where('organization_id', '=', organizationId)
        .where('resource_id', '=', userId)
        .modifyEnd(sql`/* scim/delete-refusals-of */`)
        .execute();
    },
  };
}

const userColumns = { created: 'created_at', changed: 'changed_at', name: 'user_key', id: 'user_id' } as const satisfies Record<ScimPage['sort'], string>;
const groupColumns = { created: 'created_at', changed: 'changed_at', name: 'name_key', id: 'id' } as const satisfies Record<ScimPage['sort'], string>;

function append<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function userValues({ userKey, externalId, resource, version, changedAtMs }: ScimUserRecord) {
  return { user_key: userKey, external_id: externalId, resource: JSON.stringify(resource), version, changed_at: new Date(changedAtMs) };
}

function groupValues({ displayName, externalId, version, changedAtMs }: ScimGroupRecord) {
  return { display_name: displayName, name_key: foldText(displayName), external_id: externalId, version, changed_at: new Date(changedAtMs) };
}

const resourceSchema = z.record(z.string(), z.unknown());

function userOf(row: Selectable<ScimUsersTable>): ScimUserRecord {
  return {
    provider: row.provider,
    id: row.user_id,
    userKey: row.user_key,
    externalId: row.external_id,
    isMade: row.made,
    resource: resourceSchema.parse(row.resource),
    version: row.version,
    createdAtMs: row.created_at.getTime(),
    changedAtMs: row.changed_at.getTime(),
  };
}

function groupOf(row: Selectable<ScimGroupsTable>): ScimGroupRecord {
  return {
    provider: row.provider,
    id: row.id,
    displayName: row.display_name,
    externalId: row.external_id,
    version: row.version,
    createdAtMs: row.created_at.getTime(),
    changedAtMs: row.changed_at.getTime(),
  };
}

function connectionOf(row: Selectable<ScimConnectionsTable>): ScimConnection {
  return {
    organizationId: row.organization_id as OrganizationId,
    provider: row.provider,
    keyId: row.key_id,
    createdAtMs: row.created_at.getTime(),
    createdBy: row.created_by,
  };
}

function refusalOf(row: Selectable<ScimRefusalsTable>): ScimRefusalRecord {
  return {
    organizationId: row.organization_id as OrganizationId,
    provider: row.provider,
    number: Number(row.number),
    atMs: row.at.getTime(),
    method: row.method,
    resource: row.resource,
    resourceId: row.resource_id,
    status: row.status,
    scimType: row.scim_type,
    detail: row.detail,
    requestId: row.request_id,
  };
}

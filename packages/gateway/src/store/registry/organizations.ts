import { sql, type Kysely, type Selectable } from 'kysely';
import type { OrganizationId } from '../../kernel/id.ts';
import { raiseCallers } from './access.ts';
import type { OrganizationReads, OrganizationRecord, OrganizationWrites } from './organization-store.ts';
import type { OrganizationsTable, Tables } from './tables.ts';

export function createOrganizationReads(database: Kysely<Tables>): OrganizationReads {
  return {
    async find(id) {
      const row = await database
        .selectFrom('organizations')
        .selectAll()
        .where('id', '=', id)
        .where('deleted_at', 'is', null)
        .modifyEnd(sql`/* organizations/find */`)
        .executeTakeFirst();
      return row ? recordOf(row) : null;
    },
    async list({ after, limit }) {
      let query = database.selectFrom('organizations').selectAll().where('deleted_at', 'is', null);
      if (after !== null) query = query.where('id', '>', after);
      const rows = await query
        .orderBy('id')
        .limit(limit)
        .modifyEnd(sql`/* organizations/list */`)
        .execute();
      return rows.map(recordOf);
    },
    async ids() {
      const rows = await database
        .selectFrom('organizations')
        .select('id')
        .orderBy('id')
        .modifyEnd(sql`/* organizations/ids */`)
        .execute();
      return rows.map(({ id }) => id as OrganizationId);
    },
  };
}

export function createOrganizationWrites(transaction: Kysely<Tables>): OrganizationWrites {
  return {
    async findForUpdate(id) {
      const row = await transaction
        .selectFrom('organizations')
        .selectAll()
        .where('id', '=', id)
        .where('deleted_at', 'is', null)
        .forUpdate()
        .modifyEnd(sql`/* organizations/find-for-update */`)
        .executeTakeFirst();
      return row ? recordOf(row) : null;
    },
    async count() {
      const row = await transaction
        .selectFrom('organizations')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .where('deleted_at', 'is', null)
        .modifyEnd(sql`/* organizations/count */`)
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async insert(organization) {
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto('organizations')
        .values({
          id: organization.id,
          created_at: new Date(organization.createdAtMs),
          created_by: organization.createdBy,
          deleted_at: null,
          ...columnsOf(organization),
        })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .modifyEnd(sql`/* organizations/insert */`)
        .executeTakeFirst();
      return (numInsertedOrUpdatedRows ?? 0n) > 0n;
    },
    async update(organization) {
      await transaction
        .updateTable('organizations')
        .set(columnsOf(organization))
        .where('id', '=', organization.id)
        .modifyEnd(sql`/* organizations/update */`)
        .execute();
    },
    async contents(id) {
      const { keys } = await transaction
        .selectFrom('api_keys')
        .select(({ fn }) => fn.countAll<string>().as('keys'))
        .where('organization_id', '=', id)
        .where('revoked_at', 'is', null)
        .modifyEnd(sql`/* organizations/keys */`)
        .executeTakeFirstOrThrow();
      const entries = await transaction
        .selectFrom('directory')
        .select(({ fn }) => ['kind', fn.countAll<string>().as('count')])
        .where('organization_id', '=', id)
        .where('kind', '!=', 'role')
        .groupBy('kind')
        .orderBy('kind')
        .modifyEnd(sql`/* organizations/entries */`)
        .execute();
      return { keys: Number(keys), entries: Object.fromEntries(entries.map(({ kind, count }) => [kind, Number(count)])) };
    },
    async clear(id, nowMs) {
      const revision = await raiseCallers(transaction, id);
      await transaction
        .updateTable('api_keys')
        .set({ revoked_at: new Date(nowMs), changed_revision: revision })
        .where('organization_id', '=', id)
        .where('revoked_at', 'is', null)
        .modifyEnd(sql`/* organizations/revoke */`)
        .execute();
      await transaction
        .updateTable('oauth_grants')
        .set({ revoked_at: new Date(nowMs), revoked_by: 'system', revoked_why: 'its organization was deleted', changed_revision: revision })
        .where('organization_id', '=', id)
        .where('revoked_at', 'is', null)
        .modifyEnd(sql`/* organizations/revoke-grants */`)
        .execute();
      // What others are tied to goes with what is tied to it.
      for (const table of [
        'directory_links',
        'directory',
        'scim_groups',
        'scim_connections',
        'scim_refusals',
        'identity_links',
        'invitations',
        'saved_views',
        'policies',
        'switches',
        'server_orders',
      ] as const)
        await transaction
          .deleteFrom(table)
          .where('organization_id', '=', id)
          .modifyEnd(sql`/* organizations/clear */`)
          .execute();
    },
    async delete(id, deletedAtMs) {
      await transaction
        .updateTable('organizations')
        .set({ deleted_at: new Date(deletedAtMs) })
        .where('id', '=', id)
        .modifyEnd(sql`/* organizations/delete */`)
        .execute();
    },
  };
}

function columnsOf({ name, version, changedAtMs, changedBy }: OrganizationRecord) {
  return { name, version, changed_at: new Date(changedAtMs), changed_by: changedBy };
}

function recordOf(row: Selectable<OrganizationsTable>): OrganizationRecord {
  return {
    id: row.id as OrganizationId,
    name: row.name,
    version: row.version,
    createdAtMs: row.created_at.getTime(),
    createdBy: row.created_by,
    changedAtMs: row.changed_at.getTime(),
    changedBy: row.changed_by,
  };
}

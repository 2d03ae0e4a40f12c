import { sql, type Kysely, type Selectable } from 'kysely';
import { z } from 'zod';
import type { SavedViewReads, SavedViewRecord, SavedViewWrites, ViewOwner } from './saved-view-store.ts';
import type { SavedViewsTable, Tables } from './tables.ts';

export function createSavedViewReads(database: Kysely<Tables>): SavedViewReads {
  return {
    async find(organizationId, id) {
      const row = await database
        .selectFrom('saved_views')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .modifyEnd(sql`/* saved-views/find */`)
        .executeTakeFirst();
      return row ? viewOf(row) : null;
    },
    async list(organizationId, { owner, sharedWith }) {
      const rows = await database
        .selectFrom('saved_views')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where(({ or, and, eb }) =>
          or([
            ...(owner === null ? [] : [and([eb('owner_kind', '=', owner.kind), eb('owner_id', '=', owner.id)])]),
            sharedWith === null ? eb('shared_with', 'is not', null) : sql<boolean>`shared_with = any (${[...sharedWith]}::text[])`,
          ]),
        )
        .modifyEnd(sql`/* saved-views/list */`)
        .execute();
      return rows.map(viewOf);
    },
  };
}

export function createSavedViewWrites(transaction: Kysely<Tables>): SavedViewWrites {
  return {
    async findForUpdate(organizationId, id) {
      const row = await transaction
        .selectFrom('saved_views')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .forUpdate()
        .modifyEnd(sql`/* saved-views/find-for-update */`)
        .executeTakeFirst();
      return row ? viewOf(row) : null;
    },
    async count(organizationId, { kind, id }) {
      const { own, total } = await transaction
        .selectFrom('saved_views')
        .select(({ fn }) => [fn.countAll<string>().as('total'), sql<string>`count(*) filter (where owner_kind = ${kind} and owner_id = ${id})`.as('own')])
        .where('organization_id', '=', organizationId)
        .modifyEnd(sql`/* saved-views/count */`)
        .executeTakeFirstOrThrow();
      return { ofOwner: Number(own), all: Number(total) };
    },
    async insert(organizationId, view) {
      await transaction
        .insertInto('saved_views')
        .values({
          organization_id: organizationId,
          id: view.id,
          page: view.page,
          owner_kind: view.owner?.kind ?? null,
          owner_id: view.owner?.id ?? null,
          created_at: new Date(view.createdAtMs),
          ...columnsOf(view),
        })
        .modifyEnd(sql`/* saved-views/insert */`)
        .execute();
    },
    async update(organizationId, view) {
      await transaction
        .updateTable('saved_views')
        .set(columnsOf(view))
        .where('organization_id', '=', organizationId)
        .where('id', '=', view.id)
        .modifyEnd(sql`/* saved-views/update */`)
        .execute();
    },
    async delete(organizationId, id) {
      await transaction
        .deleteFrom('saved_views')
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .modifyEnd(sql`/* saved-views/delete */`)
        .execute();
    },
    async leave(organizationId, { kind, id }) {
      await transaction
        .deleteFrom('saved_views')
        .where('organization_id', '=', organizationId)
        .where('owner_kind', '=', kind)
        .where('owner_id', '=', id)
        .where('shared_with', 'is', null)
        .modifyEnd(sql`/* saved-views/delete-private */`)
        .execute();
      await transaction
        .updateTable('saved_views')
        .set({ owner_kind: null, owner_id: null })
        .where('organization_id', '=', organizationId)
        .where('owner_kind', '=', kind)
        .where('owner_id', '=', id)
        .modifyEnd(sql`/* saved-views/leave-shared */`)
        .execute();
    },
    async unshare(organizationId, sharedWith) {
      // What is neither anybody's nor shared with anybody could be seen by nobody.
      await transaction
        .deleteFrom('saved_views')
        .where('organization_id', '=', organizationId)
        .where('shared_with', '=', sharedWith)
        .where('owner_id', 'is', null)
        .modifyEnd(sql`/* saved-views/delete-unshared */`)
        .execute();
      await transaction
        .updateTable('saved_views')
        .set({ shared_with: null, version: sql`version + 1` })
        .where('organization_id', '=', organizationId)
        .where('shared_with', '=', sharedWith)
        .modifyEnd(sql`/* saved-views/unshare */`)
        .execute();
    },
  };
}

function columnsOf({ name, state, sharedWith, version, changedAtMs }: SavedViewRecord) {
  return { name, state: JSON.stringify(state), shared_with: sharedWith, version, changed_at: new Date(changedAtMs) };
}

const stateOf = z.record(z.string(), z.string());

function viewOf(row: Selectable<SavedViewsTable>): SavedViewRecord {
  return {
    id: row.id,
    page: row.page,
    name: row.name,
    state: stateOf.parse(row.state),
    owner: row.owner_kind === null || row.owner_id === null ? null : { kind: row.owner_kind as ViewOwner['kind'], id: row.owner_id },
    sharedWith: row.shared_with,
    version: row.version,
    createdAtMs: row.created_at.getTime(),
    changedAtMs: row.changed_at.getTime(),
  };
}

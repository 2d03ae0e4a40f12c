import { sql, type Kysely, type Selectable } from 'kysely';
import { z } from 'zod';
import { objectKinds } from '../../kernel/config-object.ts';
import type { ConfigObjectReads, ConfigObjectRecord, ConfigObjectWrites } from './registry-store.ts';
import type { ConfigObjectsTable, Tables } from './tables.ts';

export function createConfigObjectReads(database: Kysely<Tables>): ConfigObjectReads {
  return {
    async revision(organizationId) {
      const row = await database
        .selectFrom('config_revisions')
        .select('revision')
        .where('organization_id', '=', organizationId)
        .modifyEnd(sql`/* config-objects/revision */`)
        .executeTakeFirst();
      return Number(row?.revision ?? 0);
    },
    async list(organizationId) {
      const rows = await database
        .selectFrom('config_objects')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .orderBy('kind')
        .orderBy('name')
        .modifyEnd(sql`/* config-objects/list */`)
        .execute();
      // What a later version knows beside rests here.
      return rows.filter(({ kind }) => kindSchema.safeParse(kind).success).map(recordOf);
    },
  };
}

export function createConfigObjectWrites(transaction: Kysely<Tables>): ConfigObjectWrites {
  return {
    async begin(organizationId) {
      // The row is locked until the transaction ends: changes come one after the other, and a node that sees the revision sees the change.
      const row = await transaction
        .insertInto('config_revisions')
        .values({ organization_id: organizationId, revision: '1' })
        .onConflict((conflict) => conflict.column('organization_id').doUpdateSet({ revision: sql`config_revisions.revision + 1` }))
        .returning('revision')
        .modifyEnd(sql`/* config-objects/begin */`)
        .executeTakeFirstOrThrow();
      return Number(row.revision);
    },
    list: (organizationId) => createConfigObjectReads(transaction).list(organizationId),
    async put(organizationId, { kind, name, spec, version, createdAtMs, createdBy, changedAtMs, changedBy }) {
      const columns = { spec: JSON.stringify(spec), version, changed_at: new Date(changedAtMs), changed_by: changedBy };
      await transaction
        .insertInto('config_objects')
        .values({ organization_id: organizationId, kind, name, created_at: new Date(createdAtMs), created_by: createdBy, ...columns })
        .onConflict((conflict) => conflict.columns(['organization_id', 'kind', 'name']).doUpdateSet(columns))
        .modifyEnd(sql`/* config-objects/put */`)
        .execute();
    },
    async delete(organizationId, { kind, name }) {
      await transaction
        .deleteFrom('config_objects')
        .where('organization_id', '=', organizationId)
        .where('kind', '=', kind)
        .where('name', '=', name)
        .modifyEnd(sql`/* config-objects/delete */`)
        .execute();
    },
  };
}

const kindSchema = z.enum(objectKinds);
const specSchema = z.record(z.string(), z.unknown());

function recordOf(row: Selectable<ConfigObjectsTable>): ConfigObjectRecord {
  return {
    kind: kindSchema.parse(row.kind),
    name: row.name,
    spec: specSchema.parse(row.spec),
    version: row.version,
    createdAtMs: row.created_at.getTime(),
    createdBy: row.created_by,
    changedAtMs: row.changed_at.getTime(),
    changedBy: row.changed_by,
  };
}

import { sql, type Kysely, type Selectable } from 'kysely';
import type { OrganizationId } from '../../kernel/id.ts';
import { readPrices, writePrices } from '../../kernel/price-list.ts';
import type { PriceReads, PriceVersion, PriceWrites } from './registry-store.ts';
import type { PriceVersionsTable, Tables } from './tables.ts';

export function createPriceReads(database: Kysely<Tables>): PriceReads {
  return {
    async newest(organizationId) {
      const row = await database
        .selectFrom('price_versions')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .orderBy('number', 'desc')
        .limit(1)
        .modifyEnd(sql`/* prices/newest */`)
        .executeTakeFirst();
      return row ? versionOf(row) : null;
    },
    async inForce(organizationId, atMs, source) {
      let query = database.selectFrom('price_versions').selectAll().where('organization_id', '=', organizationId).where('effective_from', '<=', new Date(atMs));
      if (source !== null) query = query.where('source', '=', source);
      const row = await query
        .orderBy('effective_from', 'desc')
        .orderBy('number', 'desc')
        .limit(1)
        .modifyEnd(sql`/* prices/in-force */`)
        .executeTakeFirst();
      return row ? versionOf(row) : null;
    },
    async nextChangeMs(organizationId, afterMs) {
      const row = await database
        .selectFrom('price_versions')
        .select('effective_from')
        .where('organization_id', '=', organizationId)
        .where('effective_from', '>', new Date(afterMs))
        .orderBy('effective_from')
        .limit(1)
        .modifyEnd(sql`/* prices/next-change */`)
        .executeTakeFirst();
      return row ? row.effective_from.getTime() : null;
    },
    async list(organizationId, { before, limit }) {
      let query = database.selectFrom('price_versions').selectAll().where('organization_id', '=', organizationId);
      if (before !== null) query = query.where('number', '<', String(before));
      const rows = await query
        .orderBy('number', 'desc')
        .limit(limit)
        .modifyEnd(sql`/* prices/list */`)
        .execute();
      return rows.map(versionOf);
    },
  };
}

export function createPriceWrites(transaction: Kysely<Tables>): PriceWrites {
  return {
    async lockNewest(organizationId) {
      await transaction
        .selectFrom('organizations')
        .select('id')
        .where('id', '=', organizationId)
        .forUpdate()
        .modifyEnd(sql`/* prices/lock-newest */`)
        .execute();
      return createPriceReads(transaction).newest(organizationId);
    },
    async insert(version) {
      await transaction
        .insertInto('price_versions')
        .values({
          organization_id: version.organizationId,
          number: String(version.number),
          source: version.source,
          prices: JSON.stringify(writePrices(version.list)),
          effective_from: new Date(version.effectiveFromMs),
          created_at: new Date(version.createdAtMs),
          created_by: version.createdBy,
        })
        .modifyEnd(sql`/* prices/insert */`)
        .execute();
    },
  };
}

function versionOf(row: Selectable<PriceVersionsTable>): PriceVersion {
  return {
    organizationId: row.organization_id as OrganizationId,
    number: Number(row.number),
    source: row.source === 'file' ? 'file' : 'api',
    list: readPrices(row.prices),
    effectiveFromMs: row.effective_from.getTime(),
    createdAtMs: row.created_at.getTime(),
    createdBy: row.created_by,
  };
}

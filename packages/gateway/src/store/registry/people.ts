/** Who a pseudonym is, as long as the person has not been erased; and erasures. */
import { randomBytes } from 'node:crypto';
import { sql, type Kysely, type Selectable } from 'kysely';
import { z } from 'zod';
import { randomBase62 } from '../../kernel/id.ts';
import type { ErasureRecord, PeopleReads, PeopleWrites, PersonRecord } from './registry-store.ts';
import type { ErasuresTable, PeopleTable, Tables } from './tables.ts';

export function createPeopleReads(database: Kysely<Tables>): PeopleReads {
  return {
    async find(organizationId, userId) {
      const row = await database
        .selectFrom('people')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('user_id', '=', userId)
        .modifyEnd(sql`/* people/find */`)
        .executeTakeFirst();
      return row ? personOf(row) : null;
    },
    async listByPseudonym(organizationId, pseudonyms) {
      if (pseudonyms.length === 0) return [];
      const rows = await database
        .selectFrom('people')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('pseudonym', 'in', [...pseudonyms])
        .modifyEnd(sql`/* people/list-by-pseudonym */`)
        .execute();
      return rows.map(personOf);
    },
    async erasures(organizationId) {
      const rows = await database
        .selectFrom('erasures')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .orderBy('begun_at')
        .modifyEnd(sql`/* people/list-erasures */`)
        .execute();
      return rows.map(erasureOf);
    },
  };
}

export function createPeopleWrites(transaction: Kysely<Tables>): PeopleWrites {
  return {
    async take(organizationId, userId) {
      await transaction
        .insertInto('people')
        .values({ organization_id: organizationId, user_id: userId, pseudonym: `psn_${randomBase62(20)}`, key: randomBytes(32) })
        .onConflict((conflict) => conflict.columns(['organization_id', 'user_id']).doNothing())
        .modifyEnd(sql`/* people/insert */`)
        .execute();
      const row = await transaction
        .selectFrom('people')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('user_id', '=', userId)
        .forUpdate()
        .modifyEnd(sql`/* people/take */`)
        .executeTakeFirstOrThrow();
      return personOf(row);
    },
    async delete(organizationId, userId) {
      await transaction
        .deleteFrom('people')
        .where('organization_id', '=', organizationId)
        .where('user_id', '=', userId)
        .modifyEnd(sql`/* people/delete */`)
        .execute();
    },
    async insertErasure({ organizationId, pseudonym, keyIds, begunAtMs }) {
      await transaction
        .insertInto('erasures')
        .values({ organization_id: organizationId, pseudonym, key_ids: JSON.stringify(keyIds), begun_at: new Date(begunAtMs), finished_at: null })
        .modifyEnd(sql`/* people/insert-erasure */`)
        .execute();
    },
    async updateErasure(organizationId, pseudonym, finishedAtMs) {
      await transaction
        .updateTable('erasures')
        .set({ finished_at: new Date(finishedAtMs) })
        .where('organization_id', '=', organizationId)
        .where('pseudonym', '=', pseudonym)
        .modifyEnd(sql`/* people/finish-erasure */`)
        .execute();
    },
  };
}

function personOf(row: Selectable<PeopleTable>): PersonRecord {
  return { userId: row.user_id, pseudonym: row.pseudonym, key: row.key };
}

const keyIdsSchema = z.array(z.string());

function erasureOf(row: Selectable<ErasuresTable>): ErasureRecord {
  return {
    organizationId: row.organization_id as ErasureRecord['organizationId'],
    pseudonym: row.pseudonym,
    keyIds: keyIdsSchema.parse(row.key_ids),
    begunAtMs: row.begun_at.getTime(),
    finishedAtMs: row.finished_at?.getTime() ?? null,
  };
}

import { sql, type Kysely } from 'kysely';
import type { AssertionWrites } from './identity-store.ts';
import type { Tables } from './tables.ts';

/** By how much clocks of a node and of the database may differ before a used assertion is forgotten too early. */
const keptMs = 3_600_000;

export function createAssertionWrites(transaction: Kysely<Tables>): AssertionWrites {
  return {
    async use(organizationId, digest, untilMs) {
      // Of several at once one inserts; the others wait for it here, and insert nothing.
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto('used_assertions')
        .values({ organization_id: organizationId, digest, until: new Date(untilMs) })
        .onConflict((conflict) => conflict.columns(['organization_id', 'digest']).doNothing())
        .modifyEnd(sql`/* assertions/use */`)
        .executeTakeFirst();
      return numInsertedOrUpdatedRows === 1n;
    },
    async deleteExpired(organizationId, limit) {
      await sql`
        delete from used_assertions where organization_id = ${organizationId} and digest in
          (select digest from used_assertions where organization_id = ${organizationId} and until < now() - ${keptMs} * interval '1 millisecond'
           limit ${limit}) /* assertions/delete-expired */`.execute(transaction);
    },
  };
}

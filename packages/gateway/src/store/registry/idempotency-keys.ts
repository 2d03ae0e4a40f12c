import { sql, type Kysely } from 'kysely';
import type { IdempotencyWrites, IdempotentAttempt } from './idempotency-store.ts';
import type { Tables } from './tables.ts';

export function createIdempotencyWrites(transaction: Kysely<Tables>): IdempotencyWrites {
  const own = ({ organizationId, digest, attempt }: IdempotentAttempt) =>
    sql<boolean>`organization_id = ${organizationId} and digest = ${digest} and attempt = ${attempt}`;
  return {
    async begin({ organizationId, digest, attempt, caller, request }, { holdMs, keptMs, keysMax }) {
      // Of several at once one inserts; the others wait for it here.
      const begun = await sql`
        insert into idempotency_keys as k (organization_id, digest, caller, request, attempt, began_at, held_until)
        values (${organizationId}, ${digest}, ${caller}, ${request}, ${attempt}, now(), ${after(holdMs)})
        on conflict (organization_id, digest) do update
        set request = excluded.request, attempt = excluded.attempt, began_at = excluded.began_at, held_until = excluded.held_until, done_at = null, answer = null
        where k.began_at < ${before(keptMs)} or (k.done_at is null and k.held_until < now())
        returning attempt /* idempotency/begin */`.execute(transaction);
      if (begun.rows.length > 0) {
        await sql`
          delete from idempotency_keys where organization_id = ${organizationId} and caller = ${caller} and began_at <
            (select began_at from idempotency_keys where organization_id = ${organizationId} and caller = ${caller}
             order by began_at desc offset ${keysMax - 1} limit 1)
          and (done_at is not null or held_until < now()) /* idempotency/trim */`.execute(transaction);
        return null;
      }
      const row = await transaction
        .selectFrom('idempotency_keys')
        .select(['request', 'done_at', 'answer'])
        .where('organization_id', '=', organizationId)
        .where('digest', '=', digest)
        .modifyEnd(sql`/* idempotency/find */`)
        .executeTakeFirst();
      return { request: row?.request ?? request, isDone: (row?.done_at ?? null) !== null, answer: row?.answer ?? null };
    },
    async done(attempt) {
      const { numUpdatedRows } = await transaction
        .updateTable('idempotency_keys')
        .set({ done_at: sql<Date>`now()` })
        .where(own(attempt))
        .modifyEnd(sql`/* idempotency/done */`)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async keep(attempt, answer) {
      await transaction
        .updateTable('idempotency_keys')
        .set({ answer, done_at: sql<Date>`coalesce(done_at, now())` })
        .where(own(attempt))
        .modifyEnd(sql`/* idempotency/keep */`)
        .execute();
    },
    async release(attempt) {
      await transaction
        .deleteFrom('idempotency_keys')
        .where(own(attempt))
        .where('done_at', 'is', null)
        .modifyEnd(sql`/* idempotency/release */`)
        .execute();
    },
    async deleteExpired(organizationId, keptMs, limit) {
      await sql`
        delete from idempotency_keys where organization_id = ${organizationId} and digest in
          (select digest from idempotency_keys where organization_id = ${organizationId} and began_at < ${before(keptMs)} limit ${limit}) /* idempotency/delete-expired */`.execute(
        transaction,
      );
    },
  };
}

function after(ms: number) {
  return sql<Date>`now() + ${ms} * interval '1 millisecond'`;
}

function before(ms: number) {
  return sql<Date>`now() - ${ms} * interval '1 millisecond'`;
}

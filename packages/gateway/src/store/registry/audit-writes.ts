import { sql, type Kysely } from 'kysely';
import { storable } from '../../chain/audit-record.ts';
import { peopleIn, sealPersonal, type PersonKey } from '../../chain/personal.ts';
import type { SigningKey } from '../../chain/signing-key.ts';
import { bounds } from '../../kernel/bounds.ts';
import { advanceChain } from './audit-chain.ts';
import { createPeopleWrites } from './people.ts';
import type { AuditEvent, AuditWrites } from './audit-store.ts';
import type { Tables } from './tables.ts';

export function createAuditWrites(transaction: Kysely<Tables>, key: SigningKey): AuditWrites {
  return {
    async insert(event) {
      // As it will be read back: what is hashed is what is stored.
      const record = await advanceChain(transaction, key, await storableEvent(transaction, event));
      await transaction
        .insertInto('audit_events')
        .values({
          id: record.id,
          organization_id: record.organizationId,
          at: new Date(record.atMs),
          actor_kind: record.actorKind,
          actor_id: record.actorId,
          action: record.action,
          object_kind: record.objectKind,
          object_id: record.objectId,
          result: record.result,
          request_id: record.requestId,
          peer: record.peer,
          detail: JSON.stringify(record.detail),
          chain_sequence: String(record.sequence),
          previous_hash: record.previousHash,
          hash: record.hash,
          key_id: record.keyId,
          signature: record.signature,
        })
        .modifyEnd(sql`/* audit/insert */`)
        .execute();
      return record;
    },
    async insertKey(added) {
      await transaction
        .insertInto('audit_keys')
        .values({
          id: added.id,
          node: added.node,
          public_key: added.publicKey,
          created_at: new Date(added.createdAtMs),
          previous_key_id: added.previousKeyId,
          signature: added.signature,
        })
        .modifyEnd(sql`/* audit/insert-key */`)
        .execute();
    },
    async insertCheckpoint(checkpoint) {
      await transaction
        .insertInto('audit_checkpoints')
        .values({
          id: checkpoint.id,
          organization_id: checkpoint.organizationId,
          node: checkpoint.node,
          at: new Date(checkpoint.atMs),
          sequence: String(checkpoint.sequence),
          body: checkpoint.body,
          signature: checkpoint.signature,
        })
        .modifyEnd(sql`/* audit/insert-checkpoint */`)
        .execute();
    },
    async deleteThrough(organizationId, sequence, limit) {
      const oldest = transaction
        .selectFrom('audit_events')
        .select('id')
        .where('organization_id', '=', organizationId)
        .where('chain_sequence', '<=', String(sequence))
        .orderBy('chain_sequence')
        .limit(limit);
      const result = await transaction
        .deleteFrom('audit_events')
        .where('id', 'in', oldest)
        .modifyEnd(sql`/* audit/delete-through */`)
        .executeTakeFirst();
      return Number(result.numDeletedRows);
    },
    async deleteSuperseded(organizationId, beforeMs, limit) {
      const result = await sql`
        delete from audit_checkpoints where id in (
          select id from (
            select id, at, max(at) over (partition by node, date_trunc('day', at at time zone 'UTC')) as last
            from audit_checkpoints
            where organization_id = ${organizationId} and at < ${new Date(beforeMs)}
          ) as days
          where at < last and not exists (select from audit_removals where checkpoint_id = days.id)
          limit ${limit}
        ) /* audit/delete-superseded */`.execute(transaction);
      return Number(result.numAffectedRows ?? 0n);
    },
    async insertRemoval(removal) {
      await transaction
        .insertInto('audit_removals')
        .values({
          organization_id: removal.organizationId,
          through_sequence: String(removal.throughSequence),
          through_hash: removal.throughHash,
          checkpoint_id: removal.checkpointId,
          removed_at: new Date(removal.removedAtMs),
        })
        .modifyEnd(sql`/* audit/insert-removal */`)
        .execute();
    },
  };
}

async function storableEvent(transaction: Kysely<Tables>, event: AuditEvent): Promise<AuditEvent> {
  const text = (value: string): string => String(storable(value, bounds.auditTextCharsMax));
  const people = new Map<string, PersonKey>();
  for (const userId of peopleIn(event.detail)) people.set(userId, await createPeopleWrites(transaction).take(event.organizationId, userId));
  return {
    ...event,
    atMs: Math.trunc(event.atMs),
    actorId: text(event.actorId),
    objectId: text(event.objectId),
    requestId: text(event.requestId),
    peer: text(event.peer),
    detail: sealPersonal(event.detail, people, (value) => storable(value, bounds.auditTextCharsMax)),
  };
}

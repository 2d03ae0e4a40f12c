/** The chain of audit events: who adds to it holds its row, so that events have an order and each knows the one before. */
import { sql, type Kysely, type Selectable } from 'kysely';
import { z } from 'zod';
import { chainStart, hashRecord, type AuditRecord, type ChainedRecord } from '../../chain/audit-record.ts';
import type { SigningKey } from '../../chain/signing-key.ts';
import type { StoredRecord } from '../../chain/verify-events.ts';
import type { ChainHead } from './audit-store.ts';
import type { AuditEventsTable, Tables } from './tables.ts';

/** Gives an event the next place of its organization's chain. Inside a transaction: its end lets the next one in. */
export async function advanceChain(transaction: Kysely<Tables>, key: SigningKey, event: Omit<AuditRecord, 'sequence'>): Promise<ChainedRecord> {
  const { organizationId } = event;
  await transaction
    .insertInto('audit_chains')
    .values({ organization_id: organizationId, sequence: '0', hash: chainStart })
    .onConflict((conflict) => conflict.column('organization_id').doNothing())
    .modifyEnd(sql`/* audit/begin-chain */`)
    .execute();
  const head = await transaction
    .selectFrom('audit_chains')
    .select(['sequence', 'hash'])
    .where('organization_id', '=', organizationId)
    .forUpdate()
    .modifyEnd(sql`/* audit/lock-chain */`)
    .executeTakeFirstOrThrow();
  const record = { ...event, sequence: Number(head.sequence) + 1 };
  const hash = hashRecord(record, head.hash);
  await transaction
    .updateTable('audit_chains')
    .set({ sequence: String(record.sequence), hash })
    .where('organization_id', '=', organizationId)
    .modifyEnd(sql`/* audit/advance-chain */`)
    .execute();
  return { ...record, previousHash: head.hash, hash, keyId: key.id, signature: key.sign('record', hash) };
}

export async function chainHead(database: Kysely<Tables>, organizationId: string): Promise<ChainHead> {
  const row = await database
    .selectFrom('audit_chains')
    .select(['sequence', 'hash'])
    .where('organization_id', '=', organizationId)
    .modifyEnd(sql`/* audit/head */`)
    .executeTakeFirst();
  return row ? { sequence: Number(row.sequence), hash: row.hash } : { sequence: 0, hash: chainStart };
}

const earlierAtOnce = 200;

/**
 * Links the events that a version before the chain wrote, in their order, where an organization's chain has not begun: a later
 * event without a link was put there by somebody else, and stays without one.
 */
export async function linkEarlierEvents(database: Kysely<Tables>, key: SigningKey): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    const begun = transaction.selectFrom('audit_chains').select('organization_id');
    const unlinked = await transaction
      .selectFrom('audit_events')
      .select('organization_id')
      .distinct()
      .where('hash', 'is', null)
      .where('organization_id', 'not in', begun)
      .modifyEnd(sql`/* audit/find-earlier */`)
      .execute();
    for (const { organization_id: organizationId } of unlinked) {
      for (let linked = earlierAtOnce; linked === earlierAtOnce;) {
        const rows = await transaction
          .selectFrom('audit_events')
          .selectAll()
          .where('organization_id', '=', organizationId)
          .where('hash', 'is', null)
          .orderBy('sequence')
          .limit(earlierAtOnce)
          .modifyEnd(sql`/* audit/list-earlier */`)
          .execute();
        for (const row of rows) {
          const { sequence, previousHash, hash, keyId, signature } = await advanceChain(transaction, key, storedRecord(row));
          await transaction
            .updateTable('audit_events')
            .set({ chain_sequence: String(sequence), previous_hash: previousHash, hash, key_id: keyId, signature })
            .where('id', '=', row.id)
            .modifyEnd(sql`/* audit/link-earlier */`)
            .execute();
        }
        linked = rows.length;
      }
    }
  });
}

const detailSchema = z.record(z.string(), z.unknown());

export function storedRecord(row: Selectable<AuditEventsTable>): StoredRecord {
  const detail = detailSchema.safeParse(row.detail);
  return {
    id: row.id,
    organizationId: row.organization_id,
    sequence: row.chain_sequence === null ? null : Number(row.chain_sequence),
    atMs: row.at.getTime(),
    actorKind: row.actor_kind,
    actorId: row.actor_id,
    action: row.action,
    objectKind: row.object_kind,
    objectId: row.object_id,
    result: row.result,
    requestId: row.request_id,
    peer: row.peer,
    // Only somebody who changed the store can have put another value there: the record then is not as it was written.
    detail: detail.success ? detail.data : { changed: row.detail },
    previousHash: row.previous_hash,
    hash: row.hash,
    keyId: row.key_id,
    signature: row.signature,
  };
}

import { sql, type Kysely, type Selectable } from 'kysely';
import type { ChainedRecord } from '../../chain/audit-record.ts';
import type { StoredRecord } from '../../chain/verify-events.ts';
import type { OrganizationId } from '../../kernel/id.ts';
import { chainHead, storedRecord } from './audit-chain.ts';
import type { AuditQuery, AuditReads, CheckpointRecord } from './audit-store.ts';
import type { AuditCheckpointsTable, Tables } from './tables.ts';

export function createAuditReads(database: Kysely<Tables>): AuditReads {
  return {
    async list(organizationId, query) {
      const rows = await filtered(database, organizationId, query)
        .orderBy('at', 'desc')
        .orderBy('chain_sequence', 'desc')
        .limit(query.limit)
        .modifyEnd(sql`/* audit/list */`)
        .execute();
      return rows.map(storedRecord).filter(isChained);
    },
    async find(organizationId, id) {
      const row = await database
        .selectFrom('audit_events')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .modifyEnd(sql`/* audit/find */`)
        .executeTakeFirst();
      const record = row && storedRecord(row);
      return record && isChained(record) ? record : null;
    },
    head: (organizationId) => chainHead(database, organizationId),
    async heads() {
      const rows = await database
        .selectFrom('audit_chains')
        .selectAll()
        .orderBy('organization_id')
        .modifyEnd(sql`/* audit/heads */`)
        .execute();
      return new Map(rows.map((row) => [row.organization_id as OrganizationId, { sequence: Number(row.sequence), hash: row.hash }]));
    },
    async range(organizationId, { after, limit }) {
      let query = database.selectFrom('audit_events').selectAll().where('organization_id', '=', organizationId);
      query = after === null ? query.where('chain_sequence', 'is', null) : query.where('chain_sequence', '>', String(after));
      const rows = await query
        .orderBy('chain_sequence')
        .limit(limit)
        .modifyEnd(sql`/* audit/range */`)
        .execute();
      return rows.map(storedRecord);
    },
    async keys() {
      const rows = await database
        .selectFrom('audit_keys')
        .selectAll()
        .orderBy('created_at')
        .orderBy('id')
        .modifyEnd(sql`/* audit/keys */`)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        node: row.node,
        publicKey: row.public_key,
        createdAtMs: row.created_at.getTime(),
        previousKeyId: row.previous_key_id,
        signature: row.signature,
      }));
    },
    async checkpoints(organizationId, { after, limit }) {
      let query = database.selectFrom('audit_checkpoints').selectAll().where('organization_id', '=', organizationId);
      if (after) query = query.where((is) => is(is.refTuple('sequence', 'id'), '>', is.tuple(String(after.sequence), after.id)));
      const rows = await query
        .orderBy('sequence')
        .orderBy('id')
        .limit(limit)
        .modifyEnd(sql`/* audit/checkpoints */`)
        .execute();
      return rows.map(checkpointOf);
    },
    async lastCheckpoint(organizationId, node) {
      const row = await database
        .selectFrom('audit_checkpoints')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('node', '=', node)
        .orderBy('at', 'desc')
        .orderBy('sequence', 'desc')
        .limit(1)
        .modifyEnd(sql`/* audit/last-checkpoint */`)
        .executeTakeFirst();
      return row ? checkpointOf(row) : null;
    },
    async lastCheckpointBefore(organizationId, beforeMs) {
      const row = await database
        .selectFrom('audit_checkpoints')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('at', '<', new Date(beforeMs))
        .orderBy('sequence', 'desc')
        .orderBy('at', 'desc')
        .limit(1)
        .modifyEnd(sql`/* audit/last-checkpoint-before */`)
        .executeTakeFirst();
      return row ? checkpointOf(row) : null;
    },
    async lastRemoval(organizationId) {
      const row = await database
        .selectFrom('audit_removals')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .orderBy('through_sequence', 'desc')
        .limit(1)
        .modifyEnd(sql`/* audit/last-removal */`)
        .executeTakeFirst();
      return row
        ? {
            organizationId: row.organization_id,
            throughSequence: Number(row.through_sequence),
            throughHash: row.through_hash,
            checkpointId: row.checkpoint_id,
            removedAtMs: row.removed_at.getTime(),
          }
        : null;
    },
    async size(organizationId) {
      const { rows } = await sql<{ bytes: string; oldest: Date | null }>`/* audit/size */
        select pg_total_relation_size('audit_events')::text as bytes, (select min(at) from audit_events where organization_id = ${organizationId}) as oldest`.execute(
        database,
      );
      return { bytes: Number(rows[0]?.bytes ?? 0), oldestMs: rows[0]?.oldest?.getTime() ?? null };
    },
  };
}

function filtered(database: Kysely<Tables>, organizationId: string, query: AuditQuery) {
  let rows = database.selectFrom('audit_events').selectAll().where('organization_id', '=', organizationId).where('hash', 'is not', null);
  const equal = { actor_kind: query.actorKind, object_kind: query.objectKind, result: query.result };
  for (const [column, value] of Object.entries(equal)) if (value !== null) rows = rows.where(column as keyof typeof equal, '=', value as 'success');
  // A person stands in events under a pseudonym: whoever asks for their id means these too.
  for (const [column, id] of Object.entries({ actor_id: query.actorId, object_id: query.objectId }))
    if (id !== null)
      rows = rows.where((is) =>
        is.or([
          is(column as 'actor_id', '=', id),
          is(column as 'actor_id', 'in', is.selectFrom('people').select('pseudonym').where('organization_id', '=', organizationId).where('user_id', '=', id)),
        ]),
      );
  if (query.fromMs !== null) rows = rows.where('at', '>=', new Date(query.fromMs));
  if (query.toMs !== null) rows = rows.where('at', '<', new Date(query.toMs));
  if (query.withoutSystem) rows = rows.where('actor_kind', '!=', 'system');
  const { actions } = query;
  if (actions !== null)
    rows = rows.where((is) =>
      is.or(actions.map((name) => (name.endsWith('*') ? sql<boolean>`starts_with(action, ${name.slice(0, -1)})` : is('action', '=', name)))),
    );
  // `strpos` takes the text as it is: nothing in it is a pattern.
  if (query.text !== null)
    rows = rows.where(sql<boolean>`strpos(lower(concat_ws(' ', id, actor_id, action, object_id, request_id, peer, detail::text)), lower(${query.text})) > 0`);
  if (query.after !== null)
    rows = rows.where((is) => is(is.refTuple('at', 'chain_sequence'), '<', is.tuple(new Date(query.after?.atMs ?? 0), String(query.after?.sequence ?? 0))));
  return rows;
}

function isChained(record: StoredRecord): record is StoredRecord & ChainedRecord {
  return record.sequence !== null && record.hash !== null && record.previousHash !== null && record.keyId !== null && record.signature !== null;
}

function checkpointOf(row: Selectable<AuditCheckpointsTable>): CheckpointRecord {
  return {
    id: row.id,
    organizationId: row.organization_id,
    node: row.node,
    atMs: row.at.getTime(),
    sequence: Number(row.sequence),
    body: row.body,
    signature: row.signature,
  };
}

import { sql, type Kysely } from 'kysely';
import type { AuditWrites } from './registry-store.ts';
import type { Tables } from './tables.ts';

export function createAuditWrites(transaction: Kysely<Tables>): AuditWrites {
  return {
    async insert(event) {
      await transaction
        .insertInto('audit_events')
        .values({
          id: event.id,
          organization_id: event.organizationId,
          at: new Date(event.atMs),
          actor_kind: event.actorKind,
          actor_id: event.actorId,
          action: event.action,
          object_id: event.objectId,
          request_id: event.requestId,
          peer: event.peer,
          detail: JSON.stringify(event.detail),
        })
        .modifyEnd(sql`/* audit/insert */`)
        .execute();
    },
  };
}

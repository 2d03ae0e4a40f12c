/** How far streams of the audit have been delivered, and which node sends them. Times are the database's own: nodes' clocks may differ. */
import { sql, type Kysely } from 'kysely';
import { z } from 'zod';
import type { AuditStreamWrites, StreamPlace } from './audit-store.ts';
import type { Tables } from './tables.ts';

export function createAuditStreamWrites(transaction: Kysely<Tables>): AuditStreamWrites {
  return {
    async hold({ organizationId, name, node, holdMs, begin }) {
      await transaction
        .insertInto('audit_streams')
        .values({
          organization_id: organizationId,
          name,
          sequence: String(begin.sequence),
          calls: JSON.stringify(begin.calls),
          holder: node,
          held_until: after(holdMs),
        })
        .onConflict((conflict) => conflict.columns(['organization_id', 'name']).doNothing())
        .modifyEnd(sql`/* audit-streams/begin */`)
        .execute();
      const row = await transaction
        .updateTable('audit_streams')
        .set({ holder: node, held_until: after(holdMs) })
        .where('organization_id', '=', organizationId)
        .where('name', '=', name)
        .where((is) => is.or([is('holder', '=', node), is('held_until', '<', sql<Date>`now()`)]))
        .returning(['sequence', 'calls'])
        .modifyEnd(sql`/* audit-streams/hold */`)
        .executeTakeFirst();
      return row ? { sequence: Number(row.sequence), calls: placesSchema.parse(row.calls) } : null;
    },
    async advance({ organizationId, name, node, holdMs, place }) {
      const result = await transaction
        .updateTable('audit_streams')
        .set({ sequence: String(place.sequence), calls: JSON.stringify(place.calls), held_until: after(holdMs) })
        .where('organization_id', '=', organizationId)
        .where('name', '=', name)
        .where('holder', '=', node)
        .modifyEnd(sql`/* audit-streams/advance */`)
        .executeTakeFirst();
      return Number(result.numUpdatedRows) > 0;
    },
    async release({ organizationId, name, node }) {
      await transaction
        .updateTable('audit_streams')
        .set({ held_until: sql<Date>`now()` })
        .where('organization_id', '=', organizationId)
        .where('name', '=', name)
        .where('holder', '=', node)
        .modifyEnd(sql`/* audit-streams/release */`)
        .execute();
    },
  };
}

const placesSchema: z.ZodType<StreamPlace['calls']> = z.record(z.string(), z.number());

function after(ms: number) {
  return sql<Date>`now() + ${ms} * interval '1 millisecond'`;
}

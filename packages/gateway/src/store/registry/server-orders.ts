import { sql, type Kysely, type Selectable } from 'kysely';
import { z } from 'zod';
import type { ServerOrder } from '../../snapshot/server-order.ts';
import type { ServerOrderReads, ServerOrderWrites } from './registry-store.ts';
import type { ServerOrdersTable, Tables } from './tables.ts';

export function createServerOrderReads(database: Kysely<Tables>): ServerOrderReads {
  return {
    async list(organizationId) {
      const rows = await database
        .selectFrom('server_orders')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .orderBy('server')
        .modifyEnd(sql`/* server-orders/list */`)
        .execute();
      return rows.map(orderOf);
    },
  };
}

export function createServerOrderWrites(transaction: Kysely<Tables>): ServerOrderWrites {
  return {
    async findForUpdate(organizationId, server) {
      // A row that is not there cannot be locked: who changes an order of an organization waits for who does.
      await transaction
        .selectFrom('organizations')
        .select('id')
        .where('id', '=', organizationId)
        .forUpdate()
        .modifyEnd(sql`/* server-orders/lock */`)
        .execute();
      const row = await transaction
        .selectFrom('server_orders')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('server', '=', server)
        .modifyEnd(sql`/* server-orders/find */`)
        .executeTakeFirst();
      return row ? orderOf(row) : null;
    },
    async put(organizationId, { server, routing, targets, changedAtMs, changedBy }) {
      const columns = { asked: JSON.stringify({ routing, targets }), changed_at: new Date(changedAtMs), changed_by: changedBy };
      await transaction
        .insertInto('server_orders')
        .values({ organization_id: organizationId, server, ...columns })
        .onConflict((conflict) => conflict.columns(['organization_id', 'server']).doUpdateSet(columns))
        .modifyEnd(sql`/* server-orders/put */`)
        .execute();
    },
    async delete(organizationId, server) {
      await transaction
        .deleteFrom('server_orders')
        .where('organization_id', '=', organizationId)
        .where('server', '=', server)
        .modifyEnd(sql`/* server-orders/delete */`)
        .execute();
    },
  };
}

const routingSchema = z.object({
  active: z.string().nullable(),
  canary: z
    .object({
      target: z.string(),
      sharePercent: z.number(),
      header: z.object({ name: z.string(), value: z.string() }).nullable(),
      principals: z.array(z.string()),
    })
    .nullable(),
});
const askedSchema = z.object({
  routing: routingSchema.extend({ configured: routingSchema }).nullable(),
  targets: z.record(z.string(), z.object({ weight: z.object({ asked: z.number(), configured: z.number() }).nullable(), draining: z.boolean() })),
});

function orderOf(row: Selectable<ServerOrdersTable>): ServerOrder {
  return { server: row.server, ...askedSchema.parse(row.asked), changedAtMs: row.changed_at.getTime(), changedBy: row.changed_by };
}

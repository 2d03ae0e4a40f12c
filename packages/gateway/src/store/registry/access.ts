import { sql, type Kysely, type Selectable } from 'kysely';
import { z } from 'zod';
import { subjectKinds, type PolicyData } from '../../kernel/policy.ts';
import { switchKinds } from '../../kernel/switch.ts';
import type { AccessReads, AccessWrites, PolicyRecord, SwitchRecord } from './registry-store.ts';
import type { PoliciesTable, SwitchesTable, Tables } from './tables.ts';

export function createAccessReads(database: Kysely<Tables>): AccessReads {
  return {
    async revision(organizationId) {
      const row = await database
        .selectFrom('access_revisions')
        .select('revision')
        .where('organization_id', '=', organizationId)
        .modifyEnd(sql`/* access/revision */`)
        .executeTakeFirst();
      return Number(row?.revision ?? 0);
    },
    async policies(organizationId) {
      const rows = await database
        .selectFrom('policies')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .orderBy('name')
        .modifyEnd(sql`/* access/policies */`)
        .execute();
      return rows.map(policyOf);
    },
    async switches(organizationId) {
      const rows = await database
        .selectFrom('switches')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .orderBy('kind')
        .orderBy('name')
        .modifyEnd(sql`/* access/switches */`)
        .execute();
      return rows.map(switchOf);
    },
  };
}

export function createAccessWrites(transaction: Kysely<Tables>): AccessWrites {
  return {
    async begin(organizationId) {
      // The row is locked until the transaction ends: changes come one after the other, and a node that sees the revision sees the change.
      const row = await transaction
        .insertInto('access_revisions')
        .values({ organization_id: organizationId, revision: '1' })
        .onConflict((conflict) => conflict.column('organization_id').doUpdateSet({ revision: sql`access_revisions.revision + 1` }))
        .returning('revision')
        .modifyEnd(sql`/* access/begin */`)
        .executeTakeFirstOrThrow();
      return Number(row.revision);
    },
    async findPolicy(organizationId, name) {
      const row = await transaction
        .selectFrom('policies')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('name', '=', name)
        .modifyEnd(sql`/* access/find-policy */`)
        .executeTakeFirst();
      return row ? policyOf(row) : null;
    },
    async countPolicies(organizationId) {
      const row = await transaction
        .selectFrom('policies')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .where('organization_id', '=', organizationId)
        .modifyEnd(sql`/* access/count-policies */`)
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async putPolicy(organizationId, { data: { name, ...rule }, version, changedAtMs, changedBy }) {
      const columns = { rule: JSON.stringify(rule), version, changed_at: new Date(changedAtMs), changed_by: changedBy };
      await transaction
        .insertInto('policies')
        .values({ organization_id: organizationId, name, ...columns })
        .onConflict((conflict) => conflict.columns(['organization_id', 'name']).doUpdateSet(columns))
        .modifyEnd(sql`/* access/put-policy */`)
        .execute();
    },
    async deletePolicy(organizationId, name) {
      await transaction
        .deleteFrom('policies')
        .where('organization_id', '=', organizationId)
        .where('name', '=', name)
        .modifyEnd(sql`/* access/delete-policy */`)
        .execute();
    },
    async putSwitch(organizationId, { kind, name, reason, untilMs, changedAtMs, changedBy }) {
      const columns = { reason, until: untilMs === null ? null : new Date(untilMs), changed_at: new Date(changedAtMs), changed_by: changedBy };
      await transaction
        .insertInto('switches')
        .values({ organization_id: organizationId, kind, name, ...columns })
        .onConflict((conflict) => conflict.columns(['organization_id', 'kind', 'name']).doUpdateSet(columns))
        .modifyEnd(sql`/* access/put-switch */`)
        .execute();
    },
    async deleteSwitch(organizationId, kind, name) {
      const { numDeletedRows } = await transaction
        .deleteFrom('switches')
        .where('organization_id', '=', organizationId)
        .where('kind', '=', kind)
        .where('name', '=', name)
        .modifyEnd(sql`/* access/delete-switch */`)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
  };
}

const texts = z.array(z.string());
const ruleSchema = z.object({
  effect: z.enum(['allow', 'deny', 'hold']),
  subjects: z.array(z.object({ kind: z.enum(['member', 'anonymous', ...subjectKinds]), id: z.string() })).nullable(),
  servers: texts,
  tools: texts.nullable(),
  resources: texts.nullable(),
  prompts: texts.nullable(),
  actions: texts.nullable(),
  when: z.string().nullable(),
  reason: z.string().nullable(),
  untilMs: z.number().nullable(),
}) satisfies z.ZodType<Omit<PolicyData, 'name'>>;

function policyOf(row: Selectable<PoliciesTable>): PolicyRecord {
  return { data: { name: row.name, ...ruleSchema.parse(row.rule) }, version: row.version, changedAtMs: row.changed_at.getTime(), changedBy: row.changed_by };
}

function switchOf(row: Selectable<SwitchesTable>): SwitchRecord {
  return {
    kind: z.enum(switchKinds).parse(row.kind),
    name: row.name,
    reason: row.reason,
    untilMs: row.until?.getTime() ?? null,
    changedAtMs: row.changed_at.getTime(),
    changedBy: row.changed_by,
  };
}

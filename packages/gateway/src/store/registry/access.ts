import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import { z } from 'zod';
import { inheritedMembers, nounKinds, type Reference } from '../../kernel/directory.ts';
import type { OrganizationId } from '../../kernel/id.ts';
import { subjectKinds, type PolicyData } from '../../kernel/policy.ts';
import { switchKinds } from '../../kernel/switch.ts';
import { namingMembers, startOf } from './directory.ts';
import type { AccessReads, AccessWrites, PolicyRecord, SwitchRecord } from './registry-store.ts';
import type { PoliciesTable, SwitchesTable, Tables } from './tables.ts';

export function createAccessReads(database: Kysely<Tables>): AccessReads {
  return {
    async revision(organizationId) {
      const row = await database
        .selectFrom('access_revisions')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .modifyEnd(sql`/* access/revision */`)
        .executeTakeFirst();
      return { organizationId, rules: Number(row?.revision ?? 0), callers: Number(row?.callers ?? 0) };
    },
    async revisions() {
      const rows = await database
        .selectFrom('access_revisions')
        .selectAll()
        .modifyEnd(sql`/* access/revisions */`)
        .execute();
      return rows.map((row) => ({ organizationId: row.organization_id as OrganizationId, rules: Number(row.revision), callers: Number(row.callers) }));
    },
    async changedKeys(organizationId, after, limit) {
      // Each as its index says it.
      const { rows } = await sql<{ id: string }>`
        select id from api_keys where organization_id = ${organizationId} and changed_revision > ${String(after)}::bigint and changed_revision > 0
        union all
        select id from oauth_grants where organization_id = ${organizationId} and changed_revision > ${String(after)}::bigint and changed_revision > 0
        limit ${sql.raw(String(limit + 1))} /* access/changed-keys */`.execute(database);
      return rows.length > limit ? null : rows.map(({ id }) => id);
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
    async lock(organizationId) {
      // Nothing changes, but the row is locked, also where it was not there.
      await transaction
        .insertInto('access_revisions')
        .values({ organization_id: organizationId, revision: '0' })
        .onConflict((conflict) => conflict.column('organization_id').doUpdateSet({ revision: sql`access_revisions.revision` }))
        .modifyEnd(sql`/* access/lock */`)
        .execute();
    },
    async touchKey(organizationId, keyId) {
      const revision = await raiseCallers(transaction, organizationId);
      await transaction
        .updateTable('api_keys')
        .set({ changed_revision: revision })
        .where('organization_id', '=', organizationId)
        .where('id', '=', keyId)
        .modifyEnd(sql`/* access/touch-key */`)
        .execute();
    },
    async touchGrant(organizationId, grantId) {
      const revision = await raiseCallers(transaction, organizationId);
      await transaction
        .updateTable('oauth_grants')
        .set({ changed_revision: revision })
        .where('organization_id', '=', organizationId)
        .where('id', '=', grantId)
        .modifyEnd(sql`/* access/touch-grant */`)
        .execute();
    },
    async touchKeysOf(organizationId, references) {
      const revision = await raiseCallers(transaction, organizationId);
      await sql`
        with recursive ${below(organizationId, references)}, names (kind, member) as (
          select * from unnest(${keyMembers.map(({ kind }) => kind)}::text[], ${keyMembers.map(({ member }) => member)}::text[])
        )
        update api_keys k set changed_revision = ${revision}
        from below b join names n on n.kind = b.kind join key_names named on named.member = n.member and named.value = b.id
        where named.organization_id = ${organizationId} and k.organization_id = ${organizationId} and k.id = named.key_id /* access/touch-keys-of */`.execute(
        transaction,
      );
      await sql`
        with recursive ${below(organizationId, references)}
        update oauth_grants g set changed_revision = ${revision}
        from below b where b.kind = 'user' and g.organization_id = ${organizationId} and g.user_id = b.id /* access/touch-grants-of */`.execute(transaction);
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
    async findSwitch(organizationId, kind, name) {
      const row = await transaction
        .selectFrom('switches')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('kind', '=', kind)
        .where('name', '=', name)
        .modifyEnd(sql`/* access/find-switch */`)
        .executeTakeFirst();
      return row ? switchOf(row) : null;
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

/** These, and what inherits from them. */
function below(organizationId: OrganizationId, references: readonly Reference[]): RawBuilder<unknown> {
  return sql`below (kind, id) as (
          ${startOf(references)}
          union
          select l.from_kind, l.from_id from directory_links l join below b on l.to_kind = b.kind and l.to_id = b.id
          where l.organization_id = ${organizationId} and l.relation = any (${[...inheritedMembers]}::text[])
        )`;
}

const keyMembers = nounKinds.flatMap((kind) => namingMembers(kind).map((member) => ({ kind, member })));

/** The row is locked until the transaction ends, as in `begin`. */
export async function raiseCallers(transaction: Kysely<Tables>, organizationId: OrganizationId): Promise<string> {
  const row = await transaction
    .insertInto('access_revisions')
    .values({ organization_id: organizationId, revision: '0', callers: '1' })
    .onConflict((conflict) => conflict.column('organization_id').doUpdateSet({ callers: sql`access_revisions.callers + 1` }))
    .returning('callers')
    .modifyEnd(sql`/* access/raise-callers */`)
    .executeTakeFirstOrThrow();
  return row.callers;
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

import { sql, type Kysely, type Selectable } from 'kysely';
import type { IdentityLink, IdentityReads, IdentityWrites } from './identity-store.ts';
import type { IdentityLinksTable, Tables } from './tables.ts';

export function createIdentityReads(database: Kysely<Tables>): IdentityReads {
  return {
    async find(organizationId, digest) {
      const row = await database
        .selectFrom('identity_links as i')
        .selectAll('i')
        .select(
          sql<boolean>`exists (select from scim_users s where s.organization_id = i.organization_id and s.user_id = i.user_id and s.provider = i.provider)`.as(
            'provisioned',
          ),
        )
        .where('i.organization_id', '=', organizationId)
        .where('i.digest', '=', digest)
        .modifyEnd(sql`/* identity/find */`)
        .executeTakeFirst();
      return row ? { ...linkOf(row), isProvisioned: row.provisioned } : null;
    },
    async listOfUser(organizationId, userId) {
      const rows = await database
        .selectFrom('identity_links')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('user_id', '=', userId)
        .orderBy('created_at')
        .orderBy('digest')
        .modifyEnd(sql`/* identity/list-of-user */`)
        .execute();
      return rows.map(linkOf);
    },
  };
}

export function createIdentityWrites(transaction: Kysely<Tables>): IdentityWrites {
  return {
    ...createIdentityReads(transaction),
    async put(organizationId, { digest, issuer, provider, userId, createdAtMs }) {
      const columns = { issuer, provider, user_id: userId, created_at: new Date(createdAtMs) };
      await transaction
        .insertInto('identity_links')
        .values({ organization_id: organizationId, digest, ...columns })
        .onConflict((conflict) => conflict.columns(['organization_id', 'digest']).doUpdateSet(columns))
        .modifyEnd(sql`/* identity/put */`)
        .execute();
    },
    async delete(organizationId, userId, digest) {
      const row = await transaction
        .deleteFrom('identity_links')
        .where('organization_id', '=', organizationId)
        .where('user_id', '=', userId)
        .where('digest', '=', digest)
        .returningAll()
        .modifyEnd(sql`/* identity/delete */`)
        .executeTakeFirst();
      return row ? linkOf(row) : null;
    },
    async rename(organizationId, userId, pseudonym) {
      await transaction
        .updateTable('identity_links')
        .set({ user_id: pseudonym })
        .where('organization_id', '=', organizationId)
        .where('user_id', '=', userId)
        .modifyEnd(sql`/* identity/rename */`)
        .execute();
    },
  };
}

function linkOf({ digest, issuer, provider, user_id: userId, created_at: createdAt }: Selectable<IdentityLinksTable>): IdentityLink {
  return { digest, issuer, provider, userId, createdAtMs: createdAt.getTime() };
}

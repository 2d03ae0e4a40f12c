import { sql, type Kysely, type Selectable } from 'kysely';
import { z } from 'zod';
import type { OrganizationId } from '../../kernel/id.ts';
import type { GrantReads, GrantRecord, GrantWrites } from './oauth-store.ts';
import type { OauthGrantsTable, Tables } from './tables.ts';

export function createGrantReads(database: Kysely<Tables>): GrantReads {
  return {
    async find(organizationId, id) {
      const row = await database
        .selectFrom('oauth_grants')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .modifyEnd(sql`/* grants/find */`)
        .executeTakeFirst();
      return row ? grantOf(row) : null;
    },
    async list(organizationId, { userId, after, limit }) {
      let query = database.selectFrom('oauth_grants').selectAll().where('organization_id', '=', organizationId);
      if (userId !== null) query = query.where('user_id', '=', userId);
      if (after) query = query.where((is) => is(is.refTuple('created_at', 'id'), '<', is.tuple(new Date(after.createdAtMs), after.id)));
      const rows = await query
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .modifyEnd(sql`/* grants/list */`)
        .execute();
      return rows.map(grantOf);
    },
    async findByToken(id) {
      const row = await database
        .selectFrom('oauth_grants')
        .selectAll()
        .where('id', '=', id)
        // Also one that is made while its organization is deleted.
        .where((is) => is.exists(is.selectFrom('organizations').whereRef('organizations.id', '=', 'organization_id').where('deleted_at', 'is', null)))
        .modifyEnd(sql`/* grants/find-by-token */`)
        .executeTakeFirst();
      return row ? grantOf(row) : null;
    },
  };
}

export function createGrantWrites(transaction: Kysely<Tables>): GrantWrites {
  return {
    async insert(grant) {
      await transaction
        .insertInto('oauth_grants')
        .values({
          organization_id: grant.organizationId,
          id: grant.id,
          user_id: grant.userId,
          granted_by: grant.grantedBy,
          session_key: grant.sessionKey,
          client_id: grant.clientId,
          client_name: grant.clientName,
          redirect_uri: grant.redirectUri,
          resource: grant.resource,
          scopes: JSON.stringify(grant.scopes),
          created_at: new Date(grant.createdAtMs),
          expires_at: new Date(grant.expiresAtMs),
        })
        .modifyEnd(sql`/* grants/insert */`)
        .execute();
    },
    async findForUpdate(organizationId, id) {
      const row = await transaction
        .selectFrom('oauth_grants')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .forUpdate()
        .modifyEnd(sql`/* grants/find-for-update */`)
        .executeTakeFirst();
      if (!row) return null;
      const { family_hash: family, refresh_hash: secret } = row;
      return { ...grantOf(row), refresh: family === null || secret === null ? null : { family, secret } };
    },
    async findLiveForUpdate(organizationId, userId, sessionIds) {
      const rows = await transaction
        .selectFrom('oauth_grants')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('revoked_at', 'is', null)
        .where((is) =>
          is.or([
            ...(userId === null ? [] : [is('user_id', '=', userId)]),
            ...(sessionIds.length === 0 ? [] : [is.and([is('user_id', 'is', null), is('granted_by', 'in', [...sessionIds])])]),
          ]),
        )
        .orderBy('id')
        .forUpdate()
        .modifyEnd(sql`/* grants/find-live-for-update */`)
        .execute();
      return rows.map(grantOf);
    },
    async updateRefresh(organizationId, id, { refresh, usedAtMs, expiresAtMs }) {
      await transaction
        .updateTable('oauth_grants')
        .set({
          family_hash: refresh?.family ?? null,
          refresh_hash: refresh?.secret ?? null,
          used_at: new Date(usedAtMs),
          expires_at: new Date(expiresAtMs),
        })
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .modifyEnd(sql`/* grants/update-refresh */`)
        .execute();
    },
    async updateRevoked(organizationId, id, { atMs, by, why }) {
      await transaction
        .updateTable('oauth_grants')
        .set({ revoked_at: new Date(atMs), revoked_by: by, revoked_why: why, family_hash: null, refresh_hash: null })
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .modifyEnd(sql`/* grants/update-revoked */`)
        .execute();
    },
    async countOfUser(organizationId, userId, atMs) {
      const row = await transaction
        .selectFrom('oauth_grants')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .where('organization_id', '=', organizationId)
        .where('user_id', 'is not distinct from', userId)
        .where('revoked_at', 'is', null)
        .where('expires_at', '>', new Date(atMs))
        .modifyEnd(sql`/* grants/count-of-user */`)
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async deleteOfUser(organizationId, userId) {
      const rows = await transaction
        .deleteFrom('oauth_grants')
        .where('organization_id', '=', organizationId)
        .where('user_id', '=', userId)
        .returning('id')
        .modifyEnd(sql`/* grants/delete-of-user */`)
        .execute();
      return rows.map(({ id }) => id);
    },
    async deleteOver(organizationId, beforeMs) {
      await transaction
        .deleteFrom('oauth_grants')
        .where('organization_id', '=', organizationId)
        .where((is) => is.or([is('expires_at', '<', new Date(beforeMs)), is('revoked_at', '<', new Date(beforeMs))]))
        .modifyEnd(sql`/* grants/delete-over */`)
        .execute();
    },
  };
}

const texts = z.array(z.string());

function grantOf(row: Selectable<OauthGrantsTable>): GrantRecord {
  const { revoked_at: revokedAt, revoked_by: by, revoked_why: why } = row;
  return {
    organizationId: row.organization_id as OrganizationId,
    id: row.id,
    userId: row.user_id,
    grantedBy: row.granted_by,
    sessionKey: row.session_key,
    clientId: row.client_id,
    clientName: row.client_name,
    redirectUri: row.redirect_uri,
    resource: row.resource,
    scopes: texts.parse(row.scopes),
    createdAtMs: row.created_at.getTime(),
    expiresAtMs: row.expires_at.getTime(),
    usedAtMs: row.used_at?.getTime() ?? null,
    revoked: revokedAt === null ? null : { atMs: revokedAt.getTime(), by: by ?? '', why: why ?? '' },
  };
}

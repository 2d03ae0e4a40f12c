import { sql, type Kysely, type Selectable } from 'kysely';
import { z } from 'zod';
import type { OrganizationId } from '../../kernel/id.ts';
import type { InvitationReads, InvitationRecord, InvitationWrites } from './directory-store.ts';
import type { InvitationsTable, Tables } from './tables.ts';

export function createInvitationReads(database: Kysely<Tables>): InvitationReads {
  return {
    async find(organizationId, id) {
      const row = await database
        .selectFrom('invitations')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .modifyEnd(sql`/* invitations/find */`)
        .executeTakeFirst();
      return row ? invitationOf(row) : null;
    },
    async list(organizationId, { text, teamId, roleId, over, sort, descending, after, limit }) {
      let query = database.selectFrom('invitations').selectAll().where('organization_id', '=', organizationId);
      if (text !== null) query = query.where(sql<boolean>`(position(${text} in lower(email)) > 0 or position(${text} in lower(name)) > 0)`);
      if (teamId !== null) query = query.where(sql<boolean>`jsonb_exists(team_ids, ${teamId})`);
      if (roleId !== null) query = query.where(sql<boolean>`jsonb_exists(role_ids, ${roleId})`);
      if (over !== null) query = query.where('expires_at', over.is ? '<=' : '>', new Date(over.nowMs));
      const column = sort === 'email' ? sql`lower(email) collate "C"` : sql.ref(sort);
      if (after !== null) {
        const value = sort === 'email' ? String(after.value) : new Date(Number(after.value));
        query = query.where(sql<boolean>`(${column}, id) ${sql.raw(descending ? '<' : '>')} (${value}, ${after.id})`);
      }
      const direction = descending ? 'desc' : 'asc';
      const rows = await query
        .orderBy(column, direction)
        .orderBy('id', direction)
        .limit(limit)
        .modifyEnd(sql`/* invitations/list */`)
        .execute();
      return rows.map(invitationOf);
    },
    async findByToken(tokenHash) {
      const row = await database
        .selectFrom('invitations')
        .selectAll()
        .where('token_hash', '=', tokenHash)
        .modifyEnd(sql`/* invitations/find-by-token */`)
        .executeTakeFirst();
      return row ? invitationOf(row) : null;
    },
  };
}

export function createInvitationWrites(transaction: Kysely<Tables>): InvitationWrites {
  return {
    async insert(organizationId, { tokenHash, ...invitation }) {
      await transaction
        .insertInto('invitations')
        .values({
          organization_id: organizationId,
          id: invitation.id,
          user_id: invitation.userId,
          email: invitation.email,
          name: invitation.name,
          team_ids: JSON.stringify(invitation.teamIds),
          role_ids: JSON.stringify(invitation.roleIds),
          token_hash: tokenHash,
          created_at: new Date(invitation.createdAtMs),
          created_by: invitation.createdBy,
          expires_at: new Date(invitation.expiresAtMs),
        })
        .modifyEnd(sql`/* invitations/insert */`)
        .execute();
    },
    async take(organizationId, id) {
      const row = await transaction
        .deleteFrom('invitations')
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .returningAll()
        .modifyEnd(sql`/* invitations/take */`)
        .executeTakeFirst();
      return row ? invitationOf(row) : null;
    },
    async deleteOf(organizationId, who) {
      await transaction
        .deleteFrom('invitations')
        .where('organization_id', '=', organizationId)
        .where('email' in who ? sql<boolean>`lower(email) = ${who.email}` : sql<boolean>`user_id = ${who.userId}`)
        .modifyEnd(sql`/* invitations/delete-of */`)
        .execute();
    },
    async deleteExpired(organizationId, beforeMs) {
      await transaction
        .deleteFrom('invitations')
        .where('organization_id', '=', organizationId)
        .where('expires_at', '<', new Date(beforeMs))
        .modifyEnd(sql`/* invitations/delete-expired */`)
        .execute();
    },
    async count(organizationId) {
      const row = await transaction
        .selectFrom('invitations')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .where('organization_id', '=', organizationId)
        .modifyEnd(sql`/* invitations/count */`)
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
  };
}

const ids = z.array(z.string());

function invitationOf(row: Selectable<InvitationsTable>): InvitationRecord {
  return {
    organizationId: row.organization_id as OrganizationId,
    id: row.id,
    userId: row.user_id,
    email: row.email,
    name: row.name,
    teamIds: ids.parse(row.team_ids),
    roleIds: ids.parse(row.role_ids),
    createdAtMs: row.created_at.getTime(),
    createdBy: row.created_by,
    expiresAtMs: row.expires_at.getTime(),
  };
}

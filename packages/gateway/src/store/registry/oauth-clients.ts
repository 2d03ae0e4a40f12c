import { sql, type Kysely } from 'kysely';
import { z } from 'zod';
import type { OauthClientReads, OauthClientWrites, OauthKeyReads, OauthKeyWrites } from './oauth-store.ts';
import type { Tables } from './tables.ts';

const texts = z.array(z.string());
const jwk = z.record(z.string(), z.string());

export function createOauthClientReads(database: Kysely<Tables>): OauthClientReads {
  return {
    async find(id) {
      const row = await database
        .selectFrom('oauth_clients')
        .selectAll()
        .where('id', '=', id)
        .modifyEnd(sql`/* oauth-clients/find */`)
        .executeTakeFirst();
      return row ? { id: row.id, name: row.name, redirectUris: texts.parse(row.redirect_uris), createdAtMs: row.created_at.getTime() } : null;
    },
  };
}

export function createOauthClientWrites(transaction: Kysely<Tables>): OauthClientWrites {
  return {
    async count() {
      const row = await transaction
        .selectFrom('oauth_clients')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .modifyEnd(sql`/* oauth-clients/count */`)
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async insert({ id, name, redirectUris, createdAtMs }) {
      const at = new Date(createdAtMs);
      await transaction
        .insertInto('oauth_clients')
        .values({ id, name, redirect_uris: JSON.stringify(redirectUris), created_at: at, used_at: at })
        .modifyEnd(sql`/* oauth-clients/insert */`)
        .execute();
    },
    async updateUsed(id, usedAtMs) {
      await transaction
        .updateTable('oauth_clients')
        .set({ used_at: new Date(usedAtMs) })
        .where('id', '=', id)
        .modifyEnd(sql`/* oauth-clients/update-used */`)
        .execute();
    },
    async deleteUnused(beforeMs) {
      await transaction
        .deleteFrom('oauth_clients')
        .where('used_at', '<', new Date(beforeMs))
        .modifyEnd(sql`/* oauth-clients/delete-unused */`)
        .execute();
    },
  };
}

export function createOauthKeyReads(database: Kysely<Tables>): OauthKeyReads {
  return {
    async list() {
      const rows = await database
        .selectFrom('oauth_keys')
        .selectAll()
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .modifyEnd(sql`/* oauth-keys/list */`)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        node: row.node,
        publicJwk: jwk.parse(row.public_jwk),
        sealed: row.sealed,
        createdAtMs: row.created_at.getTime(),
        signsAtMs: row.signs_at?.getTime() ?? null,
        retiredAtMs: row.retired_at?.getTime() ?? null,
      }));
    },
  };
}

export function createOauthKeyWrites(transaction: Kysely<Tables>): OauthKeyWrites {
  return {
    ...createOauthKeyReads(transaction),
    async lock() {
      await sql`lock table oauth_keys in share row exclusive mode /* oauth-keys/lock */`.execute(transaction);
    },
    async insert({ id, node, publicJwk, sealed, createdAtMs, signsAtMs, retiredAtMs }) {
      await transaction
        .insertInto('oauth_keys')
        .values({
          id,
          node,
          public_jwk: JSON.stringify(publicJwk),
          sealed,
          created_at: new Date(createdAtMs),
          signs_at: signsAtMs === null ? null : new Date(signsAtMs),
          retired_at: retiredAtMs === null ? null : new Date(retiredAtMs),
        })
        .modifyEnd(sql`/* oauth-keys/insert */`)
        .execute();
    },
    async update(id, change) {
      await transaction
        .updateTable('oauth_keys')
        .set('signsAtMs' in change ? { signs_at: new Date(change.signsAtMs) } : { retired_at: new Date(change.retiredAtMs) })
        .where('id', '=', id)
        .modifyEnd(sql`/* oauth-keys/update */`)
        .execute();
    },
    async delete(ids) {
      if (ids.length === 0) return;
      await transaction
        .deleteFrom('oauth_keys')
        .where('id', 'in', ids)
        .modifyEnd(sql`/* oauth-keys/delete */`)
        .execute();
    },
  };
}

import { sql, type Kysely, type Selectable } from 'kysely';
import { z } from 'zod';
import type { KeyId, OrganizationId } from '../../kernel/id.ts';
import { namedBy } from './directory.ts';
import type { KeyReads, KeyRecord, KeyWrites } from './registry-store.ts';
import type { KeysTable, Tables } from './tables.ts';

export function createKeyReads(database: Kysely<Tables>): KeyReads {
  return {
    async find(organizationId, id) {
      const row = await database
        .selectFrom('api_keys')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .modifyEnd(sql`/* keys/find */`)
        .executeTakeFirst();
      return row ? keyOf(row) : null;
    },
    async findByPrefix(prefix) {
      const rows = await database
        .selectFrom('api_keys')
        .selectAll()
        .where((is) => is.or([is('prefix', '=', prefix), is('previous_prefix', '=', prefix)]))
        // Also one that is made while its organization is deleted.
        .where((is) => is.exists(is.selectFrom('organizations').whereRef('organizations.id', '=', 'organization_id').where('deleted_at', 'is', null)))
        .limit(collisionsMax)
        .modifyEnd(sql`/* keys/find-by-prefix */`)
        .execute();
      return rows.map(keyOf);
    },
    async list(organizationId, { after, limit, named = [], text, status, oldestFirst = false }) {
      let query = database.selectFrom('api_keys').selectAll().where('organization_id', '=', organizationId);
      for (const reference of named) query = query.where(namedBy(organizationId, reference));
      if (text !== undefined) query = query.where(sql<boolean>`(position(lower(${text}) in lower(name)) > 0 or prefix = ${text})`);
      if (status !== undefined) query = query.where(statusIs(status));
      if (after) query = query.where((is) => is(is.refTuple('created_at', 'id'), oldestFirst ? '>' : '<', is.tuple(new Date(after.createdAtMs), after.id)));
      const rows = await query
        .orderBy('created_at', oldestFirst ? 'asc' : 'desc')
        .orderBy('id', oldestFirst ? 'asc' : 'desc')
        .limit(limit)
        .modifyEnd(sql`/* keys/list */`)
        .execute();
      return rows.map(keyOf);
    },
    async listOfUser(organizationId, userId) {
      const rows = await database
        .selectFrom('api_keys')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where(namedBy(organizationId, { kind: 'user', id: userId }))
        .orderBy('created_at', 'desc')
        .modifyEnd(sql`/* keys/list-of-user */`)
        .execute();
      return rows.map(keyOf);
    },
    any: (organizationId) => anyKey(database, organizationId),
  };
}

function statusIs({ is, atMs }: { readonly is: 'active' | 'expired' | 'revoked'; readonly atMs: number }) {
  if (is === 'revoked') return sql<boolean>`revoked_at is not null`;
  const at = new Date(atMs);
  return is === 'expired'
    ? sql<boolean>`revoked_at is null and expires_at <= ${at}`
    : sql<boolean>`revoked_at is null and (expires_at is null or expires_at > ${at})`;
}

export function createKeyWrites(transaction: Kysely<Tables>): KeyWrites {
  return {
    async findForUpdate(organizationId, id) {
      const row = await transaction
        .selectFrom('api_keys')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .forUpdate()
        .modifyEnd(sql`/* keys/find-for-update */`)
        .executeTakeFirst();
      return row ? keyOf(row) : null;
    },
    async lockEmpty(organizationId) {
      await transaction
        .selectFrom('organizations')
        .select('id')
        .where('id', '=', organizationId)
        .forUpdate()
        .modifyEnd(sql`/* keys/lock-empty */`)
        .execute();
      return !(await anyKey(transaction, organizationId));
    },
    async insert(key) {
      await transaction
        .insertInto('api_keys')
        .values({
          id: key.id,
          organization_id: key.organizationId,
          name: key.name,
          environment: key.environment,
          ...secretColumns(key),
          scopes: JSON.stringify(key.scopes),
          metadata: JSON.stringify(key.metadata),
          created_at: new Date(key.createdAtMs),
          created_by: key.createdBy,
          expires_at: dateOf(key.expiresAtMs),
          revoked_at: dateOf(key.revokedAtMs),
        })
        .modifyEnd(sql`/* keys/insert */`)
        .execute();
    },
    async updateSecret(organizationId, id, secret) {
      await transaction
        .updateTable('api_keys')
        .set(secretColumns(secret))
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .modifyEnd(sql`/* keys/update-secret */`)
        .execute();
    },
    async updateRevoked(organizationId, id, revokedAtMs) {
      await transaction
        .updateTable('api_keys')
        .set({ revoked_at: new Date(revokedAtMs) })
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .modifyEnd(sql`/* keys/update-revoked */`)
        .execute();
    },
    async updateDescription(organizationId, id, { name, metadata }) {
      await transaction
        .updateTable('api_keys')
        .set({ name, metadata: JSON.stringify(metadata) })
        .where('organization_id', '=', organizationId)
        .where('id', '=', id)
        .modifyEnd(sql`/* keys/update-description */`)
        .execute();
    },
  };
}

/** Prefixes have four random characters: more keys than this behind one of them is not chance. */
const collisionsMax = 16;

async function anyKey(database: Kysely<Tables>, organizationId: OrganizationId): Promise<boolean> {
  const row = await database
    .selectFrom('api_keys')
    .select('id')
    .where('organization_id', '=', organizationId)
    .limit(1)
    .modifyEnd(sql`/* keys/any */`)
    .executeTakeFirst();
  return row !== undefined;
}

function secretColumns(
  key: Pick<KeyRecord, 'prefix' | 'hash' | 'check' | 'previous' | 'rotatedAtMs'>,
): Pick<KeysTable, 'prefix' | 'hash' | 'secret_check' | 'previous_prefix' | 'previous_hash' | 'previous_check' | 'previous_valid_until' | 'rotated_at'> {
  return {
    prefix: key.prefix,
    hash: key.hash,
    secret_check: key.check,
    previous_prefix: key.previous?.prefix ?? null,
    previous_hash: key.previous?.hash ?? null,
    previous_check: key.previous?.check ?? null,
    previous_valid_until: dateOf(key.previous?.validUntilMs ?? null),
    rotated_at: dateOf(key.rotatedAtMs),
  };
}

const scopesSchema = z.object({ servers: z.array(z.string()).nullable(), actions: z.array(z.string()).nullable() });
const metadataSchema = z.record(z.string(), z.string());

function keyOf(row: Selectable<KeysTable>): KeyRecord {
  const { previous_prefix: prefix, previous_hash: hash, previous_check: check, previous_valid_until: validUntil } = row;
  return {
    id: row.id as KeyId,
    organizationId: row.organization_id as OrganizationId,
    name: row.name,
    environment: row.environment,
    prefix: row.prefix,
    hash: row.hash,
    check: row.secret_check,
    previous: prefix !== null && hash !== null && validUntil !== null ? { prefix, hash, check, validUntilMs: validUntil.getTime() } : null,
    scopes: scopesSchema.parse(row.scopes),
    metadata: metadataSchema.parse(row.metadata),
    createdAtMs: row.created_at.getTime(),
    createdBy: row.created_by,
    expiresAtMs: row.expires_at?.getTime() ?? null,
    rotatedAtMs: row.rotated_at?.getTime() ?? null,
    revokedAtMs: row.revoked_at?.getTime() ?? null,
  };
}

function dateOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}

import { sql, type Kysely } from 'kysely';
import { z } from 'zod';
import type { AppliedMigration } from '../migrations.ts';
import { chainHead } from './audit-chain.ts';
import type { ChainHead } from './audit-store.ts';
import type { RegistryBackup } from './registry-store.ts';
import type { Tables } from './tables.ts';

/**
 * Every table is read as it is, whichever there are: a table that is added is in backups without anybody's doing. The audit's
 * events are apart: they are many and never change, so nobody has to wait in a transaction until they are read. What backups there are is
 * in none: a restored gateway has other files, if any; nor are the names of keys, which are written again with the keys.
 */
const apart = new Set(['schema_migrations', 'audit_events', 'backup_runs', 'key_names']);
const pageRows = 500;

export function createRegistryBackup(database: Kysely<Tables>): RegistryBackup {
  return {
    async migrations() {
      const { rows } = await sql<AppliedMigration>`select name, checksum from schema_migrations order by name /* backup/migrations */`.execute(database);
      return rows;
    },
    snapshot: (page) =>
      database
        .transaction()
        .setIsolationLevel('repeatable read')
        .setAccessMode('read only')
        .execute(async (transaction) => {
          for (const { name, key } of await listTables(transaction)) {
            // A cursor, for keys are of any kind. Names are those of our own migrations.
            await sql`declare backup_rows no scroll cursor for select row_to_json(t)::text as line from ${sql.table(name)} t order by ${sql.raw(key)} /* backup/open */`.execute(
              transaction,
            );
            for (let rows = pageRows; rows === pageRows;) {
              const fetched = await sql<{ line: string }>`fetch ${sql.raw(String(pageRows))} from backup_rows /* backup/fetch */`.execute(transaction);
              rows = fetched.rows.length;
              if (rows > 0)
                await page(
                  name,
                  fetched.rows.map(({ line }) => line),
                );
            }
            await sql`close backup_rows /* backup/close */`.execute(transaction);
          }
          const { rows: chains } = await sql<{
            organization_id: string;
          }>`select organization_id from audit_chains order by organization_id /* backup/chains */`.execute(transaction);
          const heads: { organizationId: string; head: ChainHead }[] = [];
          for (const { organization_id: organizationId } of chains) heads.push({ organizationId, head: await chainHead(transaction, organizationId) });
          return heads;
        }),
    async *events(organizationId, through) {
      // Those without a place: no gateway wrote them, and a restored registry has them too.
      yield* pages((after) =>
        sql<EventLine>`
          select row_to_json(e)::text as line, e.id as place from audit_events e
          where e.organization_id = ${organizationId} and e.chain_sequence is null and e.id > ${after ?? ''}
          order by e.id limit ${sql.raw(String(pageRows))} /* backup/stray-events */`.execute(database),
      );
      yield* pages((after) =>
        sql<EventLine>`
          select row_to_json(e)::text as line, e.chain_sequence as place from audit_events e
          where e.organization_id = ${organizationId} and e.chain_sequence > ${after ?? '0'}::bigint and e.chain_sequence <= ${through}::bigint
          order by e.chain_sequence limit ${sql.raw(String(pageRows))} /* backup/events */`.execute(database),
      );
    },
  };
}

interface EventLine {
  readonly line: string;
  readonly place: string;
}

async function* pages(read: (after: string | null) => Promise<{ readonly rows: readonly EventLine[] }>): AsyncGenerator<readonly string[]> {
  for (let after: string | null = null; ;) {
    const { rows } = await read(after);
    if (rows.length > 0) yield rows.map(({ line }) => line);
    after = rows.at(-1)?.place ?? after;
    if (rows.length < pageRows) return;
  }
}

const tableRow = z.array(z.object({ name: z.string().regex(/^[a-z_0-9]+$/), key: z.string().regex(/^[a-z_0-9, ]+$/) }));

/** By name, with the columns of the primary key. */
async function listTables(database: Kysely<Tables>): Promise<z.infer<typeof tableRow>> {
  const { rows } = await sql`
    select c.relname as name, string_agg(a.attname, ', ' order by array_position(i.indkey::int[], a.attnum::int)) as key
    from pg_class c
    join pg_index i on i.indrelid = c.oid and i.indisprimary
    join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
    where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
    group by c.relname
    order by c.relname /* backup/tables */`.execute(database);
  return tableRow.parse(rows).filter(({ name }) => !apart.has(name));
}

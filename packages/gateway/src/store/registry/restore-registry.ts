import { join } from 'node:path';
import { Client } from 'pg';
import { z } from 'zod';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { checksumOf, readMigrations, type AppliedMigration, type Migration } from '../migrations.ts';
import { clientConfig, type RegistryAddress } from './connections.ts';
import { migrate } from './migrate.ts';
import { scopeSetting } from './scopes.ts';

/** A table's rows as a backup has them, in pages of JSON texts. */
export interface RestoredTable {
  readonly name: string;
  rows(): AsyncIterable<readonly string[]>;
}

/** Why a registry cannot take a backup; fit for an administrator's eyes. */
export class RegistryRefusal extends Error {
  override readonly name = 'RegistryRefusal';
}

export interface RegistryRestore {
  /** In one transaction: the registry is as it was in the backup, or still empty. Rejects with `RegistryRefusal` for a table that is not known. */
  fill(tables: readonly RestoredTable[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * An empty registry that is to be filled from a backup. Its tables are made by the backup's own migrations; those that came later
 * are applied when a gateway opens it. Faults: `unavailable`; rejects with `RegistryRefusal` where the registry holds something,
 * where a gateway has it open, or where this version does not know how the backup's tables were made.
 */
export async function openRegistryRestore(address: RegistryAddress, migrations: readonly AppliedMigration[], log: Log): Promise<RegistryRestore> {
  const wanted = knownMigrations(migrations);
  const client = new Client({ ...clientConfig(address), application_name: 'gatewayops restore', connectionTimeoutMillis: 5000 });
  client.on('error', (error) => log.warn('registry.connection_lost', { error }));
  try {
    await client.connect();
  } catch (cause) {
    throw new Fault('unavailable', { reason: 'the registry is not available: it cannot be reached' }, { cause });
  }
  try {
    await client.query(`select set_config('${scopeSetting}', '*', false) /* restore/scope */`);
    await requireAlone(client);
    await requireEmpty(
      client,
      wanted.map(({ name }) => name),
    );
  } catch (error) {
    await client.end();
    throw error;
  }
  return {
    async fill(tables) {
      await migrate(address, log, wanted);
      await client.query('begin /* restore/begin */');
      const order = await tablesInOrder(client);
      const strange = tables.find(({ name }) => !order.includes(name));
      if (strange !== undefined) throw new RegistryRefusal(`it has a table ${strange.name}, which this version of the gateway does not know`);
      // What a migration put into a table is in the backup too, if nobody has taken it out.
      for (const name of order.toReversed()) await client.query(`delete from "${name}" /* restore/clear */`);
      for (const name of order)
        for await (const rows of tables.find((table) => table.name === name)?.rows() ?? [])
          await client.query(
            `insert into "${name}" overriding system value select * from json_populate_recordset(null::"${name}", $1::json) /* restore/insert */`,
            [`[${rows.join(',')}]`],
          );
      await advanceIdentities(client);
      await client.query('commit /* restore/commit */');
    },
    // Ends an open transaction too.
    close: () => client.end(),
  };
}

function knownMigrations(migrations: readonly AppliedMigration[]): readonly Migration[] {
  const own = readMigrations(join(import.meta.dirname, 'migrations'));
  return migrations.map(({ name, checksum }) => {
    const known = own.find((migration) => migration.name === name);
    if (known === undefined) throw new RegistryRefusal(`its registry was made by a later version of the gateway, with ${name}`);
    if (checksumOf(known) !== checksum)
      throw new RegistryRefusal(`its registry was made by another version of the gateway: ${name} is not the one of this version`);
    return known;
  });
}

/** Another node would write into what is being filled. The embedded engine has nobody else: its folder is locked. */
async function requireAlone(client: Client): Promise<void> {
  const { rows } = await client.query<{ others: string }>(
    "select count(*) as others from pg_stat_activity where application_name like 'gatewayops%' and datname = current_database() and pid <> pg_backend_pid() /* restore/alone */",
  );
  if (Number(rows[0]?.others) > 0) throw new RegistryRefusal('a gateway is connected to the registry; stop every node first');
}

/** What every fresh registry has. */
const seeded = new Set(['organizations', 'schema_migrations']);

async function requireEmpty(client: Client, wanted: readonly string[]): Promise<void> {
  const names = await tableNames(client);
  if (names.includes('schema_migrations')) {
    const { rows } = await client.query<{ name: string }>('select name from schema_migrations order by name /* restore/migrations */');
    const later = rows.find(({ name }) => !wanted.includes(name));
    if (later !== undefined) throw new RegistryRefusal(`the registry has been set up by a later version already (${later.name}); give it an empty database`);
  }
  for (const name of names) {
    if (seeded.has(name)) continue;
    const { rowCount } = await client.query(`select from "${name}" limit 1 /* restore/look */`);
    if (rowCount !== 0) throw new RegistryRefusal(`the registry is not empty: ${name} has rows`);
  }
}

const nameRows = z.array(z.object({ name: z.string().regex(/^[a-z_0-9]+$/) }));

async function tableNames(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query(
    "select relname as name from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace order by relname /* restore/tables */",
  );
  return nameRows.parse(rows).map(({ name }) => name);
}

/** Those that others refer to come before them. */
async function tablesInOrder(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ from_table: string; to_table: string }>(
    `select f.relname as from_table, t.relname as to_table
     from pg_constraint c join pg_class f on f.oid = c.conrelid join pg_class t on t.oid = c.confrelid
     where c.contype = 'f' and c.conrelid <> c.confrelid and f.relnamespace = current_schema()::regnamespace /* restore/references */`,
  );
  const left = new Set((await tableNames(client)).filter((name) => name !== 'schema_migrations'));
  const order: string[] = [];
  while (left.size > 0) {
    const next = [...left].filter((name) => !rows.some(({ from_table: from, to_table: to }) => from === name && left.has(to)));
    if (next.length === 0) throw new Error(`the tables ${[...left].join(', ')} refer to each other`);
    for (const name of next) {
      left.delete(name);
      order.push(name);
    }
  }
  return order;
}

/** Numbers that are given by the database go on behind those that were restored. */
async function advanceIdentities(client: Client): Promise<void> {
  const { rows } = await client.query<{ table_name: string; column_name: string }>(
    "select table_name, column_name from information_schema.columns where table_schema = current_schema() and is_identity = 'YES' /* restore/identities */",
  );
  for (const { table_name: table, column_name: column } of rows)
    await client.query(
      `select setval(pg_get_serial_sequence('"${table}"', '${column}'), (select coalesce(max("${column}"), 0) + 1 from "${table}"), false) /* restore/advance */`,
    );
}

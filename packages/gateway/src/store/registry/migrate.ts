import { join } from 'node:path';
import { Client } from 'pg';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { checksumOf, letsOlderNodesGoOn, missingMigrations, readMigrations, type AppliedMigration, type Migration } from '../migrations.ts';
import { clientConfig, type RegistryAddress } from './connections.ts';
import { scopeSetting } from './scopes.ts';

/** The number of our advisory lock in PostgreSQL: "gwo" as ASCII. */
const lock = 0x67_77_6f;

/**
 * Applies what is missing of `migrations/`, all in one transaction under an advisory lock, so that of several nodes that
 * start at once one does it and a failure leaves nothing behind. Faults: `newer_schema` where a newer version has made the registry what this one
 * cannot work with, `older_nodes_running` where this one would do that to others, `state_broken` where a migration was changed since;
 * `unavailable`.
 */
export async function migrate(
  address: RegistryAddress,
  log: Log,
  migrations: readonly Migration[] = readMigrations(join(import.meta.dirname, 'migrations')),
): Promise<void> {
  const client = new Client({ ...clientConfig(address), application_name: 'gatewayops migrate', connectionTimeoutMillis: 15_000 });
  client.on('error', (error) => log.warn('registry.connection_lost', { error }));
  try {
    await client.connect();
  } catch (cause) {
    throw new Fault('unavailable', { reason: 'the registry is not available: it cannot be reached' }, { cause });
  }
  try {
    await client.query('begin /* registry/migrate */');
    await client.query('select pg_advisory_xact_lock($1) /* registry/migrate */', [lock]);
    // A backfill is for the rows of all.
    await client.query(`select set_config('${scopeSetting}', '*', true) /* registry/migrate */`);
    await client.query(
      'create table if not exists schema_migrations (name text primary key, checksum text not null, applied_at timestamptz not null default now()) /* registry/migrate */',
    );
    const { rows } = await client.query<AppliedMigration>('select name, checksum from schema_migrations order by name /* registry/migrate */');
    const missing = missingMigrations('registry', migrations, rows);
    const breaking = missing.find((migration) => !letsOlderNodesGoOn(migration));
    if (rows.length > 0 && breaking !== undefined) await requireNoNodes(client, breaking);
    const newer = rows.filter(({ name }) => !migrations.some((known) => known.name === name));
    if (newer.length > 0) log.warn('registry.newer', { migrations: newer.map(({ name }) => name) });
    for (const migration of missing) {
      const { name, text } = migration;
      await client.query(text);
      await client.query('insert into schema_migrations (name, checksum) values ($1, $2) /* registry/migrate */', [name, checksumOf(migration)]);
      log.info('registry.migrated', { migration: name });
    }
    await client.query('commit /* registry/migrate */');
  } finally {
    // Ends an open transaction too.
    await client.end();
  }
}

/** A node that runs now does not know what is to come. One that starts now waits for the lock, and then sees it. */
async function requireNoNodes(client: Client, { name: migration }: Migration): Promise<void> {
  const { rowCount } = await client.query(
    "select from pg_stat_activity where application_name = 'gatewayops' and datname = current_database() and pid <> pg_backend_pid() limit 1 /* registry/migrate */",
  );
  if (rowCount !== 0) throw new Fault('older_nodes_running', { migration });
}

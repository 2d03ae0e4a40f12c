import { join } from 'node:path';
import { Client } from 'pg';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { checksumOf, missingMigrations, readMigrations, type AppliedMigration, type Migration } from '../migrations.ts';
import { clientConfig, type RegistryAddress } from './connections.ts';

/** The number of our advisory lock in PostgreSQL: "gwo" as ASCII. */
const lock = 0x67_77_6f;

/**
 * Applies what is missing of `migrations/`, all in one transaction under an advisory lock, so that of several nodes that
 * start at once one does it and a failure leaves nothing behind. Faults: `state_broken` where the registry holds a
 * migration that we do not know (a newer program made it) or that was changed since; `unavailable`.
 */
export async function migrate(
  address: RegistryAddress,
  log: Log,
  migrations: readonly Migration[] = readMigrations(join(import.meta.dirname, 'migrations')),
): Promise<void> {
  const client = new Client({ ...clientConfig(address), connectionTimeoutMillis: 15_000 });
  client.on('error', (error) => log.warn('registry.connection_lost', { error }));
  try {
    await client.connect();
  } catch (cause) {
    throw new Fault('unavailable', { reason: 'the registry is not available: it cannot be reached' }, { cause });
  }
  try {
    await client.query('begin /* registry/migrate */');
    await client.query('select pg_advisory_xact_lock($1) /* registry/migrate */', [lock]);
    await client.query(
      'create table if not exists schema_migrations (name text primary key, checksum text not null, applied_at timestamptz not null default now()) /* registry/migrate */',
    );
    const { rows } = await client.query<AppliedMigration>('select name, checksum from schema_migrations order by name /* registry/migrate */');
    for (const migration of missingMigrations('registry', migrations, rows)) {
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

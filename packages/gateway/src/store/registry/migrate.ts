import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { clientConfig, type RegistryAddress } from './connections.ts';

export interface Migration {
  /** `YYYYMMDDhhmm-what` */
  readonly name: string;
  readonly text: string;
}

/** The number of our advisory lock in PostgreSQL: "gwo" as ASCII. */
const lock = 0x67_77_6f;

/**
 * Applies what is missing of `migrations/`, all in one transaction under an advisory lock, so that of several nodes that
 * start at once one does it and a failure leaves nothing behind. Faults: `state_broken` where the registry holds a
 * migration that we do not know (a newer program made it) or that was changed since; `unavailable`.
 */
export async function migrate(address: RegistryAddress, log: Log, migrations: readonly Migration[] = readMigrations()): Promise<void> {
  const client = new Client({ ...clientConfig(address), connectionTimeoutMillis: 5000 });
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
    const { rows } = await client.query<{ name: string; checksum: string }>(
      'select name, checksum from schema_migrations order by name /* registry/migrate */',
    );
    const missing = missingOf(migrations, rows);
    for (const { name, text } of missing) {
      await client.query(text);
      await client.query('insert into schema_migrations (name, checksum) values ($1, $2) /* registry/migrate */', [name, checksum(text)]);
      log.info('registry.migrated', { migration: name });
    }
    await client.query('commit /* registry/migrate */');
  } finally {
    // Ends an open transaction too.
    await client.end();
  }
}

function missingOf(migrations: readonly Migration[], applied: readonly { readonly name: string; readonly checksum: string }[]): readonly Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const { name, checksum: recorded } of applied) {
    const migration = known.get(name);
    if (!migration) throw broken(`it holds the migration ${name}, which a newer version of the gateway made`);
    if (checksum(migration.text) !== recorded) throw broken(`its migration ${name} is not the one of this version of the gateway`);
  }
  const done = new Set(applied.map(({ name }) => name));
  return migrations.filter(({ name }) => !done.has(name));
}

function broken(reason: string): Fault {
  return new Fault('state_broken', { path: 'of the registry', reason });
}

/** The migrations of this version, oldest first. */
export function readMigrations(): readonly Migration[] {
  const folder = join(import.meta.dirname, 'migrations');
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ name: file.slice(0, -'.sql'.length), text: readFileSync(join(folder, file), 'utf8') }));
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

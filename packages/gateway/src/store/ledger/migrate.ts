import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { z } from 'zod';
import type { Log } from '../../kernel/log.ts';
import { alteredTable, localTable, statementsOf } from './statements.ts';
import { checksumOf, missingMigrations, readMigrations, type Migration } from '../migrations.ts';

const recorded = z.array(z.object({ name: z.string(), checksum: z.string() }));

/**
 * Applies what is missing of `migrations/`, oldest first. ClickHouse has no transactions for tables, so every statement can be
 * repeated: a migration that was cut short, or that two nodes apply at once, ends the same. Faults: `newer_schema` where the
 * ledger holds one that this version cannot work with, `state_broken` where one was changed since.
 */
export async function migrate(
  client: ClickHouseClient,
  cluster: string | null,
  log: Log,
  migrations: readonly Migration[] = readMigrations(join(import.meta.dirname, 'migrations')),
): Promise<void> {
  for (const statement of statementsOf(migrationsTable, cluster)) await client.command({ query: statement });
  const result = await client.query({
    query: '/* ledger/migrate */ SELECT DISTINCT name, checksum FROM ledger_migrations ORDER BY name',
    format: 'JSONEachRow',
  });
  for (const migration of missingMigrations('ledger', migrations, recorded.parse(await result.json()))) {
    for (const statement of statementsOf(migration.text, cluster)) await client.command({ query: statement });
    await client.command({ query: recordMigration(migration) });
    log.info('ledger.migrated', { migration: migration.name });
  }
}

export const migrationsTable =
  "CREATE TABLE IF NOT EXISTS ledger_migrations (name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = {engine:MergeTree} ORDER BY name";

/** Its name is that of a file of ours, and a checksum is hex: there is nothing to quote. */
export function recordMigration(migration: Migration): string {
  return `INSERT INTO ledger_migrations (name, checksum) SELECT '${migration.name}', '${checksumOf(migration)}'`;
}

/** Table → the column that says how old a row is, and after how many days it is forgotten. */
export type Retention = Readonly<Record<string, readonly [column: string, days: number]>>;

/** Makes tables forget what is older; parts that are wholly older are dropped in the background. */
export async function keepRetention(client: ClickHouseClient, cluster: string | null, retention: Retention, log: Log): Promise<void> {
  for (const [table, [column, days]] of Object.entries(retention)) {
    const ttl = `toDateTime(${column}) + toIntervalDay(${days})`;
    const result = await client.query({
      query:
        '/* ledger/retention */ SELECT position(engine_full, {kept:String}) > 0 AS kept FROM system.tables WHERE database = currentDatabase() AND name = {table:String}',
      query_params: { kept: `TTL ${ttl} `, table: localTable(table, cluster) },
      format: 'JSONEachRow',
    });
    const [found] = z.array(z.object({ kept: z.coerce.boolean() })).parse(await result.json());
    if (found?.kept === true) continue;
    await client.command({ query: `/* ledger/retention */ ALTER TABLE ${alteredTable(table, cluster)} MODIFY TTL ${ttl}` });
    log.info('ledger.retention', { table, days });
  }
}

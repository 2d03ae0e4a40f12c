import { join } from 'node:path';
import { readMigrations } from '../migrations.ts';
import { migrationsTable, recordMigration } from './migrate.ts';
import { statementsOf } from './statements.ts';

/** Every statement that makes the ledger on a cluster, as `gateway start` would run them with `CLICKHOUSE_CLUSTER`. */
export function renderClusterDdl(cluster: string): string {
  const migrations = readMigrations(join(import.meta.dirname, 'migrations'));
  const parts = migrations.map((migration) => [`-- ${migration.name}`, ...statementsOf(migration.text, cluster), recordMigration(migration)].join(';\n'));
  return `${[...statementsOf(migrationsTable, cluster), ...parts].join(';\n\n')};\n`;
}

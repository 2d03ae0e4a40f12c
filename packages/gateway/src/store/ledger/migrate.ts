import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { z } from 'zod';
import type { Log } from '../../kernel/log.ts';
import { checksumOf, missingMigrations, readMigrations, type Migration } from '../migrations.ts';

const recorded = z.array(z.object({ name: z.string(), checksum: z.string() }));

/**
 * Applies what is missing of `migrations/`, oldest first. ClickHouse has no transactions for tables, so every statement can be
 * repeated: a migration that was cut short, or that two nodes apply at once, ends the same. Faults: `state_broken` where the
 * ledger holds a migration that we do not know (a newer program made it) or that was changed since.
 */
export async function migrate(
  client: ClickHouseClient,
  log: Log,
  migrations: readonly Migration[] = readMigrations(join(import.meta.dirname, 'migrations')),
): Promise<void> {
  await client.command({
    query: `/* ledger/migrate */ CREATE TABLE IF NOT EXISTS ledger_migrations (name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = ${engines.MergeTree} ORDER BY name`,
  });
  const result = await client.query({
    query: '/* ledger/migrate */ SELECT DISTINCT name, checksum FROM ledger_migrations ORDER BY name',
    format: 'JSONEachRow',
  });
  for (const migration of missingMigrations('ledger', migrations, recorded.parse(await result.json()))) {
    const { name, text } = migration;
    for (const statement of statementsOf(text)) await client.command({ query: statement });
    await client.command({
      query: '/* ledger/migrate */ INSERT INTO ledger_migrations (name, checksum) SELECT {name:String}, {checksum:String}',
      query_params: { name, checksum: checksumOf(migration) },
    });
    log.info('ledger.migrated', { migration: name });
  }
}

/** Table → the column that says how old a row is, and after how many days it is forgotten. */
export type Retention = Readonly<Record<string, readonly [column: string, days: number]>>;

/** Makes tables forget what is older; parts that are wholly older are dropped in the background. */
export async function keepRetention(client: ClickHouseClient, retention: Retention, log: Log): Promise<void> {
  for (const [table, [column, days]] of Object.entries(retention)) {
    const ttl = `toDateTime(${column}) + toIntervalDay(${days})`;
    const result = await client.query({
      query:
        '/* ledger/retention */ SELECT position(engine_full, {kept:String}) > 0 AS kept FROM system.tables WHERE database = currentDatabase() AND name = {table:String}',
      query_params: { kept: `TTL ${ttl} `, table },
      format: 'JSONEachRow',
    });
    const [found] = z.array(z.object({ kept: z.coerce.boolean() })).parse(await result.json());
    if (found?.kept === true) continue;
    await client.command({ query: `/* ledger/retention */ ALTER TABLE ${table} MODIFY TTL ${ttl}` });
    log.info('ledger.retention', { table, days });
  }
}

/** `{engine:Name}` in a migration: where a cluster needs another engine, it is named here and nowhere else. */
const engines: Readonly<Record<string, string>> = { MergeTree: 'MergeTree' };

function statementsOf(text: string): readonly string[] {
  const code = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('--'))
    .join('\n')
    .replace(/\{engine:(\w+)\}/g, (_, name: string) => {
      const engine = engines[name];
      if (engine === undefined) throw new Error(`no engine ${name}`);
      return engine;
    });
  return code
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

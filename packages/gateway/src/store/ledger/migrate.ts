import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { z } from 'zod';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';

export interface Migration {
  /** `YYYYMMDDhhmm-what` */
  readonly name: string;
  readonly text: string;
}

const recorded = z.array(z.object({ name: z.string(), checksum: z.string() }));

/**
 * Applies what is missing of `migrations/`, oldest first. ClickHouse has no transactions for tables, so every statement can be
 * repeated: a migration that was cut short, or that two nodes apply at once, ends the same. Faults: `state_broken` where the
 * ledger holds a migration that we do not know (a newer program made it) or that was changed since.
 */
export async function migrate(client: ClickHouseClient, log: Log, migrations: readonly Migration[] = readMigrations()): Promise<void> {
  await client.command({
    query: `/* ledger/migrate */ CREATE TABLE IF NOT EXISTS ledger_migrations (name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = ${engines.MergeTree} ORDER BY name`,
  });
  const result = await client.query({
    query: '/* ledger/migrate */ SELECT DISTINCT name, checksum FROM ledger_migrations ORDER BY name',
    format: 'JSONEachRow',
  });
  for (const { name, text } of missingOf(migrations, recorded.parse(await result.json()))) {
    for (const statement of statementsOf(text)) await client.command({ query: statement });
    await client.command({
      query: '/* ledger/migrate */ INSERT INTO ledger_migrations (name, checksum) SELECT {name:String}, {checksum:String}',
      query_params: { name, checksum: checksum(text) },
    });
    log.info('ledger.migrated', { migration: name });
  }
}

/** Makes the table of calls forget rows older than this; parts that are wholly older are dropped in the background. */
export async function keepRetention(client: ClickHouseClient, days: number, log: Log): Promise<void> {
  const result = await client.query({
    query:
      "/* ledger/retention */ SELECT position(engine_full, {ttl:String}) > 0 AS kept FROM system.tables WHERE database = currentDatabase() AND name = 'calls'",
    query_params: { ttl: ` + toIntervalDay(${days}) ` },
    format: 'JSONEachRow',
  });
  const [table] = z.array(z.object({ kept: z.coerce.boolean() })).parse(await result.json());
  if (table?.kept === true) return;
  await client.command({ query: `/* ledger/retention */ ALTER TABLE calls MODIFY TTL toDateTime(started_at) + toIntervalDay(${days})` });
  log.info('ledger.retention', { days });
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

function missingOf(migrations: readonly Migration[], applied: readonly { readonly name: string; readonly checksum: string }[]): readonly Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const { name, checksum: stored } of applied) {
    const migration = known.get(name);
    if (!migration) throw broken(`it holds the migration ${name}, which a newer version of the gateway made`);
    if (checksum(migration.text) !== stored) throw broken(`its migration ${name} is not the one of this version of the gateway`);
  }
  const done = new Set(applied.map(({ name }) => name));
  return migrations.filter(({ name }) => !done.has(name));
}

function broken(reason: string): Fault {
  return new Fault('state_broken', { path: 'of the ledger', reason });
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

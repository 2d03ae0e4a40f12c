import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startLedger, type TestLedger } from '../../../../../test/support/ledger.ts';
import { readMigrations } from '../migrations.ts';
import { alteredTable, statementsOf } from './statements.ts';

const migrations = readMigrations(join(import.meta.dirname, 'migrations'));

describe('a migration', () => {
  let ledger: TestLedger;
  beforeAll(async () => {
    ledger = await startLedger();
  });
  afterAll(() => ledger.end());

  // There is no cluster here: what can be seen is that ClickHouse takes each statement for what it is meant to be.
  test.each(migrations)('$name: every statement for a cluster is one that ClickHouse understands', async ({ text }) => {
    const statements = statementsOf(text, 'main');
    expect(statements.length).toBeGreaterThanOrEqual(statementsOf(text, null).length);
    for (const statement of statements) {
      expect(statement).toContain("ON CLUSTER 'main'");
      // It throws at what is no statement.
      const formatted = await ledger.store.query('SELECT formatQuery({statement:String}) AS text', { statement }, z.object({ text: z.string() }));
      expect(formatted[0]?.text).toMatch(/^(?:CREATE|ALTER) TABLE [\s\S]*ON CLUSTER main/);
    }
  });

  test('D14: what was cut short is applied again: every statement of every migration can be repeated, and changes nothing then', async () => {
    const shape = (): Promise<unknown> =>
      ledger.store.query(
        'SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() ORDER BY name',
        {},
        z.object({ name: z.string(), create_table_query: z.string() }),
      );
    const before = await shape();
    for (const { text } of migrations) for (const statement of statementsOf(text, null)) await ledger.store.command(statement, {});
    expect(await shape()).toEqual(before);
  });
});

test('rows lie in a replicated table on each shard, and one in front of it spreads and gathers them', () => {
  const text = `-- Why: a test.
CREATE TABLE IF NOT EXISTS calls
(
    trace_id FixedString(32)
)
ENGINE = {engine:MergeTree}
ORDER BY trace_id
SETTINGS non_replicated_deduplication_window = 100;
ALTER TABLE calls ADD COLUMN IF NOT EXISTS more String;
ALTER TABLE calls ADD PROJECTION IF NOT EXISTS p (SELECT count());`;
  expect(statementsOf(text, 'main')).toEqual([
    "CREATE TABLE IF NOT EXISTS calls_local ON CLUSTER 'main'\n(\n    trace_id FixedString(32)\n)\nENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')\nORDER BY trace_id\nSETTINGS replicated_deduplication_window = 100",
    "CREATE TABLE IF NOT EXISTS calls ON CLUSTER 'main' AS calls_local ENGINE = Distributed('main', currentDatabase(), calls_local, cityHash64(trace_id))",
    "ALTER TABLE calls_local ON CLUSTER 'main' ADD COLUMN IF NOT EXISTS more String",
    "ALTER TABLE calls ON CLUSTER 'main' ADD COLUMN IF NOT EXISTS more String",
    "ALTER TABLE calls_local ON CLUSTER 'main' ADD PROJECTION IF NOT EXISTS p (SELECT count())",
  ]);
  expect(statementsOf(text, null)).toHaveLength(3);
  expect([alteredTable('calls', null), alteredTable('calls', 'main')]).toEqual(['calls', "calls_local ON CLUSTER 'main'"]);
});

test('a statement that has no form for a cluster is a fault of whoever wrote it, not of the cluster', () => {
  expect(() => statementsOf('DROP TABLE calls', 'main')).toThrow(/no form/);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startLedger, type TestLedger } from '../../../../../test/support/ledger.ts';
import { readSizes } from './sizes.ts';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startLedger();
});
afterAll(() => ledger.end());

test('on a cluster every replica is asked for the parts of the gateway’s own database, and what they have is added up', async () => {
  const nowMs = Date.now();
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const call = { org_id: 'org_default', method: 'tools/call', server: 'search', tool: 'query' };
  await ledger.insert([0, 2].map((days) => ({ ...call, trace_id: String(days).padStart(32, '0'), started_at: BigInt(nowMs - days * 86_400_000) * 1000n })));
  const alone = await readSizes(ledger.store, today);
  // There is no cluster here. ClickHouse answers clusterAllReplicas by what answers remote, with the addresses that the cluster has: one here, twice.
  const replicas = "clusterAllReplicas('main', system.parts)";
  const asked: string[] = [];
  const cluster: Pick<typeof ledger.store, 'cluster' | 'query'> = {
    cluster: 'main',
    query: (sql, parameters, row) => {
      asked.push(sql);
      return ledger.store.query(sql.replace(replicas, "remote('127.0.0.1,127.0.0.1', system.parts)"), parameters, row);
    },
  };
  const together = await readSizes(cluster, today);
  const weighed = asked.filter((sql) => sql.includes(replicas));
  expect([weighed.length, weighed[0]?.includes('currentDatabase()')]).toEqual([1, false]);
  const one = alone.get('traces') ?? { bytes: NaN, recentBytes: NaN };
  expect(one.recentBytes).toBeGreaterThan(0);
  expect(together.get('traces')).toEqual({ bytes: 2 * one.bytes, recentBytes: 2 * one.recentBytes, recentDays: 2 });
});

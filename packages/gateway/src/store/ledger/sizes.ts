import { z } from 'zod';
import type { LedgerStore } from './ledger-store.ts';

const size = z.object({ kept: z.enum(['traces', 'metrics']), bytes: z.coerce.number(), recent_bytes: z.coerce.number(), recent_days: z.coerce.number() });

/** What lies on disk of what is kept for one time; of a cluster on all its nodes. */
export interface LedgerSize {
  readonly bytes: number;
  /** Of whole days that are over, the last week's at most. */
  readonly recentBytes: number;
  readonly recentDays: number;
}

/** `today`: `YYYY-MM-DD`, UTC. Tables of sums that stay for ever are not among them. */
export async function readSizes(ledger: Pick<LedgerStore, 'query' | 'cluster'>, today: string): Promise<ReadonlyMap<'traces' | 'metrics', LedgerSize>> {
  const parts = ledger.cluster === null ? 'system.parts' : `clusterAllReplicas('${ledger.cluster}', system.parts)`;
  // Other servers of a cluster may take currentDatabase() in a filter for their own default.
  const [database] = await ledger.query('/* config/sizes */ SELECT currentDatabase() AS name', {}, z.object({ name: z.string() }));
  // A day of calls is a partition. The proofs of a month are one: they count in all, and are far too small to count by the day.
  const sql = `/* config/sizes */
    SELECT kept, sum(bytes_on_disk) AS bytes,
      sumIf(bytes_on_disk, day >= addDays(toDate({today:String}), -7) AND day < toDate({today:String})) AS recent_bytes,
      least(7, greatest(0, dateDiff('day', minIf(day, isNotNull(day)), toDate({today:String})))) AS recent_days
    FROM (
      SELECT replaceRegexpOne(table, '_local$', '') AS of,
        multiIf(of IN ('calls', 'payloads', 'counted_tokens', 'call_chain'), 'traces', of IN ('calls_by_minute', 'calls_by_day'), 'metrics', '') AS kept,
        if(match(partition, '^\\\\d{4}-\\\\d{2}-\\\\d{2}$'), toDateOrNull(partition), NULL) AS day, bytes_on_disk
      FROM ${parts} WHERE active AND database = {database:String}
    )
    WHERE kept != '' GROUP BY kept`;
  const rows = await ledger.query(sql, { today, database: database?.name ?? '' }, size);
  return new Map(rows.map((row) => [row.kept, { bytes: row.bytes, recentBytes: row.recent_bytes, recentDays: row.recent_days }]));
}

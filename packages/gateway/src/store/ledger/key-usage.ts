import { z } from 'zod';
import type { LedgerStore } from './ledger-store.ts';
import { costArms, sealedIn, viewRollup } from './rollups.ts';

export interface KeyUsageRow {
  /** Milliseconds since the epoch. */
  readonly lastUsedMs: number;
  readonly calls: number;
  /** Nano-dollars. */
  readonly costNano: bigint;
}

const row = z.object({ key: z.string(), calls: z.coerce.number(), last_used_ms: z.coerce.number(), cost_nano: z.coerce.bigint() });

/** Seconds since the epoch that ClickHouse's DateTime can hold. */
const endOfTimeMs = 0xffff_fffe * 1000;

/**
 * What each of the keys was used for; a key that was never used is not in the map. Tool calls and costs are of all time: days whose calls are
 * forgotten are read from `costs_by_day`. Other requests are counted for as long as the ledger keeps them, and when a key was used last
 * is known to the day beyond that.
 */
export async function readKeyUsage(
  ledger: Pick<LedgerStore, 'query'>,
  organizationId: string,
  keyIds: readonly string[],
): Promise<ReadonlyMap<string, KeyUsageRow>> {
  if (keyIds.length === 0) return new Map();
  const days = await viewRollup(ledger, 'day', 0, endOfTimeMs);
  const where = 'org_id = {org:String} AND key_id IN {keys:Array(String)}';
  const arms = [
    `SELECT key_id, toDateTime64(toDateTime(max(day), 'UTC'), 6, 'UTC') AS used_at, sum(calls) AS made, sum(cost) AS spent
      FROM costs_by_day WHERE ${where} AND ${sealedIn('day', days, "toStartOfDay(day, 'UTC')")} GROUP BY key_id`,
    // Tool calls are in the sums already.
    `SELECT key_id, max(started_at) AS used_at, countIf(method != 'tools/call') AS made, toDecimal128(0, 9) AS spent FROM calls WHERE ${where} GROUP BY key_id`,
  ];
  if (days.fromSources.length > 0) {
    const unsealed = `toDate(started_at) IN (${days.fromSources.map((seconds) => `toDate(${seconds / 86_400})`).join(', ')})`;
    for (const arm of costArms(['key_id'], `${where} AND ${unsealed}`))
      arms.push(`SELECT key_id, toDateTime64(toDateTime(day, 'UTC'), 6, 'UTC') AS used_at, sum_calls AS made, sum_cost AS spent FROM (${arm})`);
  }
  const sql = `/* keys/usage */
    SELECT
      toString(key_id) AS key,
      sum(made) AS calls,
      toUnixTimestamp64Milli(toDateTime64(max(used_at), 3, 'UTC')) AS last_used_ms,
      toString(toInt128(sum(spent) * 1000000000)) AS cost_nano
    FROM (${arms.join(' UNION ALL ')})
    GROUP BY key_id`;
  const rows = await ledger.query(sql, { org: organizationId, keys: keyIds }, row);
  return new Map(rows.map(({ key, calls, last_used_ms, cost_nano }) => [key, { lastUsedMs: last_used_ms, calls, costNano: cost_nano }]));
}

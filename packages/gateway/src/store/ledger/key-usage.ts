import { z } from 'zod';
import type { LedgerStore } from './ledger-store.ts';

export interface KeyUsageRow {
  /** Milliseconds since the epoch. */
  readonly lastUsedMs: number;
  readonly calls: number;
  /** Nano-dollars. */
  readonly costNano: bigint;
}

const row = z.object({ key: z.string(), calls: z.coerce.number(), last_used_ms: z.coerce.number(), cost_nano: z.coerce.bigint() });

/** What each of the keys was used for, as far back as the ledger goes; a key that was never used is not in the map. */
export async function readKeyUsage(
  ledger: Pick<LedgerStore, 'query'>,
  organizationId: string,
  keyIds: readonly string[],
): Promise<ReadonlyMap<string, KeyUsageRow>> {
  if (keyIds.length === 0) return new Map();
  const sql = `/* keys/usage */
    SELECT
      toString(key_id) AS key,
      count() AS calls,
      toUnixTimestamp64Milli(toDateTime64(max(started_at), 3, 'UTC')) AS last_used_ms,
      toString(toInt128(sum(cost) * 1000000000)) AS cost_nano
    FROM calls
    WHERE org_id = {org:String} AND key_id IN {keys:Array(String)}
    GROUP BY key_id`;
  const rows = await ledger.query(sql, { org: organizationId, keys: keyIds }, row);
  return new Map(rows.map(({ key, calls, last_used_ms, cost_nano }) => [key, { lastUsedMs: last_used_ms, calls, costNano: cost_nano }]));
}

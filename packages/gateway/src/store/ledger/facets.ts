import { z } from 'zod';
import type { LedgerStore } from './ledger-store.ts';
import { callsOf, type Selection } from './selection.ts';

/** What calls are counted by: fields of the query language, and their columns. */
const facetColumns = {
  status: 'status',
  server: 'server',
  tool: 'tool',
  agent: 'agent',
  user: 'user_id',
  team: 'team_id',
  key: 'key_id',
  client: 'client_name',
  code: 'fault_code',
  policy: 'policy',
  method: 'method',
  env: 'environment',
} as const;

export type FacetName = keyof typeof facetColumns;

const facetRow = z.object({ facet: z.string(), value: z.string(), calls: z.coerce.number() });
export type FacetRow = z.infer<typeof facetRow>;

/** The `limit` most frequent values of each facet among the calls of a selection, most frequent first. */
export function listFacets(ledger: Pick<LedgerStore, 'query'>, selection: Selection, facets: readonly FacetName[], limit: number): Promise<FacetRow[]> {
  const { where, parameters } = callsOf(selection);
  const parts = facets.map(
    (facet) =>
      `SELECT '${facet}' AS facet, value, calls FROM (SELECT toString(${facetColumns[facet]}) AS value, count() AS calls FROM calls WHERE ${where} GROUP BY value ORDER BY calls DESC, value LIMIT {limit:UInt32})`,
  );
  const sql = `/* traces/facets */ SELECT facet, value, calls FROM (${parts.join('\nUNION ALL\n')}) ORDER BY facet, calls DESC, value`;
  return ledger.query(sql, { ...parameters, limit }, facetRow);
}

const bucketRow = z.object({ bucket: z.coerce.number(), outcome: z.string(), calls: z.coerce.number() });
export type BucketRow = z.infer<typeof bucketRow>;

/** Calls of a selection by outcome in buckets of `widthUs`, counted from the epoch; buckets without calls are left out. */
export function listBuckets(ledger: Pick<LedgerStore, 'query'>, selection: Selection, widthUs: bigint): Promise<BucketRow[]> {
  const { where, parameters } = callsOf(selection);
  const sql = `/* traces/histogram */
    SELECT intDiv(toUnixTimestamp64Micro(started_at), {width:Int64}) AS bucket, toString(status) AS outcome, count() AS calls
    FROM calls
    WHERE ${where}
    GROUP BY bucket, outcome
    ORDER BY bucket, outcome`;
  return ledger.query(sql, { ...parameters, width: String(widthUs) }, bucketRow);
}

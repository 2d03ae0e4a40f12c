import { z } from 'zod';
import { bounds } from '../../kernel/bounds.ts';
import type { LedgerStore } from './ledger-store.ts';
import { inWindow, windowParameters, type Selection } from './selection.ts';

export interface PolicyUseRow {
  readonly calls: number;
  /** Milliseconds since the epoch. */
  readonly lastMs: number;
}

const row = z.object({ policy: z.string(), calls: z.coerce.number(), last_ms: z.coerce.number() });

/** By name of the rule: how many calls it decided in a window, and when the last of them began. One that decided none is not in the map. */
export async function readPolicyUse(
  ledger: Pick<LedgerStore, 'query'>,
  window: Pick<Selection, 'organizationId' | 'startUs' | 'endUs'>,
): Promise<ReadonlyMap<string, PolicyUseRow>> {
  const sql = `/* policies/use */
    SELECT toString(policy) AS policy, count() AS calls, toUnixTimestamp64Milli(max(started_at)) AS last_ms
    FROM calls WHERE ${inWindow} AND policy != ''
    GROUP BY policy ORDER BY calls DESC, policy LIMIT {policies:UInt32}`;
  const rows = await ledger.query(sql, { ...windowParameters(window), policies: bounds.policiesMax }, row);
  return new Map(rows.map(({ policy, calls, last_ms: lastMs }) => [policy, { calls, lastMs }]));
}

import { z } from 'zod';
import type { LedgerStore } from './ledger-store.ts';
import { sealedIn, viewRollup } from './rollups.ts';

/** Milliseconds since the epoch. */
export interface AgentUseRow {
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

const row = z.object({ agent: z.string(), kept: z.coerce.number(), first_ms: z.coerce.number(), last_ms: z.coerce.number() });

/** Seconds since the epoch that ClickHouse's DateTime can hold. */
const endOfTimeMs = 0xffff_fffe * 1000;
const dayMs = 86_400_000;

/** When each of the agents called first and last; one that never did is not in the map. Of calls that are forgotten the day is known. */
export async function readAgentUse(
  ledger: Pick<LedgerStore, 'query'>,
  organizationId: string,
  agents: readonly string[],
): Promise<ReadonlyMap<string, AgentUseRow>> {
  if (agents.length === 0) return new Map();
  const days = await viewRollup(ledger, 'day', 0, endOfTimeMs);
  const where = 'org_id = {org:String} AND agent IN {agents:Array(String)}';
  const sql = `/* agents/use */
    SELECT toString(agent) AS agent, 1 AS kept, toUnixTimestamp64Milli(min(started_at)) AS first_ms, toUnixTimestamp64Milli(max(started_at)) AS last_ms
    FROM calls WHERE ${where} GROUP BY agent
    UNION ALL
    SELECT toString(agent) AS agent, 0 AS kept, toUnixTimestamp(toDateTime(min(day), 'UTC')) * 1000 AS first_ms, toUnixTimestamp(toDateTime(max(day), 'UTC')) * 1000 AS last_ms
    FROM costs_by_day WHERE ${where} AND ${sealedIn('day', days, "toStartOfDay(day, 'UTC')")} GROUP BY agent`;
  const rows = await ledger.query(sql, { org: organizationId, agents }, row);
  const use = new Map<string, AgentUseRow>();
  // Calls that are kept first: of a day that they are of they know the moment.
  for (const { agent, first_ms: firstMs, last_ms: lastMs } of rows.toSorted((a, b) => b.kept - a.kept)) {
    const known = use.get(agent);
    use.set(
      agent,
      known === undefined
        ? { firstSeenMs: firstMs, lastSeenMs: lastMs }
        : {
            firstSeenMs: firstMs < startOfDay(known.firstSeenMs) ? firstMs : known.firstSeenMs,
            lastSeenMs: lastMs > known.lastSeenMs ? lastMs : known.lastSeenMs,
          },
    );
  }
  return use;
}

function startOfDay(ms: number): number {
  return ms - (ms % dayMs);
}

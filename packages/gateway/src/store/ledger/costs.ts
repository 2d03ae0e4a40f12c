import { z } from 'zod';
import type { LedgerStore } from './ledger-store.ts';

export interface CostSummaryInput {
  readonly organizationId: string;
  /** `YYYY-MM-DD`, UTC, both included. */
  readonly startDate: string;
  readonly endDate: string;
  readonly groupBy: CostGroup;
  /** Costs in other currencies are not added up with these. */
  readonly currency: string;
  readonly limit: number;
}

export type CostGroup = 'day' | 'week' | 'month' | 'team' | 'user' | 'server' | 'tool' | 'agent' | 'key';

/** Periods run forward in time; everything else begins with what cost most. */
const groups: Readonly<Record<CostGroup, { readonly expression: string; readonly order: string }>> = {
  day: { expression: 'toString(toDate(started_at))', order: 'group_name' },
  // Weeks begin on Monday (ISO 8601) and are named by it.
  week: { expression: 'toString(toMonday(started_at))', order: 'group_name' },
  month: { expression: "formatDateTime(started_at, '%Y-%m')", order: 'group_name' },
  team: { expression: 'toString(team_id)', order: 'group_cost DESC, group_name' },
  user: { expression: 'toString(user_id)', order: 'group_cost DESC, group_name' },
  server: { expression: 'toString(server)', order: 'group_cost DESC, group_name' },
  tool: { expression: "concat(toString(server), '/', tool)", order: 'group_cost DESC, group_name' },
  agent: { expression: 'toString(agent)', order: 'group_cost DESC, group_name' },
  key: { expression: 'toString(key_id)', order: 'group_cost DESC, group_name' },
};

const row = z.object({
  group_name: z.string(),
  cost: z.string(),
  calls: z.coerce.number(),
  total_cost: z.string(),
  total_calls: z.coerce.number(),
});
export type CostRow = z.infer<typeof row>;

/** Priced calls and their costs by group, at most `limit`, each row with the totals of all groups. Costs are exact decimals. */
export function listCosts(ledger: Pick<LedgerStore, 'query'>, input: CostSummaryInput): Promise<CostRow[]> {
  const { expression, order } = groups[input.groupBy];
  const sql = `/* costs/summary */
    SELECT group_name, toString(group_cost) AS cost, group_calls AS calls, toString(all_cost) AS total_cost, all_calls AS total_calls
    FROM
    (
      SELECT group_name, group_cost, group_calls, sum(group_cost) OVER () AS all_cost, sum(group_calls) OVER () AS all_calls
      FROM
      (
        SELECT ${expression} AS group_name, sum(cost) AS group_cost, count() AS group_calls
        FROM calls
        WHERE org_id = {org:String}
          AND started_at >= toDateTime64({start:String}, 6, 'UTC') AND started_at < toDateTime64({end:String}, 6, 'UTC') + INTERVAL 1 DAY
          AND priced_by != '' AND currency = {currency:String}
        GROUP BY group_name
      )
    )
    ORDER BY ${order}
    LIMIT {limit:UInt32}`;
  return ledger.query(sql, { org: input.organizationId, start: input.startDate, end: input.endDate, currency: input.currency, limit: input.limit }, row);
}

import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { CostGroup } from '../../store/ledger/costs.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';

export interface CostQuery {
  /** `YYYY-MM-DD`, UTC, both included. */
  readonly startDate: string;
  readonly endDate: string;
  readonly groupBy: CostGroup;
  /** Null: the currency of the price list. */
  readonly currency: string | null;
}

export interface CostSummary {
  readonly currency: string;
  /** Exact decimals. */
  readonly totalCost: string;
  /** Calls that have a price, be it zero. */
  readonly totalCalls: number;
  readonly groups: readonly { readonly group: string; readonly cost: string; readonly calls: number }[];
  /** There are more groups; the totals count them too. */
  readonly truncated: boolean;
}

/** What calls of a period cost, by group. Faults: `invalid_params`, `unavailable`. */
export async function summarizeCosts(context: Pick<ControlContext, 'ledger' | 'organizationId' | 'config'>, query: CostQuery): Promise<CostSummary> {
  const days = (Date.parse(query.endDate) - Date.parse(query.startDate)) / 86_400_000 + 1;
  if (!(days >= 1)) throw new Fault('invalid_params', { reason: 'start_date must not lie after end_date' });
  if (days > bounds.costPeriodDaysMax) throw new Fault('invalid_params', { reason: `a period has at most ${bounds.costPeriodDaysMax} days` });
  if (query.startDate < '1970-01-01' || query.endDate >= '2200-01-01') throw new Fault('invalid_params', { reason: 'dates lie between 1970 and 2199' });
  const currency = query.currency ?? context.config.pricing.currency;
  const rows = await requireLedger(context).listCosts({
    organizationId: context.organizationId,
    startDate: query.startDate,
    endDate: query.endDate,
    groupBy: query.groupBy,
    currency,
    filter: {},
    limit: bounds.costGroupsMax + 1,
  });
  const [first] = rows;
  return {
    currency,
    totalCost: first?.total_cost ?? '0',
    totalCalls: first?.total_calls ?? 0,
    groups: rows.slice(0, bounds.costGroupsMax).map(({ group_name, cost, calls }) => ({ group: group_name, cost, calls })),
    truncated: rows.length > bounds.costGroupsMax,
  };
}

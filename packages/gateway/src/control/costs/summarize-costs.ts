import { bounds } from '../../kernel/bounds.ts';
import { nanoOf } from '../../kernel/nano.ts';
import type { CostFilter, CostGroup, CostRow } from '../../store/ledger/costs.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { dateOf, periodBefore, requirePeriod, type CostPeriod } from './cost-period.ts';

export interface CostQuery extends CostPeriod {
  readonly groupBy: CostGroup;
  /** Null: the currency of the price list. */
  readonly currency: string | null;
  readonly filter: CostFilter;
  /** With the period before. */
  readonly compare: boolean;
}

export interface CostFigures {
  /** Exact decimal. */
  readonly cost: string;
  /** Tool calls that ran. */
  readonly calls: number;
  /** Those among them for which the price list has no price. */
  readonly unpricedCalls: number;
  readonly errors: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface CostBefore extends CostPeriod {
  readonly cost: string;
  readonly calls: number;
  readonly changePercent: number | null;
}

export interface CostSummary {
  readonly currency: string;
  readonly total: CostFigures;
  /** Null where it was not asked for. */
  readonly before: CostBefore | null;
  readonly groups: readonly CostGroupRow[];
  /** There are more groups; the totals count them too. */
  readonly truncated: boolean;
}

export interface CostGroupRow extends CostFigures {
  readonly group: string;
  /** In the period before; null where that was not asked for, or groups are periods themselves. */
  readonly costBefore: string | null;
  readonly changePercent: number | null;
}

/** What calls of a period cost, by group. Faults: `invalid_params`, `unavailable`. */
export async function summarizeCosts(context: Pick<ControlContext, 'ledger' | 'organizationId' | 'prices' | 'clock'>, query: CostQuery): Promise<CostSummary> {
  requirePeriod(query);
  const currency = query.currency ?? context.prices.served().list.currency;
  const ledger = requireLedger(context);
  const list = ({ startDate, endDate }: CostPeriod): Promise<readonly CostRow[]> =>
    ledger.listCosts({
      organizationId: context.organizationId,
      startDate,
      endDate,
      groupBy: query.groupBy,
      currency,
      filter: query.filter,
      limit: bounds.costGroupsMax + 1,
    });
  const rows = await list(query);
  const earlier = query.compare ? periodBefore(query, dateOf(context.clock.nowMs())) : null;
  const rowsBefore = earlier === null ? null : await list(earlier);
  const total = totalOf(rows);
  const totalBefore = rowsBefore && totalOf(rowsBefore);
  const isTime = query.groupBy === 'day' || query.groupBy === 'week' || query.groupBy === 'month';
  const costsBefore = isTime ? null : rowsBefore && new Map(rowsBefore.map(({ group_name, cost }) => [group_name, cost]));
  return {
    currency,
    total,
    before: earlier &&
      totalBefore && { ...earlier, cost: totalBefore.cost, calls: totalBefore.calls, changePercent: changePercent(totalBefore.cost, total.cost) },
    groups: rows.slice(0, bounds.costGroupsMax).map((row): CostGroupRow => {
      // Beyond the bound it is not known, and nothing is said of it.
      const costBefore = costsBefore && (costsBefore.get(row.group_name) ?? (costsBefore.size > bounds.costGroupsMax ? null : '0'));
      return { group: row.group_name, ...figuresOf(row), costBefore, changePercent: costBefore === null ? null : changePercent(costBefore, row.cost) };
    }),
    truncated: rows.length > bounds.costGroupsMax,
  };
}

/** In percent with one decimal; null where there was nothing to compare with. */
export function changePercent(before: string, now: string): number | null {
  const [from, to] = [nanoOf(before), nanoOf(now)];
  return from === 0n ? null : Number(((to - from) * 1000n) / from) / 10;
}

function figuresOf(row: CostRow): CostFigures {
  return {
    cost: row.cost,
    calls: row.calls,
    unpricedCalls: row.unpriced_calls,
    errors: row.errors,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
  };
}

function totalOf([first]: readonly CostRow[]): CostFigures {
  return {
    cost: first?.total_cost ?? '0',
    calls: first?.total_calls ?? 0,
    unpricedCalls: first?.total_unpriced_calls ?? 0,
    errors: first?.total_errors ?? 0,
    inputTokens: first?.total_input_tokens ?? 0,
    outputTokens: first?.total_output_tokens ?? 0,
  };
}

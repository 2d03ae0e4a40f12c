import { bounds } from '../../kernel/bounds.ts';
import { nanoOf, nanoText, scaleNano } from '../../kernel/nano.ts';
import type { CostFilter } from '../../store/ledger/costs.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { addDays, dateOf, daysOf, periodBefore, requirePeriod, type CostPeriod } from './cost-period.ts';
import { projectCosts } from './project-costs.ts';
import { changePercent, type CostBefore } from './summarize-costs.ts';

export interface TrendQuery extends CostPeriod {
  /** Null: the currency of the price list. */
  readonly currency: string | null;
  readonly filter: CostFilter;
}

export interface CostTrend {
  readonly currency: string;
  readonly cost: string;
  readonly calls: number;
  readonly unpricedCalls: number;
  readonly before: CostBefore;
  /** Exact decimals; null where the period is over, or nothing is known to judge by. */
  readonly projection: {
    readonly cost: string;
    readonly low: string;
    readonly high: string;
    readonly daysAveraged: number;
    readonly daysSpread: number;
  } | null;
  /** Every day up to today, also one without a call. */
  readonly days: readonly { readonly date: string; readonly cost: string; readonly calls: number; readonly meanOf7: string }[];
}

const averagedDays = 7;
/** Days that say how much days differ: each weekday four times. */
const spreadDays = 28;

/** How costs went by day, where the period will end, and how that compares to the period before. Faults: `invalid_params`, `unavailable`. */
export async function trendCosts(context: Pick<ControlContext, 'ledger' | 'organizationId' | 'prices' | 'clock'>, query: TrendQuery): Promise<CostTrend> {
  requirePeriod(query);
  const { startDate, endDate, filter } = query;
  const currency = query.currency ?? context.prices.served().list.currency;
  const today = dateOf(context.clock.nowMs());
  const earlier = periodBefore(query, today);
  const firstDate = [earlier.startDate, addDays(startDate, 1 - averagedDays), addDays(today, -spreadDays)].reduce((one, other) => (one < other ? one : other));
  const rows = await requireLedger(context).listCosts({
    organizationId: context.organizationId,
    startDate: firstDate,
    endDate: endDate > today ? endDate : today,
    groupBy: 'day',
    currency,
    filter,
    limit: 2 * bounds.costPeriodDaysMax + 366,
  });
  const byDay = new Map(rows.map((row) => [row.group_name, row]));
  const nanoAt = (date: string): bigint => nanoOf(byDay.get(date)?.cost ?? '0');
  const sumOf = (days: readonly string[]): bigint => days.reduce((sum, date) => sum + nanoAt(date), 0n);
  const countOf = (days: readonly string[], of: 'calls' | 'unpriced_calls'): number => days.reduce((sum, date) => sum + (byDay.get(date)?.[of] ?? 0), 0);

  const dates = datesOf(query);
  const known = dates.filter((date) => date <= today || byDay.has(date));
  const before = datesOf(earlier);
  const [cost, costBefore] = [nanoText(sumOf(dates)), nanoText(sumOf(before))];
  const firstCall = rows[0]?.group_name ?? today;
  const last = Array.from({ length: spreadDays }, (_, index) => addDays(today, index - spreadDays)).filter((date) => date >= firstCall);
  const projection = projectCosts({
    doneNano: sumOf(dates.filter((date) => date < today)),
    todayNano: startDate <= today && today <= endDate ? nanoAt(today) : null,
    daysAhead: dates.filter((date) => date > today).length,
    lastNano: last.slice(-averagedDays).map(nanoAt),
    spreadNano: last.map(nanoAt),
  });
  return {
    currency,
    cost,
    calls: countOf(dates, 'calls'),
    unpricedCalls: countOf(dates, 'unpriced_calls'),
    before: { ...earlier, cost: costBefore, calls: countOf(before, 'calls'), changePercent: changePercent(costBefore, cost) },
    projection: projection && {
      cost: nanoText(projection.nano),
      low: nanoText(projection.lowNano),
      high: nanoText(projection.highNano),
      daysAveraged: projection.daysAveraged,
      daysSpread: projection.daysSpread,
    },
    days: known.map((date) => ({
      date,
      cost: nanoText(nanoAt(date)),
      calls: byDay.get(date)?.calls ?? 0,
      meanOf7: nanoText(scaleNano(sumOf(datesOf({ startDate: addDays(date, 1 - averagedDays), endDate: date })), 1n, BigInt(averagedDays))),
    })),
  };
}

function datesOf(period: CostPeriod): readonly string[] {
  return Array.from({ length: daysOf(period) }, (_, index) => addDays(period.startDate, index));
}

import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';

const dayMs = 86_400_000;

/** Whole days, `YYYY-MM-DD`, UTC, both included. */
export interface CostPeriod {
  readonly startDate: string;
  readonly endDate: string;
}

/** Faults: `invalid_params`. */
export function requirePeriod({ startDate, endDate }: CostPeriod): void {
  const days = daysOf({ startDate, endDate });
  if (!(days >= 1)) throw new Fault('invalid_params', { reason: 'start_date must not lie after end_date' });
  if (days > bounds.costPeriodDaysMax) throw new Fault('invalid_params', { reason: `a period has at most ${bounds.costPeriodDaysMax} days` });
  if (startDate < '1970-01-01' || endDate >= '2100-01-01') throw new Fault('invalid_params', { reason: 'dates lie between 1970 and 2099' });
}

export function daysOf({ startDate, endDate }: CostPeriod): number {
  return (Date.parse(endDate) - Date.parse(startDate)) / dayMs + 1;
}

/** As many days, right before; of a period that is not over, as many as have begun. */
export function periodBefore(period: CostPeriod, today: string): CostPeriod {
  const begun = period.startDate <= today && today < period.endDate ? { ...period, endDate: today } : period;
  const endDate = addDays(period.startDate, -1);
  return { startDate: addDays(endDate, 1 - daysOf(begun)), endDate };
}

export function addDays(date: string, days: number): string {
  // Before 1970 there was nothing.
  return dateOf(Math.max(0, Date.parse(date) + days * dayMs));
}

export function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

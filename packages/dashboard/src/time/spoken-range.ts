/** A range of time as people write it: `yesterday`, `last friday 14:00 to 16:00`, `since monday`, `march`. Loaded when somebody writes one. */
import type { ParsedComponents, ParsedResult } from 'chrono-node';
import { parse } from 'chrono-node/en';
import type { Appearance } from '../app/appearance.ts';

type Zone = Appearance['zone'];
export type SpokenRange = { readonly from: string; readonly to: string } | { readonly problem: string };

const day = 86_400_000;
/** Words around a time that say no more than it does. */
const around = /^(?:since|from|after|between|in|on|the|until now)?$/i;
const examples = 'yesterday, last friday 14:00 to 16:00, since monday, nov 3 - nov 5';

/** What was: a time that lies ahead is the last of its kind, where it says no year or day; the end is now at most. */
export function readSpokenRange(text: string, zone: Zone, now: number): SpokenRange {
  const found = parse(text, zone === 'utc' ? { instant: new Date(now), timezone: 0 } : new Date(now));
  const [result] = found;
  const rest = result === undefined ? '' : `${text.slice(0, result.index)}${text.slice(result.index + result.text.length)}`.trim();
  if (result === undefined || found.length > 1 || !around.test(rest)) return { problem: `Not understood. Try: ${examples}, 90m, 14d.` };
  const isOpen = /^(?:since|after)$/i.test(rest) || isUntilNow(result);
  const begin = edge(result.start, zone, 0);
  const end = isOpen ? now : edge(result.end ?? result.start, zone, 1);
  const back = begin > now ? stepBack(result.start) : () => 0;
  const [from, to] = [begin - back(begin), Math.min(isOpen ? now : end - back(end), now)];
  if (from >= now) return { problem: 'That is in the future: nothing is recorded yet.' };
  if (from >= to) return { problem: 'The end must be after the beginning.' };
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

/** `last week`, `2 hours ago` and `14:00` begin there. */
function isUntilNow({ start, end }: ParsedResult): boolean {
  if (end !== null && end !== undefined) return false;
  const names = ['month', 'day', 'weekday'] as const;
  return start.tags().has('result/relativeDate') || start.isCertain('hour') || !names.some((name) => start.isCertain(name));
}

/** The moment that is named, or where the day or the month that is named begins (0) or ends (1). */
function edge(time: ParsedComponents, zone: Zone, which: 0 | 1): number {
  if (time.isCertain('hour') || time.tags().has('result/relativeDate')) return time.date().getTime();
  const [year, month, date] = [time.get('year') ?? 0, (time.get('month') ?? 1) - 1, time.get('day') ?? 1];
  const isMonth = !time.isCertain('day') && !time.isCertain('weekday') && time.isCertain('month');
  const at = isMonth ? ([year, month + which, 1] as const) : ([year, month, date + which] as const);
  return zone === 'utc' ? Date.UTC(...at) : new Date(...at).getTime();
}

/** To the last of its kind. */
function stepBack(time: ParsedComponents): (at: number) => number {
  if (time.isCertain('year')) return () => 0;
  if (time.isCertain('weekday')) return () => 7 * day;
  if (!time.isCertain('month')) return () => day;
  return (at) => at - new Date(at).setUTCFullYear(new Date(at).getUTCFullYear() - 1);
}

import { parseDuration } from '../config/quantities.ts';
import { Fault } from '../kernel/fault.ts';

/**
 * Milliseconds of a time as people write it: a duration counted from now (`direction` 1: ahead, -1: ago), `now`, a date
 * (midnight UTC) or an ISO 8601 time; without a zone it is UTC. Faults: `usage`, naming the option.
 */
export function parseWhen(text: string, nowMs: number, direction: 1 | -1, option: string): number {
  if (text === 'now') return nowMs;
  const duration = parseDuration(text);
  if (duration !== null) return within(nowMs + direction * duration, text, option);
  const match = /^\d{4}-\d{2}-\d{2}(?<time>T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?<zone>Z|[+-]\d{2}:\d{2})?)?$/.exec(text);
  if (match === null) throw unknownTime(text, option);
  return within(Date.parse(match.groups?.['time'] !== undefined && match.groups['zone'] === undefined ? `${text}Z` : text), text, option);
}

/** `YYYY-MM-DD` that is a day. Faults: `usage`. */
export function parseDay(text: string, option: string): string {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(text))
    throw new Fault('usage', { reason: `${option} must be a day such as 2026-01-31, not "${text.slice(0, 40)}".` });
  return text;
}

/** A whole number from `least` to `most`. Faults: `usage`. */
export function parseCount(text: string, least: number, most: number, option: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Fault('usage', { reason: `${option} must be a whole number from ${least} to ${most}, not "${text.slice(0, 40)}".` });
}

function within(ms: number, text: string, option: string): number {
  const yearMax = Date.UTC(9999, 11, 31);
  if (Number.isNaN(ms) || ms < 0 || ms > yearMax) throw unknownTime(text, option);
  return ms;
}

function unknownTime(text: string, option: string): Fault {
  return new Fault('usage', { reason: `${option} must be a duration such as 90d, or a date or time such as 2027-01-31, not "${text.slice(0, 40)}".` });
}

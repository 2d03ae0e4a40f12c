/** A window of time as an address says it: `range=24h`, or `from` and `to`. */
import { z } from 'zod/mini';
import { useState } from 'react';

const units = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const relative = /^([1-9]\d{0,3})([mhd])$/;
const longestMs = 400 * units.d;

export const rangeSearch = {
  range: z.catch(z.optional(z.string().check(z.regex(relative))), undefined),
  from: z.catch(z.optional(z.iso.datetime({ offset: true })), undefined),
  to: z.catch(z.optional(z.iso.datetime({ offset: true })), undefined),
};

export interface RangeSearch {
  readonly range?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export const presets = ['15m', '1h', '6h', '24h', '7d', '30d'] as const;
export const defaultRange = '24h';

/** A window for requests: `end` is left open where it means now, so that the key of a question stays the same while time goes on. */
export interface TimeWindow {
  readonly start: string;
  readonly end: string | undefined;
  readonly lengthMs: number;
}

/** A window that is open begins on this grid, so that what is asked for before its page is there is what the page asks for. */
const gridMs = 10_000;

/** Null for what is no length of time, or a longer one than is looked through. */
export function lengthOf(range: string): number | null {
  const [, count, unit] = relative.exec(range) ?? [];
  const ms = count === undefined ? Number.NaN : Number(count) * units[unit as keyof typeof units];
  return ms > 0 && ms <= longestMs ? ms : null;
}

/** What comes after `the`: `last 24 hours`, `chosen period`. */
export function rangeText({ range, from, to }: RangeSearch): string {
  if (from !== undefined && to !== undefined) return 'selected period';
  const [, count = '24', unit = 'h'] = relative.exec(range ?? defaultRange) ?? [];
  const name = { m: 'minute', h: 'hour', d: 'day' }[unit as keyof typeof units];
  return count === '1' ? `last ${name}` : `last ${count} ${name}s`;
}

export function windowAt({ range, from, to }: RangeSearch, now: number): TimeWindow {
  if (from !== undefined && to !== undefined && Date.parse(from) < Date.parse(to)) return { start: from, end: to, lengthMs: Date.parse(to) - Date.parse(from) };
  const lengthMs = lengthOf(range ?? defaultRange) ?? units.d;
  return { start: new Date(Math.floor((now - lengthMs) / gridMs) * gridMs).toISOString(), end: undefined, lengthMs };
}

/**
 * The window of a page. A relative one keeps its beginning until it has drifted by a tenth of its length, at least a minute: a new beginning
 * is a new question, and would empty the page at every look.
 */
export function useTimeWindow(search: RangeSearch, now: number): TimeWindow {
  const key = `${search.range ?? ''} ${search.from ?? ''} ${search.to ?? ''}`;
  const [kept, setKept] = useState(() => ({ key, window: windowAt(search, now), at: now }));
  if (kept.key === key && now - kept.at < Math.max(60_000, kept.window.lengthMs / 10)) return kept.window;
  const window = windowAt(search, now);
  setKept({ key, window, at: now });
  return window;
}

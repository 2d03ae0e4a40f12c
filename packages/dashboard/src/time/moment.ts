import type { Appearance } from '../app/appearance.ts';

type Zone = Appearance['zone'];

const shapes = {
  clock: { locale: 'en-GB', hour: '2-digit', minute: '2-digit', second: '2-digit' },
  minute: { locale: 'en-GB', hour: '2-digit', minute: '2-digit' },
  exactClock: { locale: 'en-GB', hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 },
  date: { locale: 'en-GB', day: '2-digit', month: 'short' },
  day: { locale: 'en-CA', year: 'numeric', month: '2-digit', day: '2-digit' },
  zoneName: { locale: 'en-GB', timeZoneName: 'short' },
} as const satisfies Record<string, Intl.DateTimeFormatOptions & { readonly locale: string }>;

const made = new Map<string, Intl.DateTimeFormat>();

/** To make one takes a hundred times as long as to use it, and a list shows hundreds of moments. */
function format(shape: keyof typeof shapes, zone: Zone): Intl.DateTimeFormat {
  const name = `${shape} ${zone}`;
  const { locale, ...options } = shapes[shape];
  const known = made.get(name) ?? new Intl.DateTimeFormat(locale, { ...options, ...(zone === 'utc' ? { timeZone: 'UTC' } : {}) });
  made.set(name, known);
  return known;
}

/** `14:02:13`, with the day before it where that is not today. */
export function clockText(time: string | number | Date, zone: Zone, now = Date.now()): string {
  const date = new Date(time);
  const clock = format('clock', zone).format(date);
  return dayText(date, zone) === dayText(now, zone) ? clock : `${format('date', zone).format(date)} ${clock}`;
}

/** Marks along an axis, seconds since the epoch: hours and minutes, with seconds where there are few of them, or days where there are several. */
export function axisText(marks: readonly number[], zone: Zone): string[] {
  const length = (marks.at(-1) ?? 0) - (marks[0] ?? 0);
  const shape = length > 172_800 ? 'date' : length < 180 ? 'clock' : 'minute';
  return marks.map((seconds) => format(shape, zone).format(new Date(seconds * 1000)));
}

/** `2026-11-28`. */
export function dayText(time: string | number | Date, zone: Zone): string {
  return format('day', zone).format(new Date(time));
}

/** `2026-11-28 14:02:13.482 UTC`: for what must be exact. */
export function exactText(time: string | number | Date, zone: Zone): string {
  const date = new Date(time);
  return `${dayText(date, zone)} ${format('exactClock', zone).format(date)} ${zoneName(date, zone)}`;
}

export function zoneName(date: Date, zone: Zone): string {
  if (zone === 'utc') return 'UTC';
  const parts = format('zoneName', zone).formatToParts(date);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

/** `just now`, `4 min ago`, `in 3 days`. */
export function agoText(time: string | number | Date, now = Date.now()): string {
  const seconds = (new Date(time).getTime() - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 10) return 'just now';
  const [amount, unit] = size < 60 ? [size, 's'] : size < 3600 ? [size / 60, 'min'] : size < 172_800 ? [size / 3600, 'h'] : [size / 86_400, 'days'];
  const text = `${Math.floor(amount)} ${unit}`;
  return seconds < 0 ? `${text} ago` : `in ${text}`;
}

/** The month that is, in UTC, as costs are counted: its first day and its last. */
export function thisMonth(now = new Date()): { readonly start_date: string; readonly end_date: string } {
  const day = (date: number): string => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + (date === 0 ? 1 : 0), date)).toISOString().slice(0, 10);
  return { start_date: day(1), end_date: day(0) };
}

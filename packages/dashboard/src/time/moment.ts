import type { Appearance } from '../app/appearance.ts';

type Zone = Appearance['zone'];

const optionsOf = (zone: Zone): Intl.DateTimeFormatOptions => (zone === 'utc' ? { timeZone: 'UTC' } : {});

/** `14:02:13`, with the day before it where that is not today. */
export function clockText(time: string | number | Date, zone: Zone, now = Date.now()): string {
  const date = new Date(time);
  const clock = new Intl.DateTimeFormat('en-GB', { ...optionsOf(zone), hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(date);
  return dayText(date, zone) === dayText(now, zone)
    ? clock
    : `${new Intl.DateTimeFormat('en-GB', { ...optionsOf(zone), day: '2-digit', month: 'short' }).format(date)} ${clock}`;
}

/** `2026-11-28`. */
export function dayText(time: string | number | Date, zone: Zone): string {
  return new Intl.DateTimeFormat('en-CA', { ...optionsOf(zone), year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date(time));
}

/** `2026-11-28 14:02:13.482 UTC`: for what must be exact. */
export function exactText(time: string | number | Date, zone: Zone): string {
  const date = new Date(time);
  const clock = new Intl.DateTimeFormat('en-GB', {
    ...optionsOf(zone),
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
  }).format(date);
  return `${dayText(date, zone)} ${clock} ${zoneName(date, zone)}`;
}

export function zoneName(date: Date, zone: Zone): string {
  if (zone === 'utc') return 'UTC';
  return new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).formatToParts(date).find(({ type }) => type === 'timeZoneName')?.value ?? '';
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

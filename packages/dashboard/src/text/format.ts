/** How figures are said. Units stand apart from numbers, so that columns can dim them. */
export interface Figure {
  readonly number: string;
  readonly unit: string;
}

const counts = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** `12,400`. */
export function countText(count: number): string {
  return counts.format(count);
}

/** A mean of counts is seldom one: a digit behind the point below ten. */
export function meanCountText(mean: number): string {
  if (mean === 0) return '0';
  if (mean < 0.1) return '< 0.1';
  return mean < 9.95 ? mean.toFixed(1) : counts.format(mean);
}

/** `12.4K` from 10,000 on. */
export function shortCount(count: number): string {
  return Math.abs(count) < 10_000 ? counts.format(count) : short.format(count);
}

/** Milliseconds as three digits and a unit: `0.41 ms`, `812 ms`, `1.24 s`, `3 m 20 s`. */
export function durationFigure(ms: number): Figure {
  if (ms === 0) return { number: '0', unit: 'ms' };
  if (ms < 1) return { number: ms.toFixed(2), unit: 'ms' };
  if (ms < 9.95) return { number: ms.toFixed(1), unit: 'ms' };
  if (ms < 999.5) return { number: ms.toFixed(0), unit: 'ms' };
  if (ms < 9_995) return { number: (ms / 1000).toFixed(2), unit: 's' };
  if (ms < 59_950) return { number: (ms / 1000).toFixed(1), unit: 's' };
  if (ms < 3_600_000) return { number: `${Math.floor(ms / 60_000)}:${String(Math.floor((ms % 60_000) / 1000)).padStart(2, '0')}`, unit: 'min' };
  return { number: (ms / 3_600_000).toFixed(1), unit: 'h' };
}

export function durationText(ms: number): string {
  const { number, unit } = durationFigure(ms);
  return `${number} ${unit}`;
}

/** Two decimals from one unit on, four below, nothing but `0` for nothing. */
export function moneyText(amount: number, currency: string): string {
  const digits = amount === 0 ? 0 : Math.abs(amount) >= 1 ? 2 : 4;
  if (amount !== 0 && Math.abs(amount) < 0.000_05) return `< ${moneyText(0.0001, currency)}`;
  return money(currency === '' ? 'USD' : currency, digits).format(amount);
}

const monies = new Map<string, Intl.NumberFormat>();

/** To make one takes a hundred times as long as to use it. */
function money(currency: string, digits: number): Intl.NumberFormat {
  const name = `${currency} ${digits}`;
  const known = monies.get(name) ?? new Intl.NumberFormat('en', { style: 'currency', currency, minimumFractionDigits: digits, maximumFractionDigits: digits });
  monies.set(name, known);
  return known;
}

/** One decimal below 10, none above; `0` only where it is nothing at all. */
export function percentText(percent: number | null): string {
  if (percent === null) return '–';
  if (percent === 0) return '0 %';
  if (percent < 0.1) return '< 0.1 %';
  return `${percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999_500) return `${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)} kB`;
  if (bytes < 999_500_000) return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;
  return `${(bytes / 1_000_000_000).toFixed(bytes < 10_000_000_000 ? 1 : 0)} GB`;
}

/** `tr_01JD…9QK`: what tells it apart stands at both ends. */
export function middleCut(id: string, ends = 6): string {
  return id.length <= 2 * ends + 4 ? id : `${id.slice(0, ends + 3)}…${id.slice(-ends + 2)}`;
}

export function pluralText(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** How times, durations and money read in a terminal. */

/** `2026-11-21 14:02:11` in UTC; a dash where there is none. */
export function timeText(iso: string | null | undefined): string {
  const ms = iso === null || iso === undefined ? Number.NaN : Date.parse(iso);
  return Number.isNaN(ms) ? '–' : new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

export function latencyText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Two decimals from one on, four below. */
export function moneyText(amount: number | null | undefined, currency = 'USD'): string {
  if (amount === null || amount === undefined) return '–';
  const digits = amount >= 1 ? amount.toFixed(2) : amount.toFixed(4);
  return currency === 'USD' ? `$${digits}` : `${digits} ${currency}`;
}

/** All of its digits, to the nano-unit that money is counted in; at least as many as `moneyText`. */
export function exactMoneyText(amount: number, currency = 'USD'): string {
  const rounded = moneyText(amount, currency);
  const exact = amount.toFixed(9).replace(/0+$/, '');
  const shown = rounded.replace(/[^\d.-]/g, '');
  return exact.length > shown.length ? rounded.replace(shown, exact) : rounded;
}

export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A change in percent, with its sign; a dash where there was nothing to compare with. */
export function changeText(percent: number | null | undefined): string {
  return percent === null || percent === undefined ? '–' : `${percent > 0 ? '+' : ''}${percent} %`;
}

/** A price to its last decimal, never with an exponent; a dash where there is none. */
export function priceText(amount: number | null | undefined): string {
  return amount === null || amount === undefined ? '–' : amount.toFixed(9).replace(/\.?0+$/, '');
}

/**
 * Quantities as people write them: durations `30s`, sizes `4MiB`. Each is read exactly or not at all.
 */
const durationUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const sizeUnits = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

export const durationPattern = /^(\d{1,15})(ms|s|m|h|d)$/;
export const sizePattern = /^(\d{1,15})(B|KiB|MiB|GiB)$/;

/** Milliseconds, or null where the text is no duration or exceeds 2^53 − 1. */
export function parseDuration(text: string): number | null {
  return parseQuantity(text, durationPattern, durationUnits);
}

/** Bytes, or null where the text is no size or exceeds 2^53 − 1. */
export function parseSize(text: string): number | null {
  return parseQuantity(text, sizePattern, sizeUnits);
}

/** The shortest text that `parseSize` reads as these bytes. */
export function sizeText(bytes: number): string {
  return quantityText(bytes, sizeUnits, 'B');
}

function parseQuantity(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | null {
  const match = pattern.exec(text);
  const unit = units[match?.[2] ?? ''];
  if (unit === undefined) return null;
  const value = Number(match?.[1]) * unit;
  return Number.isSafeInteger(value) ? value : null;
}

function quantityText(value: number, units: Readonly<Record<string, number>>, smallest: string): string {
  const unit = value === 0 ? undefined : Object.entries(units).findLast(([, size]) => value % size === 0);
  return unit === undefined ? `${value}${smallest}` : `${value / unit[1]}${unit[0]}`;
}

/**
 * Quantities as people write them: durations `30s`, sizes `4MiB`, money in decimals. Each is read exactly or not at all.
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

/** Largest price: what fits a safe integer of nano-dollars. */
export const nanoMax = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Nano-units (10⁻⁹) of a decimal such as `0.00001` or `1e-5`, exactly; or what is wrong with it, in words that follow
 * "must be".
 */
export function parseNano(text: string): bigint | string {
  const match = /^\+?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  const whole = match?.[1] ?? '';
  const decimals = match?.[2] ?? '';
  if (match === null || whole + decimals === '') return text.startsWith('-') ? 'zero or more' : 'a decimal number such as 0.001';
  const digits = (whole + decimals).replace(/^0+/, '');
  if (digits === '') return 0n;
  const shift = 9 - decimals.length + Number(match[3] ?? 0);
  if (digits.length + shift > 17) return 'at most 9007199';
  if (shift < 0) {
    const kept = digits.length + shift;
    if (!/^0*$/.test(digits.slice(Math.max(0, kept)))) return 'a number with at most 9 decimals';
    return kept > 0 ? BigInt(digits.slice(0, kept)) : 0n;
  }
  const nano = BigInt(digits) * 10n ** BigInt(shift);
  return nano > nanoMax ? 'at most 9007199' : nano;
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

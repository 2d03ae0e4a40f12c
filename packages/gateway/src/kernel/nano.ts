/** Money as integer nano-units (10⁻⁹) of its currency: read from decimals exactly, and written as them. */

/** Largest amount: what fits a safe integer of nano-units. */
export const nanoMax = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Nano-units of a decimal such as `0.00001` or `1e-5`, exactly; or what is wrong with it, in words that follow "must be".
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

/** The shortest decimal of an amount of any size: `0.001`, `-2`, `0`. */
export function nanoText(nano: bigint): string {
  const digits = (nano < 0n ? -nano : nano).toString().padStart(10, '0');
  const decimals = digits.slice(-9).replace(/0+$/, '');
  return `${nano < 0n ? '-' : ''}${digits.slice(0, -9)}${decimals === '' ? '' : `.${decimals}`}`;
}

/** Nano-units of a decimal as a store gives it: any size, with up to nine decimals, perhaps below zero. */
export function nanoOf(decimal: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(decimal);
  if (match === null) throw new RangeError(`${decimal} is no amount`);
  const nano = BigInt(`${match[2]}${(match[3] ?? '').padEnd(9, '0')}`);
  return match[1] === '-' ? -nano : nano;
}

/** `nano × numerator / denominator`, to the nearest nano-unit, halves away from zero. */
export function scaleNano(nano: bigint, numerator: bigint, denominator: bigint): bigint {
  const product = nano * numerator;
  const half = denominator / 2n;
  return product < 0n ? -((-product + half) / denominator) : (product + half) / denominator;
}

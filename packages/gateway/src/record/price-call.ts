import type { Price } from '../snapshot/compile-snapshot.ts';
import { micros, type CallRecord } from './call-record.ts';

/**
 * Prices a call into its record: per call, per second of its duration, and per token where the tool reported its tokens. Nano-dollars, exact
 * but for the second's share, which is rounded to the nearest one, halves up. Allocates nothing.
 */
export function priceCall(record: CallRecord, price: Price): void {
  let nano = price.perCall + record.inputTokens * price.perTokenInput + record.outputTokens * price.perTokenOutput;
  if (price.perSecond > 0) {
    // What is priced is what is recorded: the call ends here.
    record.endedAt = performance.now();
    nano += timeNano(price.perSecond, micros(record.endedAt - record.startedAt));
  }
  // Token figures are the tool's own claim: what is beyond exact numbers is not a price, and would not fit the column.
  record.costNano = nano > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : nano;
  record.pricedBy = price.by;
  record.priceVersion = price.version;
}

const million = 1_000_000;

/** `perSecond × micros / 10⁶` in integers that a number holds exactly, as long as the result is one. */
export function timeNano(perSecond: number, durationUs: number): number {
  const seconds = Math.floor(durationUs / million);
  const rest = durationUs - seconds * million;
  // Both factors of the rest below 10⁶: their products stay exact.
  const high = Math.floor(perSecond / million);
  const low = perSecond - high * million;
  const product = low * rest;
  const whole = Math.floor(product / million);
  return perSecond * seconds + high * rest + whole + (product - whole * million >= million / 2 ? 1 : 0);
}

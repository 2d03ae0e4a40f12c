import type { Price } from '../snapshot/compile-snapshot.ts';
import type { CallRecord } from './call-record.ts';

/** Prices a call into its record: per call, and per token where the tool reported its tokens. Nano-dollars, exact. */
export function priceCall(record: CallRecord, price: Price): void {
  const nano = price.perCall + record.inputTokens * price.perTokenInput + record.outputTokens * price.perTokenOutput;
  // Token figures are the tool's own claim: what is beyond exact numbers is not a price, and would not fit the column.
  record.costNano = nano > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : nano;
  record.pricedBy = price.by;
}

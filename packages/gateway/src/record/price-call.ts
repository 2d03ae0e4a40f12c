import type { Price } from '../snapshot/compile-snapshot.ts';
import type { CallRecord } from './call-record.ts';

/** Prices a call into its record: per call, and per token where the tool reported its tokens. Nano-dollars, exact. */
export function priceCall(record: CallRecord, price: Price): void {
  record.costNano = price.perCall + record.inputTokens * price.perTokenInput + record.outputTokens * price.perTokenOutput;
  record.pricedBy = price.by;
}

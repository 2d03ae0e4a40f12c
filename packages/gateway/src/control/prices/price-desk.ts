import type { PriceList } from '../../kernel/price-list.ts';

/** Prices as they hold on this node now. */
export interface ServedPrices {
  /** 0: not numbered yet. */
  readonly version: number;
  readonly list: PriceList;
}

/** What the running node does with prices. */
export interface PriceDesk {
  served(): ServedPrices;
  /** Reads what the registry says holds now; resolves when every worker goes by it. */
  refresh(): Promise<void>;
}

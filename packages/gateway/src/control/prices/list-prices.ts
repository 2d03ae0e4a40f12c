import { bounds } from '../../kernel/bounds.ts';
import type { PriceVersion } from '../../store/registry/registry-store.ts';
import type { ControlContext } from '../context.ts';
import type { ServedPrices } from './price-desk.ts';

export interface PricesPage {
  /** What calls are priced by now. */
  readonly served: ServedPrices;
  /** The version that it is; null where the list has no number yet, or nobody ever set one. */
  readonly version: PriceVersion | null;
  /** The file that says the prices; null where the API does. */
  readonly file: string | null;
  /** Of the newest version, in force or not; a change names it. 0: none. */
  readonly newest: number;
  /** Newest first. */
  readonly history: readonly PriceVersion[];
  /** The number before which the next page begins, or null. */
  readonly before: number | null;
}

/** The price list that holds, and every one that ever held or is to hold. Faults: `unavailable`. */
export async function listPrices(
  context: Pick<ControlContext, 'registry' | 'organizationId' | 'prices' | 'config'>,
  page: { readonly before: number | null; readonly limit: number },
): Promise<PricesPage> {
  const { organizationId, registry, config } = context;
  const served = context.prices.served();
  const limit = Math.min(page.limit, bounds.priceVersionsListMax);
  const rows = await registry.prices.list(organizationId, { before: page.before, limit: limit + 1 });
  const history = rows.slice(0, limit);
  const [version] = served.version === 0 ? [] : await registry.prices.list(organizationId, { before: served.version + 1, limit: 1 });
  return {
    served,
    version: version?.number === served.version ? version : null,
    file: config.pricing === null ? null : (config.file ?? 'the environment'),
    newest: (await registry.prices.newest(organizationId))?.number ?? 0,
    history,
    before: rows.length > limit ? (history.at(-1)?.number ?? null) : null,
  };
}

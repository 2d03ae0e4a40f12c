import { bounds } from '../../kernel/bounds.ts';
import { scaleNano } from '../../kernel/nano.ts';
import { openPriceBook, priceFields, type PriceEntry, type PriceField, type PriceList, type WholePrice } from '../../kernel/price-list.ts';
import type { ToolUsage } from '../../store/ledger/usage.ts';
import type { ControlContext } from '../context.ts';
import { addDays, dateOf } from '../costs/cost-period.ts';

/** One price that is another in the new list. Nano-units; undefined: left out. */
export interface PriceChange {
  /** Null: the default. */
  readonly server: string | null;
  readonly tool: string | null;
  readonly price: (typeof priceFields)[PriceField];
  readonly from: bigint | undefined;
  readonly to: bigint | undefined;
}

/** Every price that differs, at most `priceChangesShownMax` of them. */
export function compareLists(from: PriceList, to: PriceList): readonly PriceChange[] {
  const placesOf = (list: PriceList): Map<string, { server: string | null; tool: string | null; entry: PriceEntry }> => {
    const places = [{ server: null, tool: null, entry: list.default }, ...list.overrides.map((entry) => ({ server: entry.server, tool: entry.tool, entry }))];
    return new Map(places.map((place) => [`${place.server ?? ''} ${place.tool ?? ''}`, place]));
  };
  const [before, after] = [placesOf(from), placesOf(to)];
  const changes: PriceChange[] = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const place = after.get(key) ?? before.get(key);
    for (const [field, price] of Object.entries(priceFields) as [PriceField, PriceChange['price']][]) {
      const [was, is] = [before.get(key)?.entry[field], after.get(key)?.entry[field]];
      if (was !== is && changes.length < bounds.priceChangesShownMax)
        changes.push({ server: place?.server ?? null, tool: place?.tool ?? null, price, from: was, to: is });
    }
  }
  return changes;
}

export interface PriceEffect {
  readonly days: number;
  readonly calls: number;
  /** What these calls cost by the list that holds, and by the new one: nano-units. */
  readonly beforeNano: bigint;
  readonly afterNano: bigint;
  /** There were more tools than were counted. */
  readonly truncated: boolean;
}

const effectDays = 30;

/** What the calls of the last days would have cost by another list; null where the ledger cannot say. */
export async function priceEffect(
  context: Pick<ControlContext, 'ledger' | 'organizationId' | 'clock' | 'log'>,
  from: PriceList,
  to: PriceList,
): Promise<PriceEffect | null> {
  const ledger = context.ledger();
  if (ledger === null) return null;
  const today = dateOf(context.clock.nowMs());
  let usage: readonly ToolUsage[];
  try {
    usage = await ledger.listToolUsage({
      organizationId: context.organizationId,
      startDate: addDays(today, 1 - effectDays),
      endDate: today,
      currency: from.currency,
      filter: {},
      limit: bounds.costGroupsMax + 1,
    });
  } catch (error) {
    context.log.warn('prices.effect_unknown', { error });
    return null;
  }
  const counted = usage.slice(0, bounds.costGroupsMax);
  const [before, after] = [openPriceBook(from), openPriceBook(to)];
  const costBy = (priceOf: ReturnType<typeof openPriceBook>): bigint => counted.reduce((sum, row) => sum + costOfUsage(priceOf(row.server, row.tool), row), 0n);
  return {
    days: effectDays,
    calls: counted.reduce((sum, { calls }) => sum + calls, 0),
    beforeNano: costBy(before),
    afterNano: costBy(after),
    truncated: usage.length > counted.length,
  };
}

function costOfUsage(price: WholePrice, usage: ToolUsage): bigint {
  return (
    price.perCallNano * BigInt(usage.calls) +
    price.perTokenInputNano * usage.input_tokens +
    price.perTokenOutputNano * usage.output_tokens +
    scaleNano(price.perSecondNano, usage.duration_us, 1_000_000n)
  );
}

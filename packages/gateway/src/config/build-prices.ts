import { parseNano } from '../kernel/nano.ts';
import { priceFields, type PriceEntry, type PriceField, type PriceList } from '../kernel/price-list.ts';
import type { BuildInput } from './build-config.ts';
import type { Path } from './config-fault.ts';
import type { FilePrice, ServerEntry } from './schema.ts';

/** What of a build amounts need. */
export type Written = Pick<BuildInput, 'file' | 'textAt' | 'complain'>;

/** `pricing` → the price list; null where the file has none. */
export function buildPrices(input: Written): PriceList | null {
  const { pricing } = input.file;
  if (pricing === undefined) return null;
  return {
    currency: pricing.currency,
    default: buildPrice(input, pricing.default, ['pricing', 'default']),
    overrides: pricing.overrides.map((entry, index) => ({
      server: entry.server,
      tool: entry.tool ?? null,
      ...buildPrice(input, entry, ['pricing', 'overrides', index]),
    })),
  };
}

/** Nano-units; undefined where the server is not trusted. */
export function buildReportedCostMax(input: Written, entry: ServerEntry, path: Path): bigint | undefined {
  return entry.reported_cost_max === undefined ? undefined : nanoAt(input, path, 'reported_cost_max', entry.reported_cost_max);
}

function buildPrice(input: Written, entry: FilePrice, path: Path): PriceEntry {
  const amounts = (Object.entries(priceFields) as [PriceField, keyof FilePrice][]).flatMap(([field, name]) => {
    const value = entry[name];
    return value === undefined ? [] : [[field, nanoAt(input, [...path, name], name, value)] as const];
  });
  return Object.fromEntries(amounts);
}

function nanoAt({ textAt, complain }: Written, path: Path, name: string, value: number | string): bigint {
  // As written: the nearest float of 0.1 is not 0.1.
  const written = textAt(path) ?? String(value);
  const read = parseNano(written);
  if (typeof read === 'bigint') return read;
  complain(path, `${name} must be ${read}`, `It is "${written.slice(0, 60)}"; amounts are kept exactly, in billionths.`, `Write for example: ${name}: 0.001`);
  return 0n;
}

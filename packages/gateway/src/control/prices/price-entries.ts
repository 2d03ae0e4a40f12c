import { Fault } from '../../kernel/fault.ts';
import { noPrices, type PriceEntry, type PriceList, type PriceOverride } from '../../kernel/price-list.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { changePrices, type PricesChanged } from './change-prices.ts';

/** One entry of the price list: `default`, `SERVER` or `SERVER/TOOL`. */
export interface PriceView {
  readonly name: string;
  readonly entry: PriceEntry;
  /** Of the file that says it; null where none does. */
  readonly line: number | null;
}

export interface PriceEntries {
  readonly currency: string;
  /** The file that says the prices; null where the API does. */
  readonly file: string | null;
  /** The newest version of the list; a change names it. 0: none. */
  readonly newest: number;
  /** The default first, the others by name. */
  readonly entries: readonly PriceView[];
}

export const defaultPriceName = 'default';
/** A server and a tool, each of its longest name. */
const priceNameCharsMax = 320;

/** The entries of the list that holds. Faults: `unavailable`. */
export async function listPriceEntries(context: ControlContext): Promise<PriceEntries> {
  const { config } = context;
  const { list, newest } = await heldList(context);
  const lines = config.pricing === null ? null : context.objects.priceLines();
  const viewOf = (name: string, entry: PriceEntry): PriceView => ({ name, entry, line: lines?.get(name) ?? null });
  const overrides = list.overrides.map(({ server, tool, ...entry }) => viewOf(nameOf({ server, tool }), entry));
  return {
    currency: list.currency,
    file: config.pricing === null ? null : (config.file ?? 'the environment'),
    newest,
    entries: [viewOf(defaultPriceName, list.default), ...overrides.toSorted((a, b) => (a.name < b.name ? -1 : 1))],
  };
}

/** Faults: `unknown_object`, `unavailable`. */
export function findPrice({ entries }: PriceEntries, name: string): PriceView {
  const found = entries.find((one) => one.name === name);
  if (found === undefined) throw unknownObject('price', name);
  return found;
}

export interface PutPriceInput {
  readonly name: string;
  readonly entry: PriceEntry;
  /** The version of the list that the caller has seen; null: there is to be no such entry yet. */
  readonly expected: number | null;
  readonly dryRun: boolean;
}

/** Another list, with this entry. Faults: `already_exists`, `unknown_object`, `invalid_params`, those of `changePrices`. */
export async function putPrice(context: ControlContext, { name, entry, expected, dryRun }: PutPriceInput): Promise<PricesChanged> {
  requireNotOfFile(context, name);
  const { list, newest } = await heldList(context);
  const place = placeOf(name);
  const there = place === null ? list.default : list.overrides.find((one) => nameOf(one) === name);
  // A default that says nothing is as if there were none.
  const isThere = there !== undefined && (place !== null || Object.keys(there).length > 0);
  if (expected === null && isThere) throw new Fault('already_exists', { kind: 'price', name }, { extra: { version: newest } });
  if (expected !== null && there === undefined) throw unknownObject('price', name);
  const overrides = list.overrides.filter((one) => nameOf(one) !== name);
  const next: PriceList = place === null ? { ...list, default: entry } : { ...list, overrides: [...overrides, { ...place, ...entry }] };
  return changePrices(context, { list: next, effectiveFromMs: null, expected: expected ?? newest, dryRun });
}

/** Another list, without it. Faults: `unknown_object`, those of `changePrices`. */
export async function deletePrice(
  context: ControlContext,
  { name, expected, dryRun }: { readonly name: string; readonly expected: number; readonly dryRun: boolean },
): Promise<PricesChanged> {
  requireNotOfFile(context, name);
  const { list } = await heldList(context);
  const overrides = list.overrides.filter((one) => nameOf(one) !== name);
  if (placeOf(name) !== null && overrides.length === list.overrides.length) throw unknownObject('price', name);
  const next: PriceList = placeOf(name) === null ? { ...list, default: {} } : { ...list, overrides };
  return changePrices(context, { list: next, effectiveFromMs: null, expected, dryRun });
}

/** One that the file does not say could not be made either: it says the whole list. Faults: `managed_by_file`, with the file and, where it has the price, the line. */
function requireNotOfFile({ config, objects }: ControlContext, name: string): void {
  if (config.pricing === null) return;
  const line = objects.priceLines().get(name) ?? null;
  const file = config.file ?? '(none)';
  throw new Fault(
    'managed_by_file',
    { what: `price "${name.slice(0, 100)}"`, file: line === null ? file : `${file}:${line}`, setting: 'pricing' },
    { extra: config.file === null ? {} : { file: config.file, ...(line === null ? {} : { line }) } },
  );
}

async function heldList({
  registry,
  organizationId,
  clock,
  config,
}: Pick<ControlContext, 'registry' | 'organizationId' | 'clock' | 'config'>): Promise<{ readonly list: PriceList; readonly newest: number }> {
  const newest = (await registry.prices.newest(organizationId))?.number ?? 0;
  if (config.pricing !== null) return { list: config.pricing, newest };
  return { list: (await registry.prices.inForce(organizationId, clock.nowMs(), null))?.list ?? noPrices, newest };
}

function nameOf({ server, tool }: Pick<PriceOverride, 'server' | 'tool'>): string {
  return tool === null ? server : `${server}/${tool}`;
}

/** Null: the default. Faults: `invalid_params`. */
function placeOf(name: string): Pick<PriceOverride, 'server' | 'tool'> | null {
  if (name === defaultPriceName) return null;
  const slash = name.indexOf('/');
  const place = slash < 0 ? { server: name, tool: null } : { server: name.slice(0, slash), tool: name.slice(slash + 1) };
  if (place.server !== '' && place.tool !== '' && name.length <= priceNameCharsMax) return place;
  throw new Fault('invalid_params', { reason: 'a price is named default, SERVER or SERVER/TOOL' });
}

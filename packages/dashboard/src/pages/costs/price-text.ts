/** How prices are said: what one is for, how much, what differs between two lists. */
import type { Schemas } from '@gatewayops/sdk';

export type Price = Schemas['Price'];
export type Amounts = Price['spec'];
type PriceList = Pick<Schemas['PriceVersion'], 'default' | 'overrides'>;

export const units = [
  ['per_call', 'Per call'],
  ['per_token_input', 'Per input token'],
  ['per_token_output', 'Per output token'],
  ['per_second', 'Per second'],
] as const satisfies readonly (readonly [keyof Amounts, string])[];

export const unitTitles: Readonly<Record<string, string>> = Object.fromEntries(units);

export const defaultName = 'default';

/** `search · query` of `search/query`. */
export function forText(name: string): string {
  if (name === defaultName) return 'all other calls';
  const [server, tool] = placeOf(name);
  return tool === '' ? `${server}, every tool` : `${server} · ${tool}`;
}

/** Server and tool; a name without a tool stands for every tool of the server. */
export function placeOf(name: string): readonly [server: string, tool: string] {
  const slash = name.indexOf('/');
  return slash === -1 ? [name, ''] : [name.slice(0, slash), name.slice(slash + 1)];
}

export function nameOf(server: string, tool: string): string {
  return server === '' ? defaultName : tool === '' ? server : `${server}/${tool}`;
}

/** Prices of tokens have many decimals: none is cut. */
export function amountText(amount: number, currency: string): string {
  return `${amount.toFixed(9).replace(/\.?0+$/, '')} ${currency}`;
}

/** What holds for a price that leaves an amount out: that of the next wider one, and which that is. */
export function widerAmount(prices: readonly Price[], name: string, unit: keyof Amounts): { readonly amount: number; readonly from: string } | null {
  const [server, tool] = placeOf(name);
  const wider = name === defaultName ? [] : tool === '' ? [defaultName] : [server, defaultName];
  for (const from of wider) {
    const amount = prices.find((price) => price.name === from)?.spec[unit];
    if (amount !== undefined) return { amount, from };
  }
  return null;
}

/** Whether a tool has a price by now, be it that of its server or of everything. */
export function isPriced(prices: readonly Price[], tool: string): boolean {
  const names = new Set([tool, placeOf(tool)[0], defaultName]);
  return prices.some(({ name, spec }) => names.has(name) && Object.keys(spec).length > 0);
}

/** What a list says otherwise than the one before it: `search · query: per call 0.1 → 0.2`. */
export function changesText(list: PriceList, before: PriceList | null): readonly string[] {
  const [now, old] = [amountsOf(list), amountsOf(before ?? { default: {}, overrides: [] })];
  return [...new Set([...now.keys(), ...old.keys()])].toSorted().flatMap((name) => {
    const parts = units.flatMap(([unit, title]) => {
      const [from, to] = [old.get(name)?.[unit], now.get(name)?.[unit]];
      return from === to ? [] : [`${title.toLowerCase()} ${plain(from)} → ${plain(to)}`];
    });
    return parts.length === 0 ? [] : [`${forText(name)}: ${parts.join(', ')}`];
  });
}

function amountsOf({ default: base, overrides }: PriceList): ReadonlyMap<string, Amounts> {
  return new Map([[defaultName, base], ...overrides.map(({ server, tool, ...amounts }) => [nameOf(server, tool ?? ''), amounts] as const)]);
}

function plain(amount: number | undefined): string {
  return amount === undefined ? 'none' : amount.toFixed(9).replace(/\.?0+$/, '');
}

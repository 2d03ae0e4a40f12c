/** What calls cost, as it is written: prices by default, by server and by tool, each of them in part or as a whole. */
import { nanoText, parseNano } from './nano.ts';

/** Nano-units of the currency. What is left out holds from the next wider entry: tool, server, default. */
export interface PriceEntry {
  readonly perCallNano?: bigint;
  readonly perTokenInputNano?: bigint;
  readonly perTokenOutputNano?: bigint;
  /** For each second that a call takes, to the microsecond. */
  readonly perSecondNano?: bigint;
}

export interface PriceOverride extends PriceEntry {
  readonly server: string;
  /** Null: every tool of the server. */
  readonly tool: string | null;
}

export interface PriceList {
  /** ISO 4217. */
  readonly currency: string;
  readonly default: PriceEntry;
  readonly overrides: readonly PriceOverride[];
}

export const noPrices: PriceList = { currency: 'USD', default: {}, overrides: [] };

export const priceFields = {
  perCallNano: 'per_call',
  perTokenInputNano: 'per_token_input',
  perTokenOutputNano: 'per_token_output',
  perSecondNano: 'per_second',
} as const;
export type PriceField = keyof typeof priceFields;
const fields = Object.keys(priceFields) as PriceField[];

/** What a call costs. `none`: no entry says a price. */
export type WholePrice = Readonly<Record<PriceField, bigint>> & { readonly by: 'none' | 'default' | 'server' | 'tool' };

/** Finds the price of a tool of a server; `tool` null: of the tools of the server that have none of their own. */
export function openPriceBook(list: PriceList): (server: string, tool: string | null) => WholePrice {
  const keyOf = (server: string, tool: string | null): string => `${server} ${tool ?? ''}`;
  const entries = new Map(list.overrides.map((entry) => [keyOf(entry.server, entry.tool), entry]));
  return (server, tool) => {
    const ofServer = entries.get(keyOf(server, null));
    const ofTool = tool === null ? undefined : entries.get(keyOf(server, tool));
    const from = [ofTool, ofServer, list.default];
    const amount = (field: PriceField): bigint => from.find((entry) => entry?.[field] !== undefined)?.[field] ?? 0n;
    const isSaid = from.some((entry) => entry !== undefined && fields.some((field) => entry[field] !== undefined));
    return {
      perCallNano: amount('perCallNano'),
      perTokenInputNano: amount('perTokenInputNano'),
      perTokenOutputNano: amount('perTokenOutputNano'),
      perSecondNano: amount('perSecondNano'),
      by: !isSaid ? 'none' : ofTool ? 'tool' : ofServer ? 'server' : 'default',
    };
  };
}

/** As JSON keeps it: amounts are decimal texts under the names of gateway.yaml, in one order, so that equal lists have equal texts. */
export interface WrittenPrices {
  readonly currency: string;
  readonly default: WrittenPrice;
  readonly overrides: readonly (WrittenPrice & { readonly server: string; readonly tool?: string })[];
}
export type WrittenPrice = Readonly<Partial<Record<(typeof priceFields)[PriceField], string>>>;

export function writePrices({ currency, default: base, overrides }: PriceList): WrittenPrices {
  const key = ({ server, tool }: PriceOverride): string => `${server} ${tool ?? ''}`;
  return {
    currency,
    default: writePrice(base),
    overrides: [...overrides]
      .sort((one, other) => (key(one) < key(other) ? -1 : 1))
      .map((entry) => ({ server: entry.server, ...(entry.tool === null ? {} : { tool: entry.tool }), ...writePrice(entry) })),
  };
}

export function writePrice(entry: PriceEntry): WrittenPrice {
  const amounts = fields.flatMap((field) => {
    const nano = entry[field];
    return nano === undefined ? [] : [[priceFields[field], nanoText(nano)] as const];
  });
  return Object.fromEntries(amounts);
}

/** The list of what `writePrices` made and a store or file has kept. Throws where it is none. */
export function readPrices(kept: unknown): PriceList {
  const { currency, default: base, overrides } = membersOf(kept);
  if (typeof currency !== 'string' || !Array.isArray(overrides)) throw new TypeError('this is no price list');
  return {
    currency,
    default: readPrice(membersOf(base)),
    overrides: overrides.map((entry: unknown) => {
      const members = membersOf(entry);
      const { server, tool = null } = members;
      if (typeof server !== 'string' || (tool !== null && typeof tool !== 'string')) throw new TypeError('this is no price of a server');
      return { server, tool, ...readPrice(members) };
    }),
  };
}

/** Throws where an amount is none. */
function readPrice(written: Readonly<Record<string, unknown>>): PriceEntry {
  const amounts = fields.flatMap((field) => {
    const text = written[priceFields[field]];
    if (text === undefined) return [];
    const nano = typeof text === 'string' ? parseNano(text) : 'text';
    if (typeof nano === 'string') throw new TypeError(`${priceFields[field]} must be ${nano}`);
    return [[field, nano] as const];
  });
  return Object.fromEntries(amounts);
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('this is no price list');
  return value as Readonly<Record<string, unknown>>;
}

/** Whether two lists say the same, in whatever order. */
export function samePrices(one: PriceList, other: PriceList): boolean {
  return JSON.stringify(writePrices(one)) === JSON.stringify(writePrices(other));
}

/** Lists that are in memory whole, as the API pages, sorts and searches them like all others. */
import { z } from '@hono/zod-openapi';
import { bounds } from '../kernel/bounds.ts';
import { foldText } from '../kernel/directory.ts';
import { Fault } from '../kernel/fault.ts';

/** What such a list may be asked. Without `limit` it comes whole, as far as its bound. */
export function wholeListQuery(sorts: readonly [string, ...string[]]) {
  return {
    q: z.string().max(100).optional().openapi({ description: 'Somewhere in what it is called, in any letter case.' }),
    sort: z.enum(sorts.flatMap((sort) => [sort, `-${sort}`])).default(sorts[0]),
    limit: z.coerce.number().int().min(1).max(bounds.wholeListMax).default(bounds.wholeListMax),
    cursor: z.string().max(4_000).optional(),
  };
}

/** Beside the items in the answer. */
export const pageMembers = { cursor: z.string().nullable(), has_more: z.boolean() };

export interface WholeListQuery {
  readonly q?: string | undefined;
  readonly sort: string;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface ListedBy<Item> {
  /** No two items have the same. */
  readonly id: (item: Item) => string;
  /** What `q` looks into. */
  readonly texts: (item: Item) => readonly (string | null)[];
  /** By sort, without its sign. */
  readonly keys: Readonly<Record<string, (item: Item) => string>>;
}

/** A page. Faults: `invalid_params` for a cursor that another list, or the same one sorted otherwise, gave. */
export function pageOfWhole<Item>(
  items: readonly Item[],
  { q, sort, limit, cursor }: WholeListQuery,
  { id, texts, keys }: ListedBy<Item>,
): { readonly items: readonly Item[]; readonly cursor: string | null } {
  const wanted = q === undefined ? null : foldText(q);
  const keyOf = keys[sort.replace(/^-/, '')] ?? id;
  const direction = sort.startsWith('-') ? -1 : 1;
  const after = cursor === undefined ? null : placeOf(cursor, sort);
  const placed = items
    .filter((item) => wanted === null || texts(item).some((text) => text !== null && foldText(text).includes(wanted)))
    .map((item): Placed<Item> => ({ item, place: [keyOf(item), id(item)] }))
    .sort((a, b) => direction * compare(a.place, b.place))
    .filter(({ place }) => after === null || direction * compare(place, after) > 0);
  const page = placed.slice(0, limit);
  const last = page.at(-1);
  return { items: page.map(({ item }) => item), cursor: placed.length > limit && last !== undefined ? cursorOf(last.place, sort) : null };
}

type Place = readonly [key: string, id: string];

interface Placed<Item> {
  readonly item: Item;
  readonly place: Place;
}

function compare([key, id]: Place, [otherKey, otherId]: Place): number {
  if (key !== otherKey) return key < otherKey ? -1 : 1;
  return id === otherId ? 0 : id < otherId ? -1 : 1;
}

function cursorOf(place: Place, sort: string): string {
  return Buffer.from(JSON.stringify([sort, ...place])).toString('base64url');
}

const cursorSchema = z.tuple([z.string(), z.string(), z.string()]);

function placeOf(cursor: string, sort: string): Place {
  try {
    const [of, key, id] = cursorSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (of === sort) return [key, id];
  } catch {
    // Said below.
  }
  throw new Fault('invalid_params', { reason: 'the cursor is not one that this list, sorted so, gave' });
}

/** What of a list's address a saved view keeps, by page, and how one is applied to the address. The gateway keeps it as it is: what it means is known here only. */
import type { Schemas } from '@gatewayops/sdk';
import { z } from 'zod/mini';
import { tracesSearch } from '../pages/traces/search.ts';
import { defaultRange, rangeSearch } from '../time/range.ts';

export type SavedView = Schemas['SavedView'];

/** Where views of a page are, and what they keep of its address. */
export const viewPages = {
  traces: { path: '/traces', kept: z.object({ q: tracesSearch.q, cols: tracesSearch.cols, ...rangeSearch }) },
} as const;

export type ViewPage = keyof typeof viewPages;

export interface ViewSearch {
  readonly q: string | undefined;
  readonly cols: string | undefined;
  readonly range: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** The address as a view of it: with its length of time, also where that is the one which every page begins with. */
export function stateOf(page: ViewPage, address: object): Readonly<Record<string, string>> {
  const { from, to, range, ...rest } = z.parse(viewPages[page].kept, address);
  const when = from !== undefined && to !== undefined ? { from, to } : { range: range ?? defaultRange };
  return Object.fromEntries(Object.entries({ ...rest, ...when }).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''));
}

/** What the view makes of an address: every parameter that views keep, those that it has not as not there. */
export function searchOf(page: ViewPage, state: object): ViewSearch {
  const { q, cols, range, from, to } = stateOf(page, state);
  return { q, cols, range, from, to };
}

/** Whether the address is another than the view says. */
export function isEdited(page: ViewPage, { state }: Pick<SavedView, 'state'>, address: object): boolean {
  const [saved, now] = [stateOf(page, state), stateOf(page, address)];
  return [...new Set([...Object.keys(saved), ...Object.keys(now)])].some((name) => saved[name] !== now[name]);
}

/** Whether an address only names a view: what else it says differs from it. Once a view is applied its length of time stands there too. */
export function isLink({ view, range, from }: { readonly view?: string | undefined } & Partial<ViewSearch>): boolean {
  return view !== undefined && range === undefined && from === undefined;
}

/** Parameters of a view that its page does not know, or not so. */
export function unknownParameters(page: ViewPage, { state }: Pick<SavedView, 'state'>): readonly string[] {
  const known = stateOf(page, state);
  return Object.keys(state).filter((name) => known[name] !== state[name] && state[name] !== '');
}

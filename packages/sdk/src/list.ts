import { UnreadableAnswerError } from './errors.ts';

/** A list in pages. Each page is asked for when the one before has been read. */
export interface List<Item, Page> extends AsyncIterable<Item> {
  /** One page: the first, or the one that a cursor names. */
  page(cursor?: string): Promise<Page>;
  /** Page by page, for what stands beside the items. */
  pages(): AsyncIterable<Page>;
  /** The first items, at most so many. */
  take(countMax: number): Promise<Item[]>;
}

export interface ListParts<Item, Page> {
  fetchPage(cursor: string | undefined): Promise<Page>;
  itemsOf(page: Page): readonly Item[];
  /** Null or empty: this is the last page. */
  cursorOf(page: Page): string | null | undefined;
}

export function listOf<Item, Page>({ fetchPage, itemsOf, cursorOf }: ListParts<Item, Page>): List<Item, Page> {
  async function* pages(): AsyncGenerator<Page, void, undefined> {
    let cursor: string | undefined;
    for (;;) {
      const page = await fetchPage(cursor);
      yield page;
      const next = cursorOf(page);
      if (next === null || next === undefined || next === '') return;
      // A server that names the same page again would be read for ever.
      if (next === cursor) throw new UnreadableAnswerError('its list does not come to an end', 200);
      cursor = next;
    }
  }

  async function* items(): AsyncGenerator<Item, void, undefined> {
    for await (const page of pages()) yield* itemsOf(page);
  }

  return {
    page: fetchPage,
    pages,
    [Symbol.asyncIterator]: items,
    async take(countMax) {
      const taken: Item[] = [];
      if (countMax <= 0) return taken;
      for await (const item of items()) {
        taken.push(item);
        if (taken.length >= countMax) break;
      }
      return taken;
    },
  };
}

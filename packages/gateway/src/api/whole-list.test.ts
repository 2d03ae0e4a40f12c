import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pageOfWhole, type ListedBy, type WholeListQuery } from './whole-list.ts';

interface Item {
  readonly name: string;
  readonly at: string;
}
const by: ListedBy<Item> = { id: ({ name }) => name, texts: ({ name }) => [name], keys: { name: ({ name }) => name, at: ({ at }) => at } };

test('any list in any order, page by page, is the whole list in that order, each item once', () => {
  const items = fc.uniqueArray(fc.record({ name: fc.string({ minLength: 1 }), at: fc.constantFrom('a', 'b', 'c') }), { selector: ({ name }) => name });
  fc.assert(
    fc.property(items, fc.constantFrom('name', '-name', 'at', '-at'), fc.integer({ min: 1, max: 7 }), (list, sort, limit) => {
      const whole = pageOfWhole(list, { sort, limit: 1_000 }, by);
      const pages: Item[] = [];
      for (let query: WholeListQuery | null = { sort, limit }; query !== null;) {
        const page: ReturnType<typeof pageOfWhole<Item>> = pageOfWhole(list, query, by);
        expect(page.items.length).toBeLessThanOrEqual(limit);
        pages.push(...page.items);
        query = page.cursor === null ? null : { sort, limit, cursor: page.cursor };
      }
      expect(pages).toEqual(whole.items);
      expect(new Set(pages)).toEqual(new Set(list));
      const sign = sort.startsWith('-') ? -1 : 1;
      const keys = pages.map((item) => (sort.endsWith('at') ? item.at : item.name));
      expect(keys).toEqual(keys.toSorted((a, b) => (a === b ? 0 : a < b ? -sign : sign)));
    }),
  );
});

test('what is asked for in any letter case is found, and what goes meanwhile moves no page', () => {
  const list = ['alpha', 'Beta', 'gamma', 'BETA two'].map((name): Item => ({ name, at: '' }));
  expect(pageOfWhole(list, { q: 'bETa', sort: 'name', limit: 10 }, by).items.map(({ name }) => name)).toEqual(['BETA two', 'Beta']);
  const first = pageOfWhole(list, { sort: 'name', limit: 2 }, by);
  const rest = pageOfWhole(
    list.filter(({ name }) => name !== 'Beta'),
    { sort: 'name', limit: 2, cursor: first.cursor ?? '' },
    by,
  );
  expect(rest.items.map(({ name }) => name)).toEqual(['alpha', 'gamma']);
});

test('a cursor of another order, or of nothing, is refused', () => {
  const { cursor } = pageOfWhole(
    [
      { name: 'a', at: '' },
      { name: 'b', at: '' },
    ],
    { sort: 'name', limit: 1 },
    by,
  );
  for (const bad of [cursor ?? '', 'x', Buffer.from('[1,2,3]').toString('base64url')])
    expect(() => pageOfWhole([], { sort: 'at', limit: 1, cursor: bad }, by)).toThrow(expect.objectContaining({ code: 'invalid_params' }));
});

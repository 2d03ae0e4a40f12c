import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { exposeNames, type NamedThing, type PrefixRule } from './exposed-names.ts';

const thing = (server: string, name: string, rename: string | null = null): NamedThing => ({ server, name, rename });
const namesOf = (things: NamedThing[], prefix: PrefixRule, charsMax = 64): readonly (string | null)[] => exposeNames(things, prefix, charsMax).names;

test('always: every name carries its server', () => {
  expect(namesOf([thing('files', 'read'), thing('search', 'query')], 'always')).toEqual(['files__read', 'search__query']);
});

test('on-collision: only names that two servers have carry their server', () => {
  expect(namesOf([thing('a', 'read'), thing('b', 'read'), thing('b', 'write')], 'on-collision')).toEqual(['a__read', 'b__read', 'write']);
  expect(namesOf([thing('a', 'read'), thing('a', 'write')], 'on-collision')).toEqual(['read', 'write']);
});

test('M18: never: of a collision the first by configuration is served, and the collision is told', () => {
  const { names, collisions } = exposeNames([thing('a', 'read'), thing('b', 'read'), thing('c', 'read'), thing('c', 'write')], 'never', 64);
  expect(names).toEqual(['read', null, null, 'write']);
  expect(collisions).toEqual([{ name: 'read', served: 'a', hidden: ['b', 'c'] }]);
});

test('a name given in the configuration stands as it is, and what has it already gives way', () => {
  const [first, second] = namesOf([thing('a', 'find'), thing('b', 'query', 'find')], 'never');
  expect([first, second]).toEqual([null, 'find']);
  expect(namesOf([thing('a', 'find'), thing('b', 'query', 'find')], 'on-collision')).toEqual(['a__find', 'find']);
});

test('names over the limit end in a hash that is the same at every start, and something of both parts stays', () => {
  const long = 'x'.repeat(70);
  const [one, two] = namesOf(
    [thing('a-server-with-a-rather-long-name-of-its-own', `${long}1`), thing('a-server-with-a-rather-long-name-of-its-own', `${long}2`)],
    'always',
  );
  expect(one).toMatch(/^a-server-with-a-[a-z-]*__x+_[0-9a-f]{8}$/);
  expect(one).toHaveLength(64);
  expect(two).not.toBe(one);
  expect(namesOf([thing('a-server-with-a-rather-long-name-of-its-own', `${long}2`)], 'always')).toEqual([two]);
});

test('what models cannot take is replaced; of two that become one the untouched name stays', () => {
  const [dotted, plain] = namesOf([thing('a', 'page.click'), thing('a', 'page_click')], 'never');
  expect(plain).toBe('page_click');
  expect(dotted).toMatch(/^page_click_[0-9a-f]{8}$/);
});

test('a server whose name holds the separator takes no other server’s name', () => {
  const [one, two] = namesOf([thing('a__b', 'c'), thing('a', 'b__c')], 'always');
  expect(one).toBe('a__b__c');
  expect(two).toMatch(/^a__b__c_[0-9a-f]{8}$/);
});

test.each(['always', 'on-collision'] as const)(
  'M18: names that look alike, fold alike or are equal after NFKC are told apart, and each leads to its own (%s)',
  (prefix) => {
    const alike = ['read', 'Read', 'rе\u0430d', 're\u200bad', 'rea\u202ed', '\uff52\uff45\uff41\uff44', 'ﬁle', 'file'];
    const things = ['a', 'b'].flatMap((server) => alike.map((name) => ({ server, name, rename: null })));
    const { names, byName, collisions } = exposeNames(things, prefix, 64);
    expect(new Set(names).size).toBe(things.length);
    for (const [index, name] of names.entries()) {
      expect(name).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(byName.get(name ?? '')).toBe(index);
    }
    expect(collisions).toEqual([]);
  },
);

test('for any set of names: each exposed name is valid, within the limit, and leads back to what it stands for', () => {
  const server = fc.constantFrom('a', 'a__b', 'b', 'files', 'x'.repeat(63));
  const name = fc.oneof(fc.constantFrom('read', 'b__c', 'c', 'page.click', 'page_click', '', 'é', 'x'.repeat(200)), fc.string({ maxLength: 90 }));
  const things = fc.uniqueArray(fc.record({ server, name, rename: fc.constant(null) }), { selector: (one) => `${one.server}\0${one.name}`, maxLength: 40 });
  fc.assert(
    fc.property(things, fc.constantFrom<PrefixRule>('always', 'on-collision', 'never'), fc.integer({ min: 24, max: 128 }), (all, prefix, charsMax) => {
      const { names, byName, collisions } = exposeNames(all, prefix, charsMax);
      const served = names.filter((one) => one !== null);
      expect(new Set(served).size).toBe(served.length);
      for (const one of served) expect(one).toMatch(/^[A-Za-z0-9_-]+$/);
      for (const one of served) expect(one.length).toBeLessThanOrEqual(charsMax);
      names.forEach((one, index) => {
        if (one !== null) expect(byName.get(one)).toBe(index);
      });
      if (prefix !== 'never') expect(served.length).toBe(all.length);
      else expect(collisions.reduce((sum, { hidden }) => sum + hidden.length, served.length)).toBe(all.length);
      expect(exposeNames(all, prefix, charsMax).names).toEqual(names);
    }),
    { numRuns: 200 },
  );
});

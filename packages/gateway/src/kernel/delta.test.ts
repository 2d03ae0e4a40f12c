import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deltaOf, deltaSteps, rememberTexts, type Plain } from './delta.ts';
import { atOnce } from './slices.ts';

const pieceCharsMax = 64;

function applied(before: Plain, after: Plain): Plain {
  return atOnce(deltaSteps(before, deltaOf(before, after, pieceCharsMax, rememberTexts())));
}

/** Whatever the order of members is. */
function textOf(value: unknown): string {
  const sorted = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(sorted);
    if (typeof one !== 'object' || one === null) return one;
    return {
      members: Object.entries(one)
        .map(([key, member]) => [key, sorted(member)])
        .toSorted(([a = ''], [b = '']) => (String(a) < String(b) ? -1 : 1)),
    };
  };
  return JSON.stringify(sorted(value));
}

/** Few names and few values, so that two of them often have something in common. */
const entry = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), size: fc.integer({ min: 0, max: 2 }) });
const value: fc.Arbitrary<Plain> = fc.dictionary(
  fc.constantFrom('rules', 'servers', 'version', 'links', '__proto__', 'constructor'),
  fc.oneof(
    fc.array(entry, { maxLength: 8 }),
    fc.integer(),
    fc.constant(null),
    fc.dictionary(fc.constantFrom('x', 'y'), fc.oneof(fc.array(entry), fc.boolean())),
  ),
);

test('a delta makes the later value of the earlier one, whatever the two are, and changes neither', () => {
  fc.assert(
    fc.property(value, value, (before, after) => {
      const texts = [JSON.stringify(before), JSON.stringify(after)];
      expect(textOf(applied(before, after))).toBe(textOf(after));
      expect([JSON.stringify(before), JSON.stringify(after)]).toEqual(texts);
    }),
    { numRuns: 300 },
  );
});

test('any JSON is carried', () => {
  const json = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<Plain>;
  fc.assert(
    fc.property(json, json, (before, after) => {
      expect(textOf(applied(before, after))).toBe(textOf(after));
    }),
  );
});

test('what is the same is not in it and is shared, entries of lists wherever they stand', () => {
  const rules = Array.from({ length: 1_000 }, (_, index) => ({ name: `rule-${index}`, tools: [`tool-${index}`] }));
  const before = { version: 1, rules, orgs: { one: { rules }, two: { rules } } };
  // Read anew from a store: nothing is the same object.
  const again = structuredClone(rules);
  const [first = {}, ...rest] = again;
  const changed = [...rest.slice(0, 500), { name: 'new', tools: [] }, ...rest.slice(501), first];
  const after = { version: 1, rules: changed, orgs: { one: { rules: again }, two: { rules: again.slice(1) } } };
  const pieces = deltaOf(before, after, pieceCharsMax, rememberTexts());
  expect(pieces.join('').length).toBeLessThan(400);
  const made = atOnce(deltaSteps(before, pieces)) as typeof before;
  expect(made).toEqual(after);
  expect(made.rules[0]).toBe(rules[1]);
  expect(made.rules.at(-1)).toBe(rules[0]);
  expect(made.orgs.one).toBe(before.orgs.one);
  expect(made.orgs.two.rules[0]).toBe(rules[1]);
  expect(deltaOf(made, after, pieceCharsMax, rememberTexts())).toEqual([]);
});

test('no piece is much longer than was asked', () => {
  const rules = Array.from({ length: 500 }, (_, index) => ({ name: `rule-${index}` }));
  const pieces = deltaOf({}, { rules }, 1_000, rememberTexts());
  expect(pieces.length).toBeGreaterThan(5);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(1_200);
  expect(atOnce(deltaSteps({}, pieces))).toEqual({ rules });
});

test('what was made for another value is refused', () => {
  const pieces = deltaOf({ rules: [{ a: 1 }, { b: 1 }] }, { rules: [{ b: 1 }, { c: 1 }] }, pieceCharsMax, rememberTexts());
  expect(() => atOnce(deltaSteps({ rules: [{ a: 1 }] }, pieces))).toThrow(RangeError);
});

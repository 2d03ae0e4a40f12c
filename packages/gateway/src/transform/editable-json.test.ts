import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import { EditableJson, TooManyValues } from './editable-json.ts';

const name = fc.constantFrom('a', 'b', 'a.b', 'é', '\u2028', '"', '\\', '');
const space = fc.constantFrom('', ' ', '\n\t', '  ');
/** Text that only a reader of bytes keeps: numbers that no parse survives, escapes, white space, names that stand twice. */
const scalar = fc.constantFrom('123456789012345678901234567890', '-0', '1e400', '1.0', '"\\u0041\\ud800"', '"{]\\""', 'true', 'null', '""');
const json = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, scalar, tie('object'), tie('array')),
  object: fc
    .tuple(space, fc.array(fc.tuple(space, name, space, tie('value'), space), { maxLength: 4 }))
    .map(([inner, members]) => `{${inner}${members.map(([a, key, b, value, c]) => `${a}${JSON.stringify(key)}${b}:${a}${value}${c}`).join(',')}}`),
  array: fc.array(fc.tuple(space, tie('value'), space), { maxLength: 4 }).map((items) => `[${items.map(([a, value, b]) => a + value + b).join(',')}]`),
}));
const path = fc.array(fc.oneof(name, fc.constant('*')), { minLength: 1, maxLength: 4 });
const valid = (text: Buffer): unknown => JSON.parse(text.toString('utf8'));

function edited(text: string, change: (document: EditableJson) => void): string {
  const document = new EditableJson(Buffer.from(text));
  change(document);
  return document.text.toString('utf8');
}

describe('bytes that nothing names', () => {
  test('survive any look into the text', () => {
    fc.assert(
      fc.property(space, json.value, space, path, (before, value, after, steps) => {
        const text = before + value + after;
        expect(edited(text, (document) => void document.find(steps))).toBe(text);
      }),
    );
  });

  test('survive a change elsewhere', () => {
    fc.assert(
      fc.property(json.object, json.value, json.value, (first, second, third) => {
        const text = `{ "keep" : ${first} ,"x":${second},\n"also":${third}}`;
        expect(edited(text, (document) => document.find(['x']).places.forEach(({ value }) => value.replace(Buffer.from('1'))))).toBe(
          `{ "keep" : ${first} ,"x":1,\n"also":${third}}`,
        );
        expect(edited(text, (document) => EditableJson.remove(document.find(['x']).places))).toBe(`{ "keep" : ${first},\n"also":${third}}`);
        expect(edited(text, (document) => EditableJson.rename(document.find(['x']).places, 'y'))).toBe(`{ "keep" : ${first} ,"y":${second},\n"also":${third}}`);
        expect(edited(text, (document) => document.add(['new'], Buffer.from('[1]')))).toBe(`{ "keep" : ${first} ,"x":${second},\n"also":${third},"new":[1]}`);
      }),
    );
  });
});

test('whatever is done to it, the text stays JSON, and what was removed is gone', () => {
  fc.assert(
    fc.property(json.value, fc.array(fc.tuple(fc.constantFrom('remove', 'rename', 'replace', 'add'), path), { maxLength: 5 }), path, (text, steps, last) => {
      const document = new EditableJson(Buffer.from(text));
      for (const [kind, where] of steps) {
        const { places } = document.find(where);
        if (kind === 'remove') EditableJson.remove(places);
        else if (kind === 'rename') EditableJson.rename(places, 'b');
        else if (kind === 'replace') for (const { value } of places) value.replace(Buffer.from('{"a":[{"b":1}]}'));
        else document.add(where, Buffer.from('{"n":1}'));
        valid(document.text);
      }
      EditableJson.remove(document.find(last).places);
      const { places } = new EditableJson(document.text).find(last);
      expect(places.every(({ member }) => member === null)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('a name that stands twice, and one that is written in escapes, is found each time', () => {
  const twice = '{"a":1,"\\u0061":2,"b":3,"a":4}';
  expect(edited(twice, (document) => EditableJson.remove(document.find(['a']).places))).toBe('{"b":3}');
  expect(edited(twice, (document) => document.find(['a']).places.forEach(({ value }) => value.replace(Buffer.from('0'))))).toBe(
    '{"a":0,"\\u0061":0,"b":3,"a":0}',
  );
});

test('objects that lead to a new member are made, other values in the way are not changed', () => {
  const add = (text: string, where: string[]): string => edited(text, (document) => document.add(where, Buffer.from('1')));
  expect(add('{}', ['a', 'b', 'c'])).toBe('{"a":{"b":{"c":1}}}');
  expect(add('{ }', ['a'])).toBe('{"a":1 }');
  expect(add('{"a":null}', ['a', 'b'])).toBe('{"a":{"b":1}}');
  expect(add('{"a":null}', ['a'])).toBe('{"a":null}');
  expect(add('{"a":"text"}', ['a', 'b'])).toBe('{"a":"text"}');
  expect(add('{"a":[{},{"b":2},3]}', ['a', '*', 'b'])).toBe('{"a":[{"b":1},{"b":2},3]}');
  expect(add('{}', ['a', '*', 'b'])).toBe('{}');
});

test('what stands in the way of a path is told from what is absent', () => {
  const blocked = (text: string): boolean => new EditableJson(Buffer.from(text)).find(['a', '*', 'b']).blocked;
  expect(['{}', '{"a":null}', '{"a":[]}', '{"a":[{}]}', '{"a":[null]}'].map(blocked)).toEqual([false, false, false, false, false]);
  expect(['{"a":1}', '{"a":{}}', '{"a":[1]}', '[]', '"a"'].map(blocked)).toEqual([true, true, true, true, true]);
});

test('more values than a bound are not taken apart; what no path leads into may have any number', () => {
  const many = `[${'0,'.repeat(bounds.rewriteValuesMax)}0]`;
  expect(() => edited(`{"a":${many}}`, (document) => void document.find(['a', '*']))).toThrow(TooManyValues);
  expect(edited(`{"a":${many},"b":1}`, (document) => EditableJson.remove(document.find(['b']).places))).toBe(`{"a":${many}}`);
});

test('ninety thousand members of one name take no longer than as many of different names', () => {
  const twins = `{${Array.from({ length: 90_000 }, () => '"a":1').join(',')}}`;
  const startedAt = performance.now();
  expect(edited(twins, (document) => EditableJson.remove(document.find(['a']).places))).toBe('{}');
  expect(edited(twins, (document) => EditableJson.rename(document.find(['a']).places, 'b'))).toBe(twins.replaceAll('a', 'b'));
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyOf, rawValue } from '../bridge/message.ts';
import { each, findValues, splice } from './splice-json.ts';

const text = (json: Buffer): string => json.toString('utf8');

describe('splice', () => {
  test('only the value named changes: integers above 2^53, white space, escapes and the order of members stay', () => {
    const json = Buffer.from('{ "result" : {"big":12345678901234567890, "id":7, "s":"\\u00e9\\"}{"} , "jsonrpc":"2.0",\n\t"id" : 42 }');
    const edits = findValues(json, [['id']]).map(({ start, end }) => ({ start, end, text: '"client"' }));
    expect(text(splice(json, edits))).toBe('{ "result" : {"big":12345678901234567890, "id":7, "s":"\\u00e9\\"}{"} , "jsonrpc":"2.0",\n\t"id" : "client" }');
  });

  test('a member that is there twice, or written with escapes, is found each time', () => {
    const json = Buffer.from('{"id":1,"\\u0069d":2,"params":{"_meta":{"progressToken":3}}}');
    const found = findValues(json, [['id'], ['params', '_meta', 'progressToken']]);
    expect(found.map(({ path, start, end }) => [path, text(json.subarray(start, end))])).toEqual([
      [0, '1'],
      [0, '2'],
      [1, '3'],
    ]);
  });

  test('a path leads into every element of an array and every member of an object', () => {
    const json = Buffer.from(
      '{"content":[ {"uri":"a"},7,{"resource":{"uri":"b"}} ,{"uri":"c"}],"asks":{"x":{"m":1},"y":[],"z":{"m":[2]}},"tools":[ 1 , {"a":[2]},"]"]}',
    );
    const found = findValues(json, [
      ['content', each, 'uri'],
      ['content', each, 'resource', 'uri'],
      ['asks', each, 'm'],
      ['tools', each],
    ]);
    expect(found.map(({ path, start, end }) => [path, text(json.subarray(start, end))])).toEqual([
      [0, '"a"'],
      [1, '"b"'],
      [0, '"c"'],
      [2, '1'],
      [2, '[2]'],
      [3, '1'],
      [3, '{"a":[2]}'],
      [3, '"]"'],
    ]);
  });

  const path = ['params', '_meta', 'progressToken'];
  // JSON has no -0.
  const asParsed = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  const objects = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }));
  const spaced = (value: unknown, indent: number): string => JSON.stringify(value, null, indent);

  test('for any message: what is found is what JSON.parse sees, and an edit changes nothing else', () => {
    fc.assert(
      fc.property(
        objects,
        objects,
        objects,
        fc.oneof(fc.string(), fc.integer()),
        fc.oneof(fc.string(), fc.integer()),
        fc.integer({ min: 0, max: 4 }),
        (outer, params, meta, id, token, indent) => {
          const messageWith = (newId: unknown, newToken: unknown) => ({
            ...outer,
            id: newId,
            params: { ...params, _meta: { ...meta, progressToken: newToken } },
            tail: outer,
          });
          const message = messageWith(id, token);
          const json = Buffer.from(spaced(message, indent));
          const found = findValues(json, [['id'], path]);
          expect(found).toHaveLength(2);
          for (const { path: index, start, end } of found) expect(JSON.parse(text(json.subarray(start, end)))).toEqual(asParsed(index === 0 ? id : token));

          const there = splice(
            json,
            found.map(({ start, end }) => ({ start, end, text: '17' })),
          );
          expect(JSON.parse(text(there))).toEqual(asParsed(messageWith(17, 17)));
          const originals = found.map(({ start, end }) => json.subarray(start, end));
          const back = splice(
            there,
            findValues(there, [['id'], path]).map(({ start, end }, index) => ({ start, end, text: originals[index] ?? '' })),
          );
          expect(back.equals(json)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('keyOf', () => {
  test('tells 1 from "1" and keeps integers above 2^53 apart', () => {
    const key = (json: string): string => keyOf((JSON.parse(json) as { id: unknown }).id, Buffer.from(json), ['id']);
    const keys = ['{"id":1}', '{"id":"1"}', '{"id":9007199254740992}', '{"id":9007199254740993}'].map(key);
    expect(new Set(keys).size).toBe(4);
    expect(['{"id":1.5}', '{"id":null}', '{"id":true}', '{"id":{}}'].map(key)).toEqual(['', '', '', '']);
  });

  test('of several members of one name the last counts, as in JSON.parse', () => {
    expect(rawValue(Buffer.from('{"id":1,"id":22}'), ['id'])).toBe('22');
    expect(rawValue(Buffer.from('{"method":"x"}'), ['id'])).toBeNull();
  });
});

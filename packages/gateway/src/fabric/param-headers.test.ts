import { expect, test } from 'vitest';
import { mirrorParams, paramHeadersOf } from './param-headers.ts';

const region = { type: 'string', 'x-mcp-header': 'Region' };
const of = (properties: object, more: object = {}): unknown => paramHeadersOf({ type: 'object', properties, ...more });

test('annotations on scalars that properties lead to are the headers of a call', () => {
  const headers = of({
    region,
    deep: { type: 'object', properties: { limit: { type: 'integer', 'x-mcp-header': 'Limit' } } },
    'x-mcp-header': { type: 'string' },
  });
  expect(headers).toEqual([
    { header: 'Region', path: ['region'] },
    { header: 'Limit', path: ['deep', 'limit'] },
  ]);
  if (!Array.isArray(headers)) throw new Error('valid annotations were refused');
  expect(mirrorParams(headers, { region: 'Köln', deep: { limit: 7 } })).toEqual(['Mcp-Param-Region', '=?base64?S8O2bG4=?=', 'Mcp-Param-Limit', '7']);
  expect(mirrorParams(headers, { region: null, deep: 3 })).toEqual([]);
  expect(mirrorParams(headers, { deep: { limit: 2 ** 60 } })).toEqual([]);
});

test.each([
  ['a number', of({ a: { type: 'number', 'x-mcp-header': 'A' } })],
  ['no name', of({ a: { type: 'string', 'x-mcp-header': '' } })],
  ['a name with a space', of({ a: { type: 'string', 'x-mcp-header': 'a b' } })],
  ['two names that differ in case', of({ a: region, b: { type: 'string', 'x-mcp-header': 'REGION' } })],
  ['an element of a list', of({ a: { type: 'array', items: region } })],
  ['a branch', of({ a: { anyOf: [region] } })],
  ['a definition', of({}, { $defs: { a: region } })],
  ['the whole', of({}, { 'x-mcp-header': 'All' })],
])('an annotation on %s makes the tool invalid', (_what, found) => {
  expect(found).toHaveProperty('invalid');
});

test('a tool without annotations, or without a schema, asks for none', () => {
  expect(of({ a: { type: 'number' } })).toEqual([]);
  expect(paramHeadersOf(undefined)).toEqual([]);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compareApi, mayBreak } from './compare-api.ts';

interface Shape {
  readonly query?: readonly object[];
  readonly body?: object;
  readonly answer?: object;
  readonly deprecated?: boolean;
}
const documentOf = (operations: Record<string, Shape>): string =>
  JSON.stringify({
    paths: Object.fromEntries(
      Object.entries(operations).map(([path, { query = [], body, answer, deprecated = false }]) => [
        path,
        {
          post: {
            deprecated,
            parameters: query,
            ...(body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
            responses: { 200: answer === undefined ? {} : { content: { 'application/json': { schema: answer } } }, default: {} },
          },
        },
      ]),
    ),
    components: { schemas: { Team: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } } },
  });
const changesOf = (before: Record<string, Shape>, after: Record<string, Shape>): string[] =>
  compareApi(documentOf(before), documentOf(after)).map(({ isBreaking, text }) => `${isBreaking ? '!' : '+'} ${text}`);
const object = (properties: object, required: readonly string[] = []): object => ({ type: 'object', properties, required });
const parameter = (name: string, schema: object, required = false): object => ({ in: 'query', name, schema, required });

test('an operation that goes breaks clients, one that comes or is deprecated does not', () => {
  expect(changesOf({ '/a': {}, '/b': {} }, { '/b': { deprecated: true }, '/c': {} })).toEqual([
    '! POST /a: is gone',
    '+ POST /b: is deprecated',
    '+ POST /c: is new',
  ]);
});

test.each([
  ['a parameter that goes', { query: [parameter('a', { type: 'string' })] }, {}, ['! POST /x: does not take query.a any more']],
  ['one that comes', {}, { query: [parameter('a', { type: 'string' })] }, ['+ POST /x: takes query.a now']],
  ['one that is needed', {}, { query: [parameter('a', { type: 'string' }, true)] }, ['! POST /x: needs query.a now']],
  [
    'a value less',
    { query: [parameter('a', { enum: ['b', 'c'], type: 'string' })] },
    { query: [parameter('a', { enum: ['b'], type: 'string' })] },
    ['! POST /x: query.a does not take "c" any more'],
  ],
  [
    'any value no more',
    { query: [parameter('a', { type: 'string' })] },
    { query: [parameter('a', { enum: ['b'], type: 'string' })] },
    ['! POST /x: query.a does not take every value any more'],
  ],
  ['a member that is needed', { body: object({ a: { type: 'string' } }) }, { body: object({ a: { type: 'string' } }, ['a']) }, ['! POST /x: needs body.a now']],
  [
    'null no more',
    { body: object({ a: { anyOf: [{ type: 'string' }, { type: 'null' }] } }) },
    { body: object({ a: { type: 'string' } }) },
    ['! POST /x: body.a does not take null any more'],
  ],
  [
    'a new member with needs of its own',
    { body: object({}) },
    { body: object({ a: object({ b: { type: 'string' } }, ['b']) }) },
    ['+ POST /x: takes body.a now', '+ POST /x: needs body.a.b now'],
  ],
  ['an answer without a member', { answer: object({ a: { type: 'string' } }, ['a']) }, { answer: object({}) }, ['! POST /x: does not give 200 .a any more']],
  [
    'an answer that can be null',
    { answer: object({ a: { type: 'string' } }, ['a']) },
    { answer: object({ a: { type: ['string', 'null'] } }, ['a']) },
    ['! POST /x: 200 .a can be null now'],
  ],
  [
    'an answer that can lack it',
    { answer: object({ a: { type: 'string' } }, ['a']) },
    { answer: object({ a: { type: 'string' } }) },
    ['! POST /x: 200 .a can be missing now'],
  ],
  [
    'a list of what has a name',
    { answer: object({}) },
    { answer: object({ t: { type: 'array', items: { $ref: '#/components/schemas/Team' } } }, ['t']) },
    ['+ POST /x: gives 200 .t now', '+ POST /x: gives 200 .t[] now', '+ POST /x: gives 200 .t[].id now'],
  ],
])('%s', (_what, before, after, changes) => {
  expect(changesOf({ '/x': before }, { '/x': after })).toEqual(changes);
  expect(changesOf({ '/x': after }, { '/x': after })).toEqual([]);
});

test('our own document is the same as itself, and lacks everything of it when it is empty', () => {
  const own = readFileSync(join(import.meta.dirname, '../openapi/openapi.json'), 'utf8');
  expect(compareApi(own, own)).toEqual([]);
  const gone = compareApi(own, documentOf({}));
  expect(gone.length).toBeGreaterThan(50);
  expect(gone.every(({ isBreaking }) => isBreaking)).toBe(true);
});

test('a version may break what the one before promised where it is a new major, before 1.0.0 a new minor', () => {
  const breaks = ([from, to]: readonly [string, string]): boolean => mayBreak(from, to);
  expect(
    [
      ['v1.2.3', '2.0.0'],
      ['v0.1.0', '0.2.0'],
      ['v0.9.0', '1.0.0'],
    ].map((pair) => breaks(pair as [string, string])),
  ).toEqual([true, true, true]);
  expect(
    [
      ['v1.2.3', '1.3.0'],
      ['v0.1.0', '0.1.1'],
      ['v1.0.0', '1.0.0'],
    ].map((pair) => breaks(pair as [string, string])),
  ).toEqual([false, false, false]);
});

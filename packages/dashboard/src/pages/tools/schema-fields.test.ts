import { expect, test } from 'vitest';
import { defaultsOf, maskedIn, problemsOf, resolved, shapeOf, typeText, type Schema } from './schema-fields.ts';

const issue: Schema = {
  type: 'object',
  required: ['title', 'size', 'where'],
  additionalProperties: false,
  properties: {
    title: { type: 'string', minLength: 3, description: 'What it is about.' },
    size: { enum: ['s', 'm', 'l'], default: 'm' },
    count: { anyOf: [{ type: 'integer', minimum: 1, maximum: 9 }, { type: 'null' }], default: null },
    labels: { type: 'array', maxItems: 2, items: { $ref: '#/$defs/label' } },
    where: { type: 'object', required: ['repo'], properties: { repo: { type: 'string' }, draft: { type: 'boolean', default: true } } },
    more: { anyOf: [{ type: 'string' }, { type: 'object' }] },
  },
  $defs: { label: { type: 'string', maxLength: 5 } },
};

test('a form begins with what the schema fills in, of what is needed or has a default', () => {
  expect(defaultsOf(issue)).toEqual({ size: 'm', count: null, where: { draft: true } });
});

test('what does not fit is said at its place, and nothing of what fits', () => {
  const problems = (value: unknown): object => Object.fromEntries(problemsOf(value, issue));
  expect(problems({ title: 'It fails', size: 'm', count: null, labels: ['bug'], where: { repo: 'acme/site' }, more: { any: 1 } })).toEqual({});
  expect(problems({ title: 'It', size: 'xl', count: 12, labels: ['bug', 'much too long', 7], where: { draft: 'yes' }, other: 1 })).toEqual({
    '/title': 'It must have at least 3 characters.',
    '/size': 'It must be one of "s", "m", "l".',
    '/count': 'It must be 9 or less.',
    '/labels': 'It must have at most 2 items.',
    '/where/repo': 'Required.',
    '/where/draft': 'It must be true or false.',
    '/other': 'The tool has no argument other.',
  });
  expect(problems({ title: 'It fails', size: 's', count: 1.5, labels: ['much too long', 7], where: 'here' })).toEqual({
    '/count': 'It must be a whole number.',
    '/labels/0': 'It must have at most 5 characters.',
    '/labels/1': 'It must be a text.',
    '/where': 'It must be an object.',
  });
  expect(problems([])).toEqual({ '': 'It must be an object.' });
});

test('what fields cannot show is written as JSON, and a schema that leads in a circle ends', () => {
  const circle: Schema = { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } };
  const tree: Schema = { type: 'object', properties: { child: { $ref: '#' } } };
  expect(shapeOf(circle, circle)).toEqual({ kind: 'json' });
  expect(shapeOf({ oneOf: [{ type: 'string' }, { type: 'number' }] }, {})).toEqual({ kind: 'json' });
  expect(shapeOf({ type: ['string', 'number'] }, {})).toEqual({ kind: 'json' });
  expect(shapeOf(tree, tree, 6)).toEqual({ kind: 'json' });
  expect([...problemsOf({ child: { child: { child: 1 } } }, tree)]).toEqual([['/child/child/child', 'It must be an object.']]);
  expect(defaultsOf(tree)).toEqual({});
  expect(resolved({ $ref: 'https://elsewhere.example/schema' }, {})).toEqual({ $ref: 'https://elsewhere.example/schema' });
});

test('a mask in what was recorded is found wherever it stands', () => {
  expect(maskedIn({ q: 'plain', list: [{ 'a/b': 'Bearer [masked:jwt]' }], password: '[masked:field]' })).toEqual(['/list/0/a~1b', '/password']);
});

test('a type is said in a few words', () => {
  const say = (name: string): string => typeText((issue['properties'] as Record<string, Schema>)[name] ?? {}, issue);
  expect(['title', 'size', 'count', 'labels', 'where', 'more'].map(say)).toEqual([
    'string',
    'one of "s", "m", "l"',
    'integer or null',
    'list of string',
    'object',
    'any JSON',
  ]);
});

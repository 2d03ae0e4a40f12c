import { expect, test } from 'vitest';
import { compileTransforms } from '../snapshot/compile-transforms.ts';
import type { TransformData } from '../snapshot/transform-data.ts';
import { mirrorHeaders } from './mirror-headers.ts';

const entries = (more: Partial<TransformData>) =>
  compileTransforms([{ tool: null, request: [], mirrors: {}, headers: [], response: [], ...more }])?.entries ?? [];
const none = entries({});

test.each<[string, string[], object, object, ReturnType<typeof entries>, string[]]>([
  ['stays where its argument does', ['Mcp-Param-Region', 'eu'], { region: 'eu' }, { region: 'eu', limit: 1 }, none, ['Mcp-Param-Region', 'eu']],
  ['is written anew with its argument', ['Mcp-Param-Region', 'eu'], { region: 'eu' }, { region: 'us' }, none, ['Mcp-Param-Region', 'us']],
  ['is written in Base64 where it must be', ['Mcp-Param-Region', 'eu'], { region: 'eu' }, { region: 'é' }, none, ['Mcp-Param-Region', '=?base64?w6k=?=']],
  ['is read from Base64', ['Mcp-Param-Region', '=?base64?w6k=?='], { region: 'é' }, { region: 'us' }, none, ['Mcp-Param-Region', 'us']],
  ['goes with its argument', ['Mcp-Param-Region', 'eu'], { region: 'eu' }, {}, none, []],
  ['goes where its argument is null', ['Mcp-Param-Region', 'eu'], { region: 'eu' }, { region: null }, none, []],
  [
    'of numbers and booleans follows too',
    ['Mcp-Param-N', '5', 'Mcp-Param-B', 'true'],
    { a: { n: 5 }, b: true },
    { a: { n: 6 }, b: false },
    none,
    ['Mcp-Param-N', '6', 'Mcp-Param-B', 'false'],
  ],
  [
    'of a renamed argument stays',
    ['Mcp-Param-Q', 'x'],
    { q: 'x' },
    { query: 'x' },
    entries({ request: [{ kind: 'rename', path: 'q', to: 'query' }] }),
    ['Mcp-Param-Q', 'x'],
  ],
  [
    'follows the argument of its name where several have its value',
    ['Mcp-Param-To-City', 'x'],
    { from: 'x', toCity: 'x' },
    { from: 'y', toCity: 'x' },
    none,
    ['Mcp-Param-To-City', 'x'],
  ],
  [
    'stays where nothing tells which argument it mirrors',
    ['Mcp-Param-Z', 'x', 'Mcp-Param-Else', 'other'],
    { a: 'x', b: 'x' },
    { a: 'y', b: 'x' },
    none,
    ['Mcp-Param-Z', 'x', 'Mcp-Param-Else', 'other'],
  ],
  [
    'is added where the configuration says that an argument has one',
    ['mcp-param-region', 'old'],
    {},
    { region: 'eu' },
    entries({ mirrors: { region: 'Region' } }),
    ['Mcp-Param-Region', 'eu'],
  ],
])('a header %s', (_, headers, before, after, rules, expected) => expect(mirrorHeaders(headers, before, after, rules)).toEqual(expected));

import { describe, expect, test } from 'vitest';
import { compileTransforms } from '../snapshot/compile-transforms.ts';
import type { RequestRuleData, ResponseRuleData } from '../snapshot/transform-data.ts';
import { applyRequest } from './apply-request.ts';
import { applyResponse } from './apply-response.ts';

const entry = { tool: null, mirrors: {}, headers: [], request: [], response: [] };

const refusedBy: string[] = [];

function request(rules: readonly RequestRuleData[], args: string): string {
  const [compiled] = compileTransforms([{ ...entry, request: rules }])?.entries ?? [];
  const { json, names } = applyRequest(compiled?.request ?? [], Buffer.from(`{"name":"t","arguments":${args}}`), [], (name) => refusedBy.push(name));
  return `${json.toString('utf8').slice(24, -1)}${names.length === 0 ? '' : ` ← ${names.join(', ')}`}`;
}

function response(rules: readonly ResponseRuleData[], result: string): string {
  const [compiled] = compileTransforms([{ ...entry, response: rules }])?.entries ?? [];
  return applyResponse(compiled?.response ?? [], Buffer.from(`{"id":1,"result":${result}}`), ['result'])
    .json.toString('utf8')
    .slice(17, -1);
}

const restrict = (more: Partial<Extract<RequestRuleData, { kind: 'restrict' }>>, path = 'x'): RequestRuleData => ({
  kind: 'restrict',
  path,
  enum: null,
  pattern: null,
  min: null,
  max: null,
  ...more,
});

describe('arguments', () => {
  test.each<[string, RequestRuleData[], string, string]>([
    [
      'rename',
      [{ kind: 'rename', path: 'q', to: 'query' }],
      '{ "q" : 1.0 ,"n":12345678901234567890}',
      '{ "query" : 1.0 ,"n":12345678901234567890} ← rename q to query',
    ],
    ['rename to a name that is taken', [{ kind: 'rename', path: 'q', to: 'query' }], '{"q":1,"query":2}', '{"query":2} ← rename q to query'],
    ['default where absent', [{ kind: 'default', path: 'limit', value: '10' }], '{}', '{"limit":10} ← default limit'],
    ['default where there', [{ kind: 'default', path: 'limit', value: '10' }], '{"limit":null}', '{"limit":null}'],
    ['set over another value', [{ kind: 'set', path: 'a.b', value: '"x"' }], '{"a":{"b":1,"b":2,"c":1e2}}', '{"a":{"b":"x","b":"x","c":1e2}} ← set a.b'],
    ['set to what is there', [{ kind: 'set', path: 'a', value: '"x"' }], '{"a": "x"}', '{"a": "x"}'],
    ['remove', [{ kind: 'remove', path: 'debug' }], '{"debug":{"a":1}, "b":2}', '{ "b":2} ← remove debug'],
    [
      'rules one after the other',
      [
        { kind: 'rename', path: 'a', to: 'b' },
        { kind: 'remove', path: 'b' },
      ],
      '{"a":1}',
      '{} ← rename a to b, remove b',
    ],
    ['a JSON Pointer', [{ kind: 'remove', path: '/a.b/c~1d' }], '{"a.b":{"c/d":1,"e":2}}', '{"a.b":{"e":2}} ← remove /a.b/c~1d'],
    [
      'items of lists',
      [{ kind: 'remove', path: 'list.*.secret' }],
      '{"list":[{"secret":1},2,{"keep":3,"secret":4}]}',
      '{"list":[{},2,{"keep":3}]} ← remove list.*.secret',
    ],
  ])('%s', (_, rules, args, expected) => expect(request(rules, args)).toBe(expected));

  test('are made where a call has none', () => {
    const [compiled] = compileTransforms([{ ...entry, request: [{ kind: 'set', path: 'tenant', value: '"a"' }] }])?.entries ?? [];
    expect(applyRequest(compiled?.request ?? [], Buffer.from('{"name":"t"}'), [], () => undefined).json.toString()).toBe(
      '{"name":"t","arguments":{"tenant":"a"}}',
    );
  });

  test.each<[RequestRuleData, string[], string[]]>([
    [restrict({ enum: ['eu', 1, true] }), ['"eu"', '"\\u0065u"', '1', '1.0', 'true', 'null'], ['"us"', '"EU"', '2', 'false', '["eu"]', '{}', '""']],
    [restrict({ pattern: '[a-z]{2}' }), ['"ab"'], ['"abc"', '"xab"', '1', '"a\\nb"', '["ab"]']],
    [restrict({ min: 1, max: 10 }), ['1', '10', '1e1', '5.5'], ['0', '10.001', '1e2', '"5"', 'true', '-1']],
    [restrict({ max: 9007199254740992 }), ['9007199254740991'], ['9007199254740993', '123456789012345678901234567890']],
    [restrict({ enum: ['a'] }, 'x.*'), ['[]', '["a","a"]', '[null]'], ['["a","b"]', '"a"', '{"0":"b"}']],
    [restrict({ enum: ['a'] }, 'x.y'), ['{}', '{"y":"a"}', 'null'], ['{"y":"a","y":"b"}', '[{"y":"b"}]', '"b"', '{"y":["a"]}']],
  ])('restrict %o', (rule, allowed, refused) => {
    for (const value of allowed) expect(request([rule], `{"x":${value}}`)).toBe(`{"x":${value}}`);
    for (const value of refused) expect(() => request([rule], `{"x":${value}}`)).toThrow(expect.objectContaining({ code: 'argument_not_allowed' }));
    expect(request([rule], '{}')).toBe('{}');
  });

  test('a refusal names the argument and what is allowed', () => {
    expect(() => request([restrict({ enum: ['eu', 'us'] }, 'filter.region')], '{"filter":{"region":"mars"}}')).toThrow(
      'The argument filter.region is not allowed: it must be one of "eu", "us".',
    );
    expect(refusedBy.at(-1)).toBe('restrict filter.region');
  });

  test('that cannot be set because something else is in the way are refused', () => {
    expect(() => request([{ kind: 'set', path: 'a.b', value: '1' }], '{"a":"text"}')).toThrow(expect.objectContaining({ code: 'argument_not_allowed' }));
    expect(() => request([{ kind: 'set', path: 'a', value: '1' }], '"text"')).toThrow(expect.objectContaining({ code: 'argument_not_allowed' }));
  });
});

describe('results', () => {
  test.each<[string, ResponseRuleData[], string, string]>([
    ['remove', [{ kind: 'remove', path: 'structuredContent.debug' }], '{"structuredContent":{"n":1.00,"debug":{}}}', '{"structuredContent":{"n":1.00}}'],
    ['rename', [{ kind: 'rename', path: 'a', to: 'b' }], '{"a":-0}', '{"b":-0}'],
    ['redact a value', [{ kind: 'redact', path: 'a', pattern: null, with: '***' }], '{"a":{"b":1},"c":2}', '{"a":"***","c":2}'],
    [
      'redact texts below a path, not names',
      [{ kind: 'redact', path: 'content', pattern: '[0-9]{4}', with: '$1#' }],
      '{"content":[{"1234":"a 1234 b\\u0035678"},["1234"],12345],"other":"1234"}',
      '{"content":[{"1234":"a $1# b$1#"},["$1#"],12345],"other":"1234"}',
    ],
    ['a result that the rule does not fit', [{ kind: 'redact', path: 'a.*.b', pattern: 'x', with: '' }], '{"a":"x"}', '{"a":"x"}'],
  ])('%s', (_, rules, result, expected) => expect(response(rules, result)).toBe(expected));
});

test('a tool is named as a whole or with * for any text', () => {
  const holds = (tool: string | null, name: string | null): boolean | undefined => compileTransforms([{ ...entry, tool }])?.entries[0]?.holdsFor(name);
  expect([holds(null, 'x'), holds(null, null), holds('x', 'x'), holds('x', 'xy'), holds('x', null)]).toEqual([true, true, true, false, false]);
  expect([holds('q*', 'query'), holds('*y', 'query'), holds('q*e*y', 'query'), holds('*', 'a'), holds('*', null)]).toEqual([true, true, true, true, false]);
  expect([holds('q*z', 'query'), holds('ab*ba', 'aba'), holds('a*b*c', 'acb')]).toEqual([false, false, false]);
});

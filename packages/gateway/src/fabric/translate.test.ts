import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editObject, memberTexts } from './edit-object.ts';
import { consentNeeded, declares, legacyCapabilities, legacyParams, modernCapabilities, modernParams, modernResult, retryParams } from './translate.ts';

const face = { principalId: 'p', capabilities: '{"elicitation":{}}', info: null, logLevel: null };
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01';
const parse = (json: string): Record<string, unknown> => JSON.parse(json) as Record<string, unknown>;

/** JSON texts of values that a parse would change: large integers, exponents, escapes, duplicate members, white space. */
const odd = fc.constantFrom('12345678901234567890', '-0.0', '1E400', '"\\ud800 \\u2028"', '{ "a":1,"a" : 2 }', '[ ]', '"{\\"_meta\\":1}"');
const values = fc.oneof(
  odd,
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
);
const names = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('name', 'arguments', '__proto__', 'a"b', 'requestStatus', 'ü'));
/** Members by name, as text; `but` are left to the test. */
const objects = (but: readonly string[] = []) =>
  fc
    .dictionary(names, values, { maxKeys: 6, noNullPrototype: true })
    .map((members) => new Map(Object.entries(members).filter(([name]) => !but.includes(name))));
const spaces = fc.constantFrom('', ' ', '\n\t');
const written = (members: Iterable<readonly [string, string]>, space = ''): string =>
  `${space}{${Array.from(members, ([name, text]) => `${space}${JSON.stringify(name)}${space}:${space}${text}${space}`).join(',')}}${space}`;

describe('editing an object', () => {
  test('changes what is named, and leaves every other value its bytes and its place', () => {
    fc.assert(
      fc.property(objects(['x', 'y']), spaces, fc.option(values), fc.option(values), values, (members, space, x, y, added) => {
        const given = new Map([...members, ...(x === null ? [] : [['x', x] as const]), ...(y === null ? [] : [['y', y] as const])]);
        const edited = memberTexts(editObject(written(given, space), { x: null, y: added }));
        expect([...edited].filter(([name]) => name !== 'y')).toEqual([...members]);
        expect(edited.get('y')).toBe(added);
      }),
    );
  });

  test('takes out, and replaces once, a member that is there twice or written with escapes', () => {
    expect(editObject('{"a":1,"\\u0061":2,"b":3}', { a: null })).toBe('{"b":3}');
    expect(editObject('{"a":1,"\\u0061":2,"b":3}', { a: '4' })).toBe('{"a":4,"b":3}');
    expect(editObject('{}', { 'a"': '1' })).toBe('{"a\\"":1}');
  });
});

describe('parameters', () => {
  const claims = ['protocolVersion', 'clientInfo', 'clientCapabilities', 'logLevel'].map((name) => `io.modelcontextprotocol/${name}`);
  const meta = objects(['progressToken', 'traceparent', ...claims]);

  test('for a server of 2026-07-28 keep their bytes, and claim what the client is whatever was claimed before', () => {
    fc.assert(
      fc.property(objects(['_meta']), fc.option(meta), fc.boolean(), spaces, (members, own, forged, space) => {
        const before = own === null ? null : written([...own, ...(forged ? claims.map((name) => [name, '"forged"'] as const) : [])], space);
        const params = modernParams(written(before === null ? members : [...members, ['_meta', before]], space), face, traceparent);
        const texts = memberTexts(params);
        const after = memberTexts(texts.get('_meta') ?? '');
        texts.delete('_meta');
        expect([...texts]).toEqual([...members]);
        for (const [name, text] of own ?? []) expect(after.get(name)).toBe(text);
        expect(params).not.toContain('"forged"');
        expect(after.get('io.modelcontextprotocol/clientCapabilities')).toBe(face.capabilities);
      }),
    );
  });

  test('for a server of before keep their bytes, without what it does not know, and with a token of our own', () => {
    const tokens = fc.oneof(
      fc.constantFrom('"a"', '"\\u0061"', '1', '12345678901234567890'),
      fc.string().map((token) => JSON.stringify(token)),
    );
    fc.assert(
      fc.property(objects(['_meta', 'inputResponses', 'requestState']), meta, fc.option(tokens), spaces, (members, own, token, space) => {
        const before = written([...own, ...(token === null ? [] : [['progressToken', token] as const]), ...claims.map((name) => [name, '{}'] as const)], space);
        const given = written([['requestState', '"s"'], ...members, ['inputResponses', '{}'], ['_meta', before]], space);
        const { params, progressToken } = legacyParams(given, '77', traceparent);
        expect(progressToken).toBe(token);
        const texts = memberTexts(params);
        const after = memberTexts(texts.get('_meta') ?? '{}');
        texts.delete('_meta');
        expect([...texts]).toEqual([...members]);
        expect(new Map(after)).toEqual(new Map([...own, ...(token === null ? [] : [['progressToken', '77'] as const])]));
      }),
    );
  });

  test('of a retry are those of the request, with the answers and the state as they were written', () => {
    fc.assert(
      fc.property(
        objects(['inputResponses', 'requestState']),
        objects(),
        fc.option(fc.string().map((state) => JSON.stringify(state))),
        (members, answers, state) => {
          const given = written([...members, ['inputResponses', '{"old":1}'], ['requestState', '"old"']]);
          const texts = memberTexts(retryParams(given, answers, state));
          expect(texts.get('requestState') ?? null).toBe(state);
          expect(new Map(memberTexts(texts.get('inputResponses') ?? '{}'))).toEqual(new Map(answers));
          texts.delete('requestState');
          texts.delete('inputResponses');
          expect([...texts]).toEqual([...members]);
        },
      ),
    );
  });
});

test('a result gets what is missing, and nothing else', () => {
  const result = '{ "tools":[{"n":12345678901234567890}] }';
  expect(modernResult(result, parse(result), 'tools/list')).toBe(
    '{"tools":[{"n":12345678901234567890}],"resultType":"complete","ttlMs":0,"cacheScope":"private"}',
  );
  const whole = '{ "resultType":"complete", "ttlMs":1,"cacheScope":"public" }';
  expect(modernResult(whole, parse(whole), 'tools/list')).toBe(whole);
  const asking = '{ "resultType":"input_required" }';
  expect(modernResult(asking, parse(asking), 'resources/read')).toBe(asking);
});

test('capabilities cross without what nobody would keep', () => {
  const extensions = '{"io.modelcontextprotocol/tasks":{},"io.modelcontextprotocol/ui":{ "x":1 }}';
  expect(legacyCapabilities(`{"roots":{"listChanged":true},"sampling":{ "tools":{} },"tasks":{},"extensions":${extensions}}`)).toBe(
    '{"roots":{},"sampling":{ "tools":{} },"extensions":{"io.modelcontextprotocol/ui":{ "x":1 }}}',
  );
  expect(modernCapabilities(`{"tools":{ "listChanged":true },"tasks":{},"extensions":${extensions}}`)).toBe(
    '{"tools":{ "listChanged":true },"extensions":{"io.modelcontextprotocol/ui":{ "x":1 }}}',
  );
});

test.each([
  ['elicitation/create', {}, {}, false],
  ['elicitation/create', {}, { elicitation: {} }, true],
  ['elicitation/create', {}, { elicitation: { form: {} } }, true],
  ['elicitation/create', {}, { elicitation: { url: {} } }, false],
  ['elicitation/create', { mode: 'url', url: 'https://a.test/' }, { elicitation: { url: {} } }, true],
  ['elicitation/create', { mode: 'url', url: 'javascript:alert(1)' }, { elicitation: { url: {} } }, false],
  ['elicitation/create', { mode: 'url', url: 'file:///etc/passwd' }, { elicitation: { url: {} } }, false],
  ['elicitation/create', { mode: 'url' }, { elicitation: { url: {} } }, false],
  ['elicitation/create', { mode: 'url', url: 'https://a.test/' }, { elicitation: {} }, false],
  ['sampling/createMessage', {}, { sampling: {} }, true],
  ['sampling/createMessage', {}, { elicitation: {} }, false],
  ['roots/list', {}, { roots: {} }, true],
  ['tools/list', {}, { roots: {}, sampling: {}, elicitation: {} }, false],
])('%s %j of a client that declared %j: %s', (method, params, capabilities, expected) => {
  expect(declares(capabilities, method, params)).toBe(expected);
});

test('M22: consent at an address is asked for only of who can give it, and at web pages alone', () => {
  const error = { code: -32_042, data: { elicitations: [{ url: 'https://a.test', elicitationId: 'e' }] } };
  expect(consentNeeded(error, { elicitation: { url: {} } })).toContain('https://a.test');
  for (const [other, capabilities] of [
    [error, { elicitation: {} }],
    [{ ...error, code: -32_602 }, { elicitation: { url: {} } }],
    [{ ...error, data: {} }, { elicitation: { url: {} } }],
  ] as const)
    expect(consentNeeded(other, capabilities)).toBeNull();
});

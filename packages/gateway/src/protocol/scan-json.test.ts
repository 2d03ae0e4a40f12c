import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { scanJson } from './scan-json.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const codeOf = (body: Buffer): string => {
  try {
    scanJson(body);
    return 'accepted';
  } catch (error) {
    return error instanceof Fault ? error.code : String(error);
  }
};

describe('scanJson', () => {
  test('gives what JSON.parse gives, for any document', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        const expected: unknown = JSON.parse(text);
        let actual: unknown;
        try {
          actual = scanJson(bytes(text)).value;
        } catch (error) {
          // The only documents refused here are those with a polluting key in the envelope.
          return error instanceof Fault && error.code === 'invalid_request';
        }
        expect(actual).toEqual(expected);
        return true;
      }),
    );
  });

  test('finds the raw bytes of top-level members whatever stands around them', () => {
    const value = fc.oneof(fc.json({ maxDepth: 3 }), fc.constantFrom('9007199254740993', '1e400', '"\\u00e9\\"]}"', '-0.0'));
    const space = fc.constantFrom('', ' ', '\n', '\t ', '\r\n');
    fc.assert(
      fc.property(value, value, space, space, (id, other, before, after) => {
        const text = `${before}{${after}"other"${before}:${other}${after},${before}"id"${after}:${before}${id}${after}}${before}`;
        const { members } = scanJson(bytes(text), ['id']);
        expect(bytes(text).toString('utf8', members['id']?.start, members['id']?.end)).toBe(id);
      }),
    );
  });

  test('J1: refuses more than 64 levels before building objects, and takes 64', () => {
    const nested = (levels: number): Buffer => bytes(`${'['.repeat(levels)}${']'.repeat(levels)}`);
    expect(codeOf(nested(64))).toBe('accepted');
    expect(codeOf(nested(65))).toBe('invalid_request');
    expect(codeOf(bytes('['.repeat(1_000_000)))).toBe('invalid_request');
  });

  test.each([
    ['the message', '{"id":1,"id":2}'],
    ['the message, once escaped', '{"id":1,"\\u0069d":2}'],
    ['params', '{"params":{"name":"a","name":"b"}}'],
    ['_meta', '{"params":{"_meta":{"k":1,"k":2}}}'],
    ['an object inside _meta', '{"params":{"_meta":{"k":{"a":1,"a":2}}}}'],
  ])('J2: refuses a duplicate key in %s', (_where, text) => {
    expect(codeOf(bytes(text))).toBe('invalid_request');
  });

  test('J2: keys of arguments, results and arrays of objects are data and pass', () => {
    expect(codeOf(bytes('{"params":{"arguments":{"a":1,"a":2}},"result":{"a":1,"a":2}}'))).toBe('accepted');
    expect(codeOf(bytes('{"params":{"list":[{"a":1},{"a":2}]}}'))).toBe('accepted');
  });

  test.each(['__proto__', 'constructor', 'prototype'])('J5: refuses %s in the envelope and leaves it alone in arguments', (key) => {
    expect(codeOf(bytes(`{"${key}":{}}`))).toBe('invalid_request');
    expect(codeOf(bytes(`{"params":{"${key}":{"polluted":true}}}`))).toBe('invalid_request');
    expect(codeOf(bytes(`{"params":{"arguments":{"${key}":{"polluted":true}}}}`))).toBe('accepted');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each([
    ['truncated', '{"a":'],
    ['two documents', '{} {}'],
    ['a trailing comma', '{"a":1,}'],
    ['a comment', '{/* */}'],
    ['NaN', '{"a":NaN}'],
    ['an unfinished string', '{"a":"'],
    ['a string that ends in a backslash', '{"a":"\\'],
    ['nothing', ''],
    ['closing brackets', ']]}}'],
  ])('J9: %s is a parse error', (_what, text) => {
    expect(codeOf(bytes(text))).toBe('parse_error');
  });

  test.each([
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['a byte order mark', Buffer.from('\ufeff{}')],
    ['UTF-16', Buffer.from('{}', 'utf16le')],
  ])('H15: %s is a parse error', (_what, body) => {
    expect(codeOf(body)).toBe('parse_error');
  });

  test('J6: lone surrogates, NUL and line separators in strings are data', () => {
    expect(scanJson(bytes('{"a":"\\ud800 \\u0000 \u2028"}')).value).toEqual({ a: '\ud800 \u0000 \u2028' });
  });

  test('J7: an envelope of very many keys is refused, a large array and a long string are not', () => {
    const keys = Array.from({ length: 100_000 }, (_, index) => `"k${index}":0`).join(',');
    expect(codeOf(bytes(`{${keys}}`))).toBe('invalid_request');
    expect(codeOf(bytes(`{"params":{"arguments":{${keys}}}}`))).toBe('accepted');
    expect(codeOf(bytes(`{"params":{"arguments":[${'0,'.repeat(1_000_000)}0]}}`))).toBe('accepted');
    expect(codeOf(bytes(`{"a":"${'x'.repeat(4_000_000)}"}`))).toBe('accepted');
  });

  test('finds the traceparent of _meta and no other', () => {
    const value = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01';
    const inMeta = bytes(`{"params":{"_meta":{"a":{"traceparent":"no"},"traceparent": "${value}"}}}`);
    const span = scanJson(inMeta).traceparent;
    expect(inMeta.toString('utf8', span?.start, span?.end)).toBe(value);
    expect(
      scanJson(bytes(`{"traceparent":"${value}","params":{"traceparent":"${value}","arguments":{"_meta":{"traceparent":"${value}"}}}}`)).traceparent,
    ).toBeNull();
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { fieldNames, fieldOf } from './fields.ts';
import { parseQuery } from './parse-query.ts';
import { printQuery } from './print-query.ts';
import { queries } from '../../../../test/support/queries.ts';

function faultOf(text: string): Fault {
  try {
    parseQuery(text);
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown;
    throw thrown;
  }
  throw new Error(`understood: ${text}`);
}

describe('the query language', () => {
  test('reads what the guide shows', () => {
    expect(printQuery(parseQuery('server:github -status:ok dur:>2s cost:>0.5'))).toBe('server:github -status:success dur:>2s cost:>0.5');
    expect(printQuery(parseQuery('tool:(create_* OR "delete repo")  has:policy  time:>=2026-11-27T08:30'))).toBe(
      'tool:(create_* OR "delete repo") has:policy time:>=2026-11-27T08:30:00.000000Z',
    );
    expect(printQuery(parseQuery('timeout -"rate limit" a*b'))).toBe('text:timeout -text:"rate limit" text:a*b');
    expect(printQuery(parseQuery('code:(>=500 OR mcp_timeout OR -32602) tool:a\\*\\ b'))).toBe('code:(>=500 OR mcp_timeout OR -32602) tool:"a* b"');
    expect(parseQuery(' \t\n')).toEqual({ terms: [] });
    for (const name of fieldNames) expect(parseQuery(fieldOf(name).example).terms).toHaveLength(1);
  });

  test.each([
    ['server:github foo:bar', 15, 3, 'there is no field "foo"'],
    ['sever:github', 1, 5, 'server: is near'],
    ['status:eror', 8, 4, 'error is near'],
    ['dur:>2', 6, 1, '"2" cannot be compared'],
    ['dur:fast', 5, 4, '"fast" cannot be compared'],
    ['dur:>0.5us', 6, 5, 'cannot be compared'],
    ['cost:>', 7, 1, 'a value is missing'],
    ['cost:>0.1234567890', 7, 12, 'cannot be compared'],
    ['server:>5', 8, 1, 'server is a word'],
    ['server:', 8, 1, 'a value is missing'],
    ['server:(a b)', 11, 1, 'joined by OR'],
    ['server:(a OR b', 8, 7, 'not closed'],
    ['server:()', 9, 1, 'a value is missing'],
    ['a OR b', 3, 2, 'OR stands only between values'],
    ['NOT a', 1, 3, 'NOT stands only between values'],
    ['(a)', 1, 1, 'a parenthesis stands only behind a field'],
    ['>5', 1, 1, '> stands only behind a field'],
    ['- a', 1, 1, 'nothing stands behind'],
    ['--a', 2, 1, 'one "-" is enough'],
    ['"open', 1, 5, 'the quotes are not closed'],
    ['"a"b', 4, 1, 'a term ends before this'],
    ['tool:a\\b', 7, 2, 'a backslash stands before'],
    ['time:2026-11-27', 6, 10, 'a moment is compared'],
    ['time:>2026-02-31', 7, 10, 'cannot be compared'],
    ['time:>yesterday', 7, 9, 'cannot be compared'],
    ['code:5*', 6, 2, 'this is no number'],
    ['has:nothing', 5, 7, 'there is no field "nothing"'],
    ['has:text', 5, 4, 'every call has text'],
    ['*', 1, 1, 'there is no text'],
    [':a', 1, 1, 'a field is missing'],
    ['a\u0000b', 2, 1, 'no character of a text'],
    ['a\ud800', 2, 1, 'no character of a text'],
    ['a '.repeat(51), 101, 1, 'too many terms'],
    [`tool:(${Array.from({ length: 51 }, () => 'a').join(' OR ')})`, 257, 1, 'too many values'],
    ['a'.repeat(2001), 2001, 1, 'too long'],
  ])('refuses %j with its place', (text, column, length, reason) => {
    const fault = faultOf(text);
    expect(fault.code).toBe('query_invalid');
    expect(fault.message).toContain(`at column ${column}: `);
    expect(fault.message).toContain(reason);
    expect(fault.extra).toEqual({ column, length, expected: expect.stringMatching(/./) as unknown });
  });

  test('of any text is read or refused with a place within it', () => {
    const pieces = fc.constantFrom(
      ...fieldNames.map((name) => `${name}:`),
      'has:',
      'OR',
      'AND',
      '-',
      '"',
      '\\',
      '(',
      ')',
      '*',
      '>=',
      '<',
      ' ',
      '2s',
      '0.5',
      'a',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 60 }),
          fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            parseQuery(text);
          } catch (thrown) {
            if (!(thrown instanceof Fault) || thrown.code !== 'query_invalid') throw thrown;
            const { column, length } = thrown.extra as { column: number; length: number };
            expect(column).toBeGreaterThan(0);
            expect(length).toBeGreaterThan(0);
            expect(column - 1).toBeLessThanOrEqual(text.length);
            expect(column - 1 + length).toBeLessThanOrEqual(text.length + 1);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('reads what it prints as the same query', () => {
    fc.assert(
      fc.property(queries(fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => !/\p{Cc}/u.test(text))), (query) => {
        expect(parseQuery(printQuery(query))).toEqual(query);
      }),
      { numRuns: 1000 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isNoneAsked, onlyValue, quoted, termAt, termsOf, toggleNone, toggleValue, valuesAsked, withoutTerm, withoutValue } from './query-text.ts';

describe('a query as text', () => {
  test('terms end at spaces that are neither quoted nor in parentheses', () => {
    expect(termsOf('server:github -status:ok  "connection reset" tool:(a OR "b c") x\\ y').map(({ text }) => text)).toEqual([
      'server:github',
      '-status:ok',
      '"connection reset"',
      'tool:(a OR "b c")',
      'x\\ y',
    ]);
  });

  test('a filter changes its own term and leaves the others as they were written', () => {
    const query = 'dur:>2s  server:github "a  b"';
    expect(toggleValue(query, 'server', 'jira')).toBe('dur:>2s server:(github OR jira) "a  b"');
    expect(toggleValue('server:(github OR jira)', 'server', 'github')).toBe('server:jira');
    expect(toggleValue('server:jira', 'server', 'jira')).toBe('');
    expect(onlyValue('server:(a OR b) x', 'server', 'c')).toBe('server:c x');
    expect(withoutValue('x', 'client', 'Claude Code')).toBe('x -client:"Claude Code"');
    expect(withoutTerm(query, 1)).toBe('dur:>2s "a  b"');
  });

  test('patterns, comparisons and negations are no values that a box could stand for', () => {
    expect(valuesAsked('tool:create_* -server:a dur:>2s server:b', 'tool')).toEqual([]);
    expect(valuesAsked('-server:a server:b', 'server')).toEqual(['b']);
    expect(toggleValue('tool:create_*', 'tool', 'x')).toBe('tool:create_* tool:x');
  });

  test('calls without the field are asked for and no more', () => {
    const asked = toggleNone('server:a', 'team');
    expect(asked).toBe('server:a -has:team');
    expect(isNoneAsked(asked, 'team')).toBe(true);
    expect(toggleNone(asked, 'team')).toBe('server:a');
  });

  test('any values of a field are read back as they were chosen, whatever stands before them', () => {
    const value = fc.string({ minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.uniqueArray(value, { maxLength: 4 }), fc.constantFrom('', 'dur:>2s', '"a b" -x:(c OR d)'), (values, before) => {
        const query = values.reduce((text, one) => toggleValue(text, 'client', one), before);
        expect(valuesAsked(query, 'client')).toEqual(values);
        expect(values.reduce((text, one) => toggleValue(text, 'client', one), query)).toBe(before);
      }),
    );
  });

  test('a column of the query is of the term that reaches there', () => {
    const at = (column: number): number => termAt('a:b  -c:(d OR e) a:b', column);
    expect([1, 3, 6, 16, 18, 20].map(at)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(at(21)).toBe(-1);
  });

  test('a value in quotes is one value', () => {
    expect(quoted('a.b/c@d-1')).toBe('a.b/c@d-1');
    expect(quoted('say "hi" \\')).toBe('"say \\"hi\\" \\\\"');
    expect(quoted('OR')).toBe('"OR"');
  });
});

import { describe, expect, test } from 'vitest';
import { plain, wantsColor } from './output.ts';
import { table } from './table.ts';

describe('text of others', () => {
  test.each([
    ['a\u001b[2Jb', 'a [2Jb'],
    ['a\u009b31mb', 'a 31mb'],
    ['line\r\nline', 'line line'],
    ['\u202egnp.exe\u202c', 'gnp.exe'],
    ['a\u0000\u0007b', 'a b'],
    ['grün ✓ 你好', 'grün ✓ 你好'],
  ])('%j reaches the terminal as %j', (text, shown) => expect(plain(text)).toBe(shown));

  test('is cut to its bound', () => expect(plain('x'.repeat(1000), 10)).toBe('xxxxxxxxx…'));
});

test('colours follow the terminal, NO_COLOR and CLICOLOR_FORCE', () => {
  expect(wantsColor({}, true)).toBe(true);
  expect(wantsColor({}, false)).toBe(false);
  expect(wantsColor({ TERM: 'dumb' }, true)).toBe(false);
  expect(wantsColor({ CLICOLOR_FORCE: '1' }, false)).toBe(true);
  expect(wantsColor({ NO_COLOR: '1', CLICOLOR_FORCE: '1' }, true)).toBe(false);
});

test('colours in a cell do not move the columns', () => {
  const lines = table(
    [{ title: 'A' }, { title: 'N', align: 'right' }],
    [
      ['\u001b[31mred\u001b[39m', '1'],
      ['longer', '100'],
    ],
    (text) => text,
  ).split('\n');
  expect(lines).toEqual(['A         N', '\u001b[31mred\u001b[39m       1', 'longer  100']);
});

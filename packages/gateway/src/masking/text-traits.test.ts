import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findCredentials } from './credentials.ts';
import type { Span } from './masking-rules.ts';
import { findNumbers } from './numbers.ts';
import { matchesOf, may, traitsOf } from './text-traits.ts';
import { decodeRuns, unwrapCharacters } from './unwrap.ts';

const everything = Object.values(may).reduce((all, bit) => all | bit, 0);

const digits = ['4', '11', '078', '05', '1120', '4111111111111111', 'GB82 WEST 1234 5698 7654 32', 'GB', 'WEST'];
const joints = [' ', '-', '.', ',', '\u00a0', '\n', '\r\n', ':', '_', '"'];
const encoded = [
  'cGFzc3dvcmQ9aHVudGVyMg',
  'cGFzc3dvcmQ9',
  'abcdefghijkl',
  'QUJD',
  'x',
  '=',
  '==',
  '70617373776f7264',
  '7061',
  '70',
  '0x70',
  '0x70, ',
  '70 61 73 73 77 6f 72 64 ',
];
const words = ['password=', 'token: ', 'hunter2x', '%41', '&amp;', '\\u0041', '\u202e', 'é', 'ssn '];
const pieces = fc.constantFrom(...digits, ...joints, ...encoded, ...words);
const texts = fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join(''));

function found(text: string, traits: number): unknown {
  const spans: Span[] = [];
  findNumbers(text, traits, spans);
  findCredentials(text, traits, spans);
  return { spans, runs: decodeRuns(text, traits) };
}

test('what is not tried for want of a trait would have found nothing', () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(found(text, traitsOf(text))).toEqual(found(text, everything));
      if ((traitsOf(text) & may.escape) === 0) expect(unwrapCharacters(text)).toBeNull();
    }),
    { numRuns: 3_000 },
  );
});

test('matches are those of matchAll, empty ones among them', () => {
  for (const [pattern, text] of [
    [/a*/g, 'baac'],
    [/(\d)-?/g, '1-22'],
    [/x/g, ''],
  ] as const)
    expect(matchesOf(pattern, text).map((match) => [match.index, ...match])).toEqual(Array.from(text.matchAll(pattern), (match) => [match.index, ...match]));
});

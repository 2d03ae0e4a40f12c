import { expect, test } from 'vitest';
import { closestWord } from './closest-word.ts';

test.each([
  ['timeot', ['timeout', 'name'], 'timeout'],
  ['litsen', ['listen', 'limits'], 'listen'],
  ['stdoi', ['http', 'stdio'], 'stdio'],
  ['Log', ['log'], 'log'],
  ['xyz', ['timeout', 'name'], null],
  ['b', ['a'], null],
  ['', ['a'], null],
])('%s of %j is %s', (word, candidates, expected) => expect(closestWord(word, candidates)).toBe(expected));

test('a word of any length is judged at once', () => {
  expect(closestWord('x'.repeat(100_000), ['timeout'])).toBeNull();
});

import { expect, test } from 'vitest';
import { spoolNote } from './spool-note.ts';

test.each([
  [1024 ** 2, 'about 17 minutes'],
  [100 * 1024, 'about 2 hours'],
  [1024, 'about 12 days'],
  [1024 ** 3, 'about 1 second'],
  [1024 ** 4, 'about 0 seconds'],
])('a journal that grows by %i bytes a second fills 1 GiB in %s', (bytesPerSecond, text) => {
  expect(spoolNote(bytesPerSecond, 1024 ** 3)).toContain(text);
});

test('without calls there is nothing to say', () => {
  expect([spoolNote(null, 1), spoolNote(0, 1)]).toEqual([null, null]);
});

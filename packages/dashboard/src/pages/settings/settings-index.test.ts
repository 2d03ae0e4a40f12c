import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findSettings } from './settings-index.ts';

test('a setting is found by each word that people have for it, in any order', () => {
  expect(findSettings('size disk').map(({ title }) => title)).toEqual(['Retention']);
  expect(findSettings('DARK').map(({ part }) => part)).toEqual(['appearance']);
  expect(findSettings('nothing of it')).toEqual([]);
});

test('every heading of the settings can be found', () => {
  const headings = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.tsx'))
    .flatMap((file) => [...readFileSync(join(import.meta.dirname, file), 'utf8').matchAll(/<Part\s+title="([^"]+)"/g)].map(([, title = '']) => title));
  expect(headings.length).toBeGreaterThan(8);
  // What is only there when something is wrong is not looked for.
  expect(headings.filter((title) => title !== 'The newest version was refused').sort()).toEqual(
    findSettings('')
      .map(({ title }) => title)
      .sort(),
  );
});

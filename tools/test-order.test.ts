import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { longFiles, rankOf } from './test-order.ts';

test('what begins first is there, and comes before all else in its order', () => {
  const root = dirname(import.meta.dirname);
  const files = longFiles.map((file) => join(root, file));
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
  expect([...files, import.meta.filename].map(rankOf)).toEqual([...files, ''].map((_, place) => place));
});

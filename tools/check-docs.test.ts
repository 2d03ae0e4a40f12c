import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkDocs } from './check-docs.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gatewayops-docs-'));
  write({ 'package.json': '{"scripts":{"lint":"x"}}' });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

test('links to files, folders and headings that exist pass', async () => {
  write({
    'README.md': '# A\n\n[b](docs/b.md) [folder](docs/) [heading](docs/b.md#two-words--code) [own](#a) [away](https://example.com/x#y)\n',
    'docs/b.md': '## Two words & `code`\n\n[up](../README.md#a)\n\n`npm run lint`\n',
  });
  expect(await checkDocs(root, [])).toEqual({ documents: 2, links: 5, faults: [] });
});

test('links to nothing are found with their place', async () => {
  write({ 'a.md': '# A\n\n[file](b.md)\n[heading](#b)\n[out](../../x.md)\n', 'docs/c.md': '![image](c.png)\n' });
  expect((await checkDocs(root, [])).faults).toEqual([
    'a.md:3: the link b.md leads to no file',
    'a.md:4: the link #b leads to no heading of a.md',
    'a.md:5: the link ../../x.md leads out of the repository',
    'docs/c.md:1: the link c.png leads to no file',
  ]);
});

test('links inside code are no links', async () => {
  write({ 'a.md': '```\n[x](nothing.md)\n```\n`[y](nothing.md)`\n' });
  expect((await checkDocs(root, [])).faults).toEqual([]);
});

test('a command that is no script is found', async () => {
  write({ 'a.md': 'Run\n`npm run fly`.\n' });
  expect((await checkDocs(root, [])).faults).toEqual(['a.md:2: there is no script "fly" in package.json']);
});

test('a generated document that is missing or differs from its source is found', async () => {
  write({ 'docs/old.md': 'old\n', 'docs/same.md': 'same\n' });
  const { faults } = await checkDocs(root, [
    { path: 'docs/old.md', render: () => 'new\n' },
    { path: 'docs/same.md', render: () => 'same\n' },
    { path: 'docs/none.md', render: () => 'x\n' },
  ]);
  expect(faults).toEqual([expect.stringMatching(/^docs\/old\.md:1: differs/), expect.stringMatching(/^docs\/none\.md:1: is missing/)]);
});

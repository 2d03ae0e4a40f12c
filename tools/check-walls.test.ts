import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkWalls, gatewayWalls, sdkWalls } from './check-walls.ts';

let source: string;
beforeEach(() => {
  source = mkdtempSync(join(tmpdir(), 'gatewayops-walls-'));
});
afterEach(() => rmSync(source, { recursive: true, force: true }));

function write(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(source, path)), { recursive: true });
    writeFileSync(join(source, path), text);
  }
}

const check = () => checkWalls(source, gatewayWalls);

describe('a breach is found', () => {
  test.each([
    [
      'a room of the rail that imports another',
      'cache/result-cache.ts',
      `import { send } from '../upstream/send.ts';`,
      'cache may import only types from upstream/send.ts',
    ],
    ['a re-export', 'cache/result-cache.ts', `export { send } from '../upstream/send.ts';`, 'cache may import only types from upstream/send.ts'],
    ['a dynamic import', 'cache/result-cache.ts', `await import('../upstream/send.ts');`, 'cache may import only types from upstream/send.ts'],
    ['an import for its effect', 'cache/result-cache.ts', `import '../upstream/send.ts';`, 'cache may import only types from upstream/send.ts'],
    [
      'one value among types',
      'cache/result-cache.ts',
      `import { type A, send } from '../upstream/send.ts';`,
      'cache may import only types from upstream/send.ts',
    ],
    ['a computed import', 'cache/result-cache.ts', `await import(name);`, 'import(name) cannot be checked: write the path as a literal'],
    [
      'the rail that knows the registry',
      'limit/limit.ts',
      `import type { Row } from '../store/registry/keys.ts';`,
      'limit may not know store/registry/keys.ts, not even its types',
    ],
    [
      'the kernel that knows a room',
      'kernel/fault.ts',
      `import type { Row } from '../cache/result-cache.ts';`,
      'kernel may not know cache/result-cache.ts, not even its types',
    ],
    [
      'a store that imports a room',
      'store/ledger/calls.ts',
      `import { columns } from '../../record/call-row.ts';`,
      'store may import only types from record/call-row.ts',
    ],
    ['an unknown room', 'surprise/a.ts', `import { b } from '../cache/result-cache.ts';`, 'no wall stands for this file'],
    ['source that imports a test', 'cache/result-cache.ts', `import { b } from './result-cache.test.ts';`, 'only tests import tests'],
    ['source that imports the test runner', 'cache/result-cache.ts', `import { expect } from 'vitest';`, 'only tests import vitest'],
    ['a way around process.env', 'cache/result-cache.ts', `import { env } from 'node:process';`, 'the environment is read in config/ only'],
    ['a path out of the package', 'cache/result-cache.ts', `import { b } from '../../tools/b.ts';`, 'lies outside of src'],
    ['a file that cannot be read', 'cache/result-cache.ts', `import { from;`, 'cannot be parsed'],
  ])('%s', (_what, path, text, expected) => {
    write({ [path]: `\n${text}\n` });
    const { breaches } = check();
    expect(breaches).toHaveLength(1);
    expect(breaches[0]).toContain(expected);
    expect(breaches[0]).toMatch(new RegExp(`^${path}:\\d+: `));
  });

  test('a folder whose name says nothing', () => {
    write({ 'cache/utils/pick.ts': 'export const a = 1;\n' });
    expect(check().breaches).toEqual([expect.stringMatching(/^cache\/utils:1: /)]);
  });
});

describe('what is allowed passes', () => {
  test.each([
    ['types of another room', 'cache/result-cache.ts', `import type { Grant } from '../authorise/grant.ts';`],
    ['types marked one by one', 'cache/result-cache.ts', `import { type Grant } from '../authorise/grant.ts';`],
    ['its own files', 'cache/result-cache.ts', `import { pick } from './inner/pick.ts';`],
    ['the kernel', 'cache/result-cache.ts', `import { Fault } from '../kernel/fault.ts';`],
    ['the spine that imports the way of a call', 'exchange/serve-call.ts', `import { resultCache } from '../cache/result-cache.ts';`],
    ['the file that constructs everything', 'assemble.ts', `import { control } from './control/keys/create-key.ts';`],
    ['the API over the control plane', 'api/keys.ts', `import { createKey } from '../control/keys/create-key.ts';`],
    ['packages', 'cache/result-cache.ts', `import { Pool } from 'undici';`],
    ['a test of whatever it needs', 'cache/result-cache.test.ts', `import { send } from '../upstream/send.ts';`],
  ])('%s', (_what, path, text) => {
    write({ [path]: text });
    expect(check().breaches).toEqual([]);
  });
});

test('imports are counted, those of tests apart', () => {
  write({
    'cache/result-cache.ts': `import { a } from './a.ts';\nimport { Fault } from '../kernel/fault.ts';\nimport { Pool } from 'undici';\n`,
    'cache/result-cache.test.ts': `import { resultCache } from './result-cache.ts';\n`,
  });
  expect(check()).toMatchObject({ files: 2, imports: 2, testImports: 1 });
});

test('the SDK imports its own files and nothing else', () => {
  write({
    'a.ts': `import { b } from './b.ts';\n`,
    'b.ts': `import { createHash } from 'node:crypto';\n`,
    'c.ts': `import type { Fault } from '../../gateway/src/kernel/fault.ts';\n`,
    'b.test.ts': `import { createServer } from 'node:http';\n`,
  });
  expect(checkWalls(source, sdkWalls).breaches).toEqual([
    'b.ts:1: no package is imported here: node:crypto',
    'c.ts:1: ../../gateway/src/kernel/fault.ts lies outside of src',
  ]);
});

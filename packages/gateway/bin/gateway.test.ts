import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findPinnedNode, isSupportedNode } from './pinned-node.js';

/**
 * A package folder with the launcher and a program of the test's own. The launcher is told that it runs on Node.js 20 by a
 * preloaded module, so that it must start the pinned one.
 */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewayops-launcher-'));
  cpSync(import.meta.dirname, join(folder, 'bin'), { recursive: true });
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(folder, 'old.mjs'),
    `if (!process.env.PINNED) Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.0.0' } });\n`,
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(text: string): void {
  writeFileSync(join(folder, 'src', 'main.ts'), text);
}

/** The pinned Node.js: a script that marks the process and goes on with the one that runs this test. */
function pin(version = '24.21.0'): void {
  const installed = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`);
  mkdirSync(join(installed, 'bin'), { recursive: true });
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ version }));
  writeFileSync(join(installed, 'bin', 'node'), `#!/bin/sh\nPINNED=1 exec "${process.execPath}" "$@"\n`, { mode: 0o755 });
}

const launcher = () => join(folder, 'bin', 'gateway.js');
const old = () => ['--import', join(folder, 'old.mjs'), launcher()];
const run = (args: readonly string[]) => spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });

test('on the right Node.js the program runs as written, with its arguments', () => {
  program(`const words: string[] = process.argv.slice(2);\nconsole.log(words.join(' '), process.env.PINNED ?? 'same');\nprocess.exitCode = 6;\n`);
  expect(run([launcher(), 'validate', '--config', 'x'])).toMatchObject({ stdout: 'validate --config x same\n', status: 6 });
});

test.each([
  ['its home', { HOME: '{folder}/home' }, 'home/.cache/gatewayops'],
  ['the cache of its user', { HOME: '/nowhere', XDG_CACHE_HOME: '{folder}/cache' }, 'cache/gatewayops'],
  ['nowhere, where it has no home', { HOME: '' }, null],
  ['nowhere, where that is no fixed place', { HOME: '/nowhere', XDG_CACHE_HOME: 'cache' }, null],
])('keeps compiled code in %s', (_where, env, kept) => {
  program(`import { getCompileCacheDir } from 'node:module';\nconsole.log(getCompileCacheDir() ?? 'none');\n`);
  const given = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replace('{folder}', folder)]));
  const { stdout, status } = spawnSync(process.execPath, [launcher()], { encoding: 'utf8', timeout: 20_000, cwd: folder, env: given });
  expect([stdout.startsWith(kept === null ? 'none' : join(folder, kept)), status]).toEqual([true, 0]);
});

test('runs for a user that the system does not know, as in a container', () => {
  writeFileSync(
    join(folder, 'nobody.mjs'),
    `import module from 'node:module';\nimport os from 'node:os';\nos.homedir = () => { throw new Error('uv_os_homedir returned ENOENT'); };\nmodule.syncBuiltinESMExports();\n`,
  );
  program(`console.log('runs');\n`);
  expect(run(['--import', join(folder, 'nobody.mjs'), launcher()])).toMatchObject({ stdout: 'runs\n', stderr: '', status: 0 });
});

test('a link to the launcher, as npm makes one, runs the program too', () => {
  program(`console.log('linked');\n`);
  symlinkSync(launcher(), join(folder, 'gateway'));
  expect(run([join(folder, 'gateway')])).toMatchObject({ stdout: 'linked\n', status: 0 });
});

test('on another Node.js the pinned one takes over, with arguments, output and exit code', () => {
  pin();
  program(`console.log(process.argv.slice(2).join(' '), process.env.PINNED);\nprocess.exitCode = 7;\n`);
  expect(run([...old(), 'start', '-o', 'json'])).toMatchObject({ stdout: 'start -o json 1\n', status: 7 });
});

test('a signal reaches the program, and its end by a signal is passed on', async () => {
  pin();
  program(`process.on('SIGTERM', () => { console.log('draining'); process.removeAllListeners('SIGTERM'); process.kill(process.pid, 'SIGTERM'); });
setInterval(() => {}, 1000);
console.log('ready');\n`);
  const child = spawn(process.execPath, old(), { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output === 'ready\n') child.kill('SIGTERM');
  });
  const signal = await new Promise((resolve) => {
    child.on('close', (_code, name) => resolve(name));
  });
  expect({ output, signal }).toEqual({ output: 'ready\ndraining\n', signal: 'SIGTERM' });
});

test('without a pinned Node.js the launcher says what is missing and how to mend it', () => {
  program(`console.log('must not run');\n`);
  const { stdout, stderr, status } = run(old());
  expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
  expect(stderr).toMatch(
    /^error: this program needs Node\.js 24 .*\ncause: .*\nfix: run `npm install --include=optional` in the checkout; or install Node\.js 24 .*\n$/,
  );
});

test('the pinned Node.js is found from any folder below', () => {
  pin();
  const deep = join(folder, 'a', 'b');
  mkdirSync(deep, { recursive: true });
  expect(findPinnedNode(deep)).toBe(join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node'));
});

test('one of another version is not taken', () => {
  pin('20.0.0');
  expect(findPinnedNode(folder)).toBe(null);
});

test.each([
  ['24.18.0', true],
  ['24.21.0', true],
  ['24.17.9', false],
  ['20.20.2', false],
  ['25.0.0', false],
])('Node.js %s: %s', (version, supported) => {
  expect(isSupportedNode(version)).toBe(supported);
});

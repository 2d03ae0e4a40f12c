import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../test/support/poll.ts';
import { isAlive } from '../test/support/processes.ts';
import { explainFailure, installState } from './install.mjs';

describe('what is installed is compared with the lock file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatewayops-install-'));
    mkdirSync(join(folder, 'node_modules'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  type Packages = Record<string, { version?: string; integrity?: string; optional?: boolean; link?: boolean }>;
  const wanted = (packages: Packages) => writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages }));
  const installed = (packages: Packages) => writeFileSync(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
  const a = { version: '1.0.0', integrity: 'sha512-a' };

  test('an empty folder is absent, half of an installation is unfinished, also one that replaced another', () => {
    wanted({ 'node_modules/a': a });
    expect(installState(folder)).toBe('absent');
    mkdirSync(join(folder, 'node_modules', 'a'));
    expect(installState(folder)).toBe('unfinished');
    installed({ 'node_modules/a': a });
    expect(installState(folder)).toBe('in step');
    writeFileSync(join(folder, 'node_modules', '.gatewayops-installing'), '1');
    expect(installState(folder)).toBe('unfinished');
  });

  test('the same packages are in step; workspaces and binaries for other systems do not count', () => {
    wanted({ '': {}, 'packages/gateway': { version: '0.1.0' }, 'node_modules/a': a, 'node_modules/other-system': { ...a, optional: true } });
    installed({ 'node_modules/a': a });
    expect(installState(folder)).toBe('in step');
  });

  test.each<[string, Packages]>([
    ['a package that is missing', {}],
    ['another version', { 'node_modules/a': { ...a, version: '0.9.0' } }],
    ['other bytes', { 'node_modules/a': { ...a, integrity: 'sha512-b' } }],
  ])('%s is stale', (_what, packages) => {
    wanted({ 'node_modules/a': a });
    installed(packages);
    expect(installState(folder)).toBe('stale');
  });
});

describe('a checkout whose installation', () => {
  let folder: string;
  const started: number[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatewayops-checkout-'));
    mkdirSync(join(folder, 'tools'));
    for (const name of ['install.mjs', 'run-npm.mjs']) cpSync(join(import.meta.dirname, name), join(folder, 'tools', name));
    mkdirSync(join(folder, 'packages', 'gateway', 'bin'), { recursive: true });
    cpSync(join(import.meta.dirname, '..', 'packages', 'gateway', 'bin', 'pinned-node.js'), join(folder, 'packages', 'gateway', 'bin', 'pinned-node.js'));
    writeFileSync(join(folder, 'package-lock.json'), '{"packages":{"node_modules/a":{"version":"1.0.0"}}}');
    writeFileSync(join(folder, 'go.mjs'), `import { ensureInstalled } from './tools/install.mjs';\nawait ensureInstalled();\nconsole.log('installed');\n`);
    // Stands for npm: writes half of a package, waits for leave, writes the rest and its own lock file. Like npm it has a
    // process beside it, and is in no hurry to end when it is asked to.
    writeFileSync(
      join(folder, 'npm-cli.js'),
      `const { spawn } = require('node:child_process');
const fs = require('node:fs');
process.on('SIGINT', () => {}); process.on('SIGTERM', () => {});
fs.appendFileSync('npm.log', (fs.existsSync('node_modules/a') ? 'over the rest' : 'anew') + '\\n');
fs.mkdirSync('node_modules/a', { recursive: true });
const beside = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
fs.writeFileSync('npm.pids', process.pid + ' ' + beside.pid);
setInterval(() => {
  if (!fs.existsSync('leave')) return;
  beside.kill('SIGKILL');
  fs.writeFileSync('node_modules/.package-lock.json', '{"packages":{"node_modules/a":{"version":"1.0.0"}}}');
  process.exit(0);
}, 20);
`,
    );
  });
  afterEach(() => {
    for (const pid of [...started, ...npmPids()]) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const npmPids = (): number[] => (existsSync(join(folder, 'npm.pids')) ? readFileSync(join(folder, 'npm.pids'), 'utf8').split(' ').map(Number) : []);
  const npmRuns = (): Promise<number[]> => until(() => (npmPids().length === 2 ? npmPids() : null), { what: 'npm to begin' });
  const run = () => {
    const child = spawn(process.execPath, ['go.mjs'], { cwd: folder, env: { ...process.env, npm_execpath: join(folder, 'npm-cli.js') } });
    started.push(child.pid ?? 0);
    const seen = { text: '' };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (seen.text += chunk.toString()));
    const ended = new Promise<number | string | null>((resolve) => {
      child.on('close', (code, signal) => resolve(signal ?? code));
    });
    return { child, seen, ended };
  };

  test.each(['SIGINT', 'SIGTERM'] as const)('is interrupted by %s leaves no process, says so, and begins anew the next time', async (signal) => {
    const first = run();
    const pids = await npmRuns();
    first.child.kill(signal);
    expect(await first.ended).toBe(signal);
    expect(first.seen.text).toContain('The installation was interrupted');
    await until(() => !pids.some(isAlive), { what: 'npm and what it started to end' });

    writeFileSync(join(folder, 'leave'), '');
    const second = run();
    expect(await second.ended).toBe(0);
    expect(second.seen.text).toContain('The last installation did not finish');
    expect(readFileSync(join(folder, 'npm.log'), 'utf8')).toBe('anew\nanew\n');
    expect(installState(folder)).toBe('in step');
  });

  test('is killed outright begins anew too, once what it left behind has ended', async () => {
    const first = run();
    const [npm = 0] = await npmRuns();
    first.child.kill('SIGKILL');
    await first.ended;
    const second = run();
    await until(() => second.seen.text.includes(`(process ${npm}); waiting`), { what: 'the second to wait for the npm of the first' });
    for (const pid of npmPids()) process.kill(pid, 'SIGKILL');
    await until(() => second.seen.text.includes('The last installation did not finish'));
    writeFileSync(join(folder, 'leave'), '');
    expect(await second.ended).toBe(0);
    expect(readFileSync(join(folder, 'npm.log'), 'utf8')).toBe('anew\nanew\n');
  });

  test('is under way is waited for, not joined', async () => {
    const first = run();
    await npmRuns();
    const second = run();
    await until(() => second.seen.text.includes('waiting for it'));
    writeFileSync(join(folder, 'leave'), '');
    expect(await Promise.all([first.ended, second.ended])).toEqual([0, 0]);
    expect(second.seen.text).toContain('installed');
    expect(readFileSync(join(folder, 'npm.log'), 'utf8')).toBe('anew\n');
  });
});

test.each([
  ['npm error code ECONNREFUSED\nnpm error syscall connect', 'the package registry cannot be reached'],
  ['npm error code EACCES\nnpm error syscall mkdir', 'this user may not write the checkout or the cache of npm'],
  ['npm error code ENOSPC', 'the disk is full'],
  ['npm error code SELF_SIGNED_CERT_IN_CHAIN', 'the certificate of the package registry is not trusted here'],
  ['npm error something new', 'npm says it above'],
])('a failed installation names its cause and a fix: %j', (output, cause) => {
  expect(explainFailure(output)).toEqual([`cause: ${cause}`, expect.stringMatching(/^fix: ./)]);
});

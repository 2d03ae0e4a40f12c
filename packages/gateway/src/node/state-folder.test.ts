import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { openStateFolder, requireTrusted, stateFolderOwner } from './state-folder.ts';
import { statePaths } from './state-paths.ts';

let root: string;
let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gwo-'));
  folder = join(root, 'state');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

test('everything in it that is not a secret is for its owner alone too', () => {
  const { paths, release } = openStateFolder(folder);
  for (const path of [paths.root, paths.journal, paths.sockets]) expect(statSync(path).mode & 0o777).toBe(0o700);
  for (const path of [paths.lock, join(paths.root, 'node')]) expect(statSync(path).mode & 0o777).toBe(0o600);
  release();
});

test('a file in the way of the folder is said', () => {
  writeFileSync(folder, '');
  for (const path of [folder, join(folder, 'deeper')]) expect(() => openStateFolder(path)).toThrow(/a file is in the way of a folder/);
});

test.skipIf(process.platform !== 'linux')('a place where no folder can be made is said, and ends the start', () => {
  expect(() => openStateFolder('/proc/gatewayops/state')).toThrow(/no folder can be made there/);
});

test('each start has a name of its own, later than those before', () => {
  const boots = Array.from({ length: 3 }, () => {
    const { boot, release } = openStateFolder(folder);
    release();
    return boot;
  });
  expect(new Set(boots).size).toBe(3);
  const times = boots.map((boot) => boot.slice(0, 9));
  expect(times.toSorted()).toEqual(times);
});

test('who holds it is known to others, and nobody does after its release', () => {
  expect(stateFolderOwner(folder)).toBeNull();
  const held = openStateFolder(folder);
  expect(stateFolderOwner(folder)).toBe(process.pid);
  held.release();
  expect(stateFolderOwner(folder)).toBeNull();
  writeFileSync(held.paths.lock, '4194304 1\n');
  expect(stateFolderOwner(folder)).toBeNull();
  // What another one holds by now is not its to give away.
  held.release();
  expect(readFileSync(held.paths.lock, 'utf8')).toBe('4194304 1\n');
});

test.skipIf(process.platform !== 'linux')('the lock of a process that has ended, and whose parent has not noticed, is taken over', async () => {
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(parent);
  const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk))));
  const startTime = await until(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? fields[19] : null;
  });
  mkdirSync(folder);
  writeFileSync(join(folder, 'lock'), `${pid} ${startTime}\n`);
  expect(stateFolderOwner(folder)).toBeNull();
  openStateFolder(folder).release();
});

test('a lock that is no file is not replaced', () => {
  mkdirSync(join(folder, 'lock'), { recursive: true });
  expect(() => openStateFolder(folder)).toThrow(expect.objectContaining({ code: 'state_broken' }));
  expect(readdirSync(folder)).toContain('lock');
});

describe.skipIf(process.getuid?.() !== 0)('a folder for sockets that somebody else made in the temporary folder', () => {
  const deep = (): string => join(root, 'a-folder-in-a-folder'.repeat(6), 'state');

  test.each([
    ['is refused', 65_534, false],
    ['of root, or of the owner of the state folder, is taken', 0, true],
  ])('%s', (_what, uid, taken) => {
    const { sockets } = statePaths(deep());
    mkdirSync(sockets, { mode: 0o777 });
    try {
      chownSync(sockets, uid, uid);
      if (taken) openStateFolder(deep()).release();
      else {
        expect(() => openStateFolder(deep())).toThrow(expect.objectContaining({ code: 'state_broken', message: expect.stringContaining(sockets) as unknown }));
        expect(() => requireTrusted(statePaths(deep()))).toThrow(/another user/);
      }
    } finally {
      rmSync(sockets, { recursive: true });
    }
  });

  test('is refused where it is a link', () => {
    const { sockets } = statePaths(deep());
    symlinkSync(root, sockets);
    try {
      expect(() => openStateFolder(deep())).toThrow(expect.objectContaining({ code: 'state_broken' }));
    } finally {
      rmSync(sockets);
    }
  });
});

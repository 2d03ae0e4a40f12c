import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStateFolder } from './state-folder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lockOf = (): string => readFileSync(join(folder, 'lock'), 'utf8');

describe('the state folder', () => {
  test('is for its owner alone; name and keys are made once and stay', () => {
    const first = openStateFolder(folder);
    const [seal, events] = [first.secret('seal'), first.secret('events')];
    expect([seal.length, events.length, seal.equals(events)]).toEqual([32, 32, false]);
    expect(statSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'secrets', 'seal.key')).mode & 0o777).toBe(0o600);
    first.release();
    const second = openStateFolder(folder);
    expect([second.node, second.secret('seal'), second.secret('events')]).toEqual([first.node, seal, events]);
    expect(second.boot).not.toBe(first.boot);
    second.release();
  });

  test('is refused while its owner lives, and free again after its release', () => {
    const held = openStateFolder(folder);
    expect(() => openStateFolder(folder)).toThrow(expect.objectContaining({ code: 'state_locked', detail: { path: folder, pid: process.pid } }));
    held.release();
    openStateFolder(folder).release();
    expect(readdirSync(folder)).not.toContain('lock');
  });

  test.each([
    ['of a process that is gone', '999999999 1\n'],
    ['whose id now belongs to another process', `${process.pid} 1\n`],
    ['that holds nothing sensible', 'what is this'],
    ['that was never written', ''],
  ])('a lock %s is taken over', (_, text) => {
    writeFileSync(join(folder, 'lock'), text);
    const held = openStateFolder(folder);
    expect(lockOf()).toMatch(new RegExp(`^${process.pid} \\w+\\n$`));
    expect(readdirSync(folder).filter((name) => name.startsWith('lock'))).toEqual(['lock']);
    held.release();
  });

  test('a claim whose owner died on the way does not keep others out; that of a living one does', () => {
    writeFileSync(join(folder, 'lock'), '999999999 1\n');
    writeFileSync(join(folder, 'lock.999999999-1'), '999999998 1\n');
    openStateFolder(folder).release();
    writeFileSync(join(folder, 'lock'), '999999999 1\n');
    writeFileSync(join(folder, 'lock.999999999-1'), `${process.ppid}\n`);
    expect(() => openStateFolder(folder)).toThrow(expect.objectContaining({ code: 'state_locked', detail: { path: folder, pid: process.ppid } }));
  });

  test('of many that find a dead lock at the same moment exactly one gets the folder', { timeout: 60_000 }, async () => {
    const program = `
      const { openStateFolder } = await import(${JSON.stringify(new URL('./state-folder.ts', import.meta.url).href)});
      const [folder, at] = process.argv.slice(1);
      while (Date.now() < Number(at));
      try { openStateFolder(folder); console.log('held'); setInterval(() => {}, 1000); } catch (error) { console.log(error.code); }`;
    for (let round = 0; round < 4; round += 1) {
      const own = join(folder, String(round));
      mkdirSync(own);
      writeFileSync(join(own, 'lock'), '999999999 1\n');
      const at = String(Date.now() + 700);
      const racers = Array.from({ length: 5 }, () =>
        spawn(process.execPath, ['--input-type=module', '-e', program, own, at], { stdio: ['ignore', 'pipe', 'inherit'] }),
      );
      const outcomes = await Promise.all(
        racers.map((racer) => new Promise<string>((resolve) => racer.stdout.once('data', (said: Buffer) => resolve(said.toString().trim())))),
      );
      for (const racer of racers) racer.kill('SIGKILL');
      expect(outcomes.sort()).toEqual(['held', ...Array<string>(4).fill('state_locked')]);
    }
  });
});

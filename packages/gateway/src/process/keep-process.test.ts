import { type ChildProcess, fork, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { keepProcess, whenGone, type KeptProcess, type KeptProcessOptions } from './keep-process.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-process-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kept: KeptProcess[] = [];
afterEach(async () => {
  for (const one of kept.splice(0)) await one.stop();
});

interface Seen {
  readonly process: KeptProcess;
  readonly starts: ChildProcess[];
  readonly downs: { reason: string; restartMs: number }[];
}

function keep(options: Pick<KeptProcessOptions, 'spawn'> & Partial<KeptProcessOptions>): Seen {
  const starts: ChildProcess[] = [];
  const downs: { reason: string; restartMs: number }[] = [];
  const process = keepProcess({
    onStart: (child) => void starts.push(child),
    onDown: (down) => void downs.push(down),
    end: (child) => child.stdin?.end(),
    endTimeoutMs: 5_000,
    restartMs: { first: 10, last: 40 },
    ...options,
  });
  kept.push(process);
  return { process, starts, downs };
}

const shell = (script: string) => (): ChildProcess => spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] });
/** Ends with its input. */
const obedient = shell('read -r line; exit 0');

describe('a program that ends by itself', () => {
  test('is started again, each time later, and it is said why', async () => {
    const { downs, starts } = keep({ spawn: shell('exit 3') });
    await until(() => downs.length >= 4);
    expect(downs.slice(0, 4)).toEqual([10, 20, 40, 40].map((restartMs) => ({ reason: 'exit code 3', restartMs })));
    expect(starts.length).toBeGreaterThanOrEqual(4);
  });

  test('by a signal too', async () => {
    const { process, downs, starts } = keep({ spawn: obedient });
    const first = process.pid() ?? 0;
    starts[0]?.kill('SIGKILL');
    await until(() => downs.length === 1 && process.pid() !== null);
    expect(downs).toEqual([{ reason: 'SIGKILL', restartMs: 10 }]);
    expect(process.pid()).not.toBe(first);
  });
});

describe('a program that cannot be started', () => {
  test('counts as one that ended, and is there when it can be', async () => {
    const program = join(folder, 'program');
    const { process, downs, starts } = keep({ spawn: () => spawn(program, { stdio: ['pipe', 'ignore', 'ignore'] }) });
    await until(() => downs.length >= 2);
    expect(downs[0]?.reason).toContain('ENOENT');
    expect([process.pid(), starts.length]).toEqual([null, 0]);
    writeFileSync(program, '#!/bin/sh\nread -r line\n');
    chmodSync(program, 0o755);
    await until(() => process.pid() !== null);
    expect(starts).toHaveLength(1);
  });

  test('because the start itself throws, likewise', async () => {
    let tries = 0;
    const spawnAtThird = (): ChildProcess => {
      if (++tries < 3) throw new Error('no memory');
      return obedient();
    };
    const { process, downs } = keep({ spawn: spawnAtThird });
    await until(() => process.pid() !== null);
    expect(downs.map(({ reason }) => reason)).toEqual(['no memory', 'no memory']);
  });

  test('does not hold up the stop', async () => {
    const tried: ChildProcess[] = [];
    const spawnNothing = (): ChildProcess => {
      const child = spawn(join(folder, 'nothing'));
      tried.push(child);
      return child;
    };
    const { process, downs } = keep({ spawn: spawnNothing });
    const ends = tried.map(whenGone);
    await process.stop();
    expect(await Promise.all(ends)).toEqual([expect.stringContaining('ENOENT')]);
    expect([tried.length, downs]).toEqual([1, []]);
  });
});

describe('a stop', () => {
  test('asks, waits for the end, and starts nothing again', async () => {
    const { process, downs, starts } = keep({ spawn: obedient });
    await process.stop();
    expect([starts[0]?.exitCode, downs, process.pid()]).toEqual([0, [], null]);
    // A second one has nothing to do.
    await process.stop();
    expect(starts).toHaveLength(1);
  });

  test('kills what does not end', async () => {
    const { process, starts } = keep({ spawn: shell('while :; do sleep 1; done'), endTimeoutMs: 50 });
    await process.stop();
    expect(starts[0]?.signalCode).toBe('SIGKILL');
  });

  test('between two starts prevents the next', async () => {
    const { process, downs, starts } = keep({ spawn: shell('exit 1'), restartMs: { first: 30, last: 30 } });
    await until(() => downs.length === 1);
    await process.stop();
    const other = keep({ spawn: shell('exit 1'), restartMs: { first: 30, last: 30 } });
    await until(() => other.downs.length >= 3);
    expect(starts).toHaveLength(1);
  });
});

test('the end of a program is known only when all it said is heard', async () => {
  const script = join(folder, 'says.mjs');
  writeFileSync(script, `for (let n = 0; n < 200; n++) process.send({ n, text: 'x'.repeat(5000) }, n < 199 ? undefined : () => process.exit(7));\n`);
  const child = fork(script, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  let heard = 0;
  child.on('message', () => heard++);
  expect([await whenGone(child), heard]).toEqual(['exit code 7', 200]);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isAlive } from '../test/support/processes.ts';
import { until } from '../test/support/poll.ts';
import { runNpm } from './run-npm.mjs';

let folder: string;
let shown: string[];
let pids: number[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewayops-npm-'));
  shown = [];
  pids = [];
  vi.spyOn(console, 'error').mockImplementation((line: string) => void shown.push(line));
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => shown.push(String(line)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program in npm's place. */
function run(program: string): ReturnType<typeof runNpm> {
  writeFileSync(join(folder, 'npm-cli.js'), program);
  vi.stubEnv('npm_execpath', join(folder, 'npm-cli.js'));
  return runNpm([], { cwd: folder, onSpawn: (pid) => void pids.push(pid), everyMs: 100, silenceMs: 1_000 });
}

const refused = `console.error('npm http fetch GET http://registry.invalid/a attempt 1 failed with ENOTFOUND');`;
const answered = `console.error('npm http fetch GET 200 http://registry.invalid/a 12ms (cache miss)');`;

test('a registry that never answers ends npm, which would go on for an hour, and says why', async () => {
  const result = await run(`${refused} setInterval(() => {}, 1000);`);
  expect(result).toMatchObject({ unreachable: 'ENOTFOUND', stoppedBy: null, code: null, signal: 'SIGKILL' });
  expect(shown.join('')).toContain('does not answer (ENOTFOUND)');
  await until(() => !pids.some(isAlive));
});

test('one that answers now and then, or is slow and refuses nothing, is waited for', async () => {
  const patient = await run(`${answered} setTimeout(() => process.exit(0), 1500);`);
  expect(patient).toMatchObject({ unreachable: null, code: 0 });
  const flaky = await run(`setInterval(() => { ${refused} ${answered} }, 50); setTimeout(() => process.exit(0), 1500);`);
  expect(flaky).toMatchObject({ unreachable: null, code: 0 });
});

test('what npm says in the end is shown and kept, what it fetches and warns of is not', async () => {
  const result = await run(
    `${answered} console.error('npm warn old lockfile'); console.error('npm warn'); console.error('npm error code EACCES'); console.log('added 2 packages'); process.exitCode = 243;`,
  );
  expect(result).toMatchObject({ code: 243, signal: null });
  expect(result.output.split('\n').sort()).toEqual(['', 'added 2 packages', 'npm error code EACCES']);
  expect(shown.join('')).not.toMatch(/http|warn/);
});

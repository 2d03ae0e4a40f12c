/** The official suite, in both versions, as programs: what is run, how it is read, and what counts as passed. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePath, repositoryFolder } from '../support/node-path.ts';

export interface Suite {
  readonly name: string;
  /** Scenarios that count: all of them must pass. */
  readonly scored: number;
  readonly program: string;
  readonly args: readonly string[];
}

export interface ScenarioResult {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  /** Scenarios of extensions, and such as came after the revision, are run and do not count. */
  readonly scored: boolean;
}

export interface SuiteResult {
  readonly suite: string;
  readonly scenarios: readonly ScenarioResult[];
  readonly scoredPassed: number;
  readonly scored: number;
  readonly passed: boolean;
  readonly seconds: number;
  /** All that the program wrote. */
  readonly output: string;
}

const newer = join(repositoryFolder, 'node_modules', '@modelcontextprotocol', 'conformance', 'dist', 'index.js');
const older = join(repositoryFolder, 'node_modules', 'conformance-0.1', 'dist', 'index.js');

export const suites: readonly Suite[] = [
  { name: '2026-07-28', scored: 37, program: newer, args: ['--requirements', '2026-07-28'] },
  { name: '2025-11-25', scored: 30, program: newer, args: ['--requirements', '2025-11-25'] },
  { name: '0.1.16 all', scored: 32, program: older, args: ['--suite', 'all'] },
];

const suiteTimeoutMs = 150_000;

/** Runs one suite against a server, at most 150 s. The program's own verdict (its exit code) counts as well. */
export async function runSuite(suite: Suite, url: string): Promise<SuiteResult> {
  // It writes result files where it runs.
  const folder = mkdtempSync(join(tmpdir(), 'gwo-suite-'));
  const startedAt = performance.now();
  try {
    const args = [suite.program, 'server', '--url', url, ...suite.args];
    const child = spawn(nodePath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], timeout: suiteTimeoutMs, killSignal: 'SIGKILL' });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const scenarios = readSummary(output);
    const scored = scenarios.filter((scenario) => scenario.scored);
    const scoredPassed = scored.filter(({ failed }) => failed === 0).length;
    const passed = code === 0 && scored.length === suite.scored && scoredPassed === suite.scored;
    return { suite: suite.name, scenarios, scoredPassed, scored: suite.scored, passed, seconds: (performance.now() - startedAt) / 1_000, output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The part of a suite's output that speaks of one scenario: what to read when it failed. */
export function outputOf(result: SuiteResult, scenario: string): string {
  const from = result.output.indexOf(`=== Running scenario: ${scenario} ===`);
  if (from < 0) return '';
  const to = result.output.indexOf('\n=== ', from + 4);
  return result.output.slice(from, to < 0 ? undefined : to).trim();
}

/** The summary at the end: a line a scenario, then (newer version) the names of those that do not count. */
function readSummary(output: string): ScenarioResult[] {
  const summary = output.slice(Math.max(0, output.lastIndexOf('=== SUMMARY ===')));
  const [lines = '', notScored = ''] = summary.split(/^Not scored for .*$/m);
  const uncounted = new Set([...notScored.matchAll(/^ {2}\S (\S+) \(/gm)].map(([, name]) => name));
  return [...lines.matchAll(/^\S (\S+): (\d+) passed, (\d+) failed/gm)].map(([, name = '', passed, failed]) => ({
    name,
    passed: Number(passed),
    failed: Number(failed),
    scored: !uncounted.has(name),
  }));
}

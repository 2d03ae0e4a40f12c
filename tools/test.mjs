/**
 * `npm test`: installs what is missing and runs the tests; arguments are passed to vitest (`npm test -- packages/gateway/src/limit`).
 * `--second-try` runs a few files that failed once more, each in a fresh process, when the others are over: a shared machine may
 * stop a process for seconds at any moment. What then passes is named.
 * The last line on stdout is always `N passed, N failed, N skipped`; the exit code is 0 only when nothing failed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { runNode } from '../packages/gateway/bin/pinned-node.js';
import { ensureDashboard } from './build-dashboard.mjs';
import { ensureInstalled, root } from './install.mjs';

let said = false;
process.on('exit', () => {
  // What ends the run before its tests has said why.
  if (!said) console.log('0 passed, 1 failed, 0 skipped');
});
const node = await ensureInstalled();
ensureDashboard(node);
const bin = join(root, 'node_modules', '.bin');
/** So many files that fail are a defect, not chance. */
const triedAgainMax = 4;
process.chdir(root);
const secondTry = process.argv.includes('--second-try');
const first = await runTests(process.argv.slice(2).filter((argument) => argument !== '--second-try'));
const failing = first.files.filter(({ failed }) => failed.length > 0);
const again =
  secondTry && failing.length > 0 && failing.length <= triedAgainMax && failing.every(({ file }) => file !== '')
    ? await runTests(['--maxWorkers=1', ...failing.map(({ file }) => file)])
    : null;
const files = again === null ? first.files : [...first.files.filter(({ failed }) => failed.length === 0), ...again.files];
const { broken } = again ?? first;

const failed = files.flatMap((file) => file.failed);
const skipped = files.flatMap((file) => file.skipped);
for (const { name, reason } of skipped) console.log(`skipped: ${name}${reason === null ? '' : `: ${reason}`}`);
for (const name of failing.flatMap((file) => file.failed)) if (!failed.includes(name)) console.log(`passed at its second try: ${name}`);
for (const name of failed) console.log(`failed: ${name}`);
if (broken !== null) console.log(`failed: the test run itself ended with ${broken}`);
said = true;
const passed = files.reduce((sum, file) => sum + file.passed, 0);
console.log(`${passed} passed, ${failed.length + (broken === null ? 0 : 1)} failed, ${skipped.length} skipped`);
process.exitCode = broken !== null || failed.length > 0 ? 1 : 0;

/**
 * @param {readonly string[]} args
 * @returns {Promise<{ files: readonly import('./test-reporter.ts').FileSummary[], broken: string | null }>}
 */
async function runTests(args) {
  const scratch = mkdtempSync(join(tmpdir(), 'gatewayops-test-'));
  const summaryFile = join(scratch, 'summary.json');
  // Each file's process, and each engine that it starts, would compile the same packages anew. What is counted line by line is to be compiled as it is run.
  const compiled = args.some((argument) => argument.startsWith('--coverage')) ? {} : { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled') };
  try {
    const { code, signal } = await runNode(
      node,
      ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=./tools/test-reporter.ts', ...args],
      { ...compiled, ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, GATEWAYOPS_TEST_SUMMARY: summaryFile },
    );
    const found = readSummary(summaryFile);
    // A run that broke before or after its tests is a failure too.
    const fine = (code === 0 && signal === null) || found.some((file) => file.failed.length > 0);
    return { files: found, broken: fine ? null : String(signal ?? code) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * @param {string} file
 * @returns {readonly import('./test-reporter.ts').FileSummary[]}
 */
function readSummary(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return [];
  }
}

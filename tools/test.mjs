/**
 * `npm test`: installs what is missing and runs the tests; arguments are passed to vitest (`npm test -- packages/gateway/src/limit`).
 * The last line on stdout is always `N passed, N failed, N skipped`; the exit code is 0 only when nothing failed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { runNode } from '../packages/gateway/bin/pinned-node.js';
import { ensureInstalled, root } from './install.mjs';

let said = false;
process.on('exit', () => {
  // What ends the run before its tests has said why.
  if (!said) console.log('0 passed, 1 failed, 0 skipped');
});
const node = await ensureInstalled();
const bin = join(root, 'node_modules', '.bin');
const scratch = mkdtempSync(join(tmpdir(), 'gatewayops-test-'));
const summaryFile = join(scratch, 'summary.json');

process.chdir(root);
const { code, signal } = await runNode(
  node,
  ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=./tools/test-reporter.ts', ...process.argv.slice(2)],
  { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, GATEWAYOPS_TEST_SUMMARY: summaryFile },
);
const summary = readSummary();
rmSync(scratch, { recursive: true, force: true });

// A run that broke before or after its tests is a failure too.
const broken = (code !== 0 || signal !== null) && summary.failed.length === 0;
for (const { name, reason } of summary.skipped) console.log(`skipped: ${name}${reason === null ? '' : `: ${reason}`}`);
for (const name of summary.flaky) console.log(`passed at its second try: ${name}`);
for (const name of summary.failed) console.log(`failed: ${name}`);
if (broken) console.log(`failed: the test run itself ended with ${signal ?? code}`);
said = true;
console.log(`${summary.passed} passed, ${summary.failed.length + (broken ? 1 : 0)} failed, ${summary.skipped.length} skipped`);
process.exitCode = broken || summary.failed.length > 0 ? 1 : 0;

/** @returns {import('./test-reporter.ts').TestSummary} */
function readSummary() {
  try {
    return JSON.parse(readFileSync(summaryFile, 'utf8'));
  } catch {
    return { passed: 0, failed: [], flaky: [], skipped: [] };
  }
}

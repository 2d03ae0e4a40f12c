/**
 * `npm run lint`: every check of the source that is not a test, in order of speed, with one line each; what a check says
 * is shown when it fails. `npm run lint -- --fix` mends what can be mended by machine first.
 */
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { ensureInstalled, root } from './install.mjs';

const node = await ensureInstalled();
const fix = process.argv.includes('--fix');
const bin = join(root, 'node_modules', '.bin');

const mends = [
  { name: 'oxlint', file: join(bin, 'oxlint'), args: ['--type-aware', '--fix', '--silent'] },
  { name: 'oxfmt', file: join(bin, 'oxfmt'), args: ['--write'] },
  { name: 'docs', file: node, args: ['tools/generate-docs.ts'] },
];
const checks = [
  { name: 'lint', file: join(bin, 'oxlint'), args: ['--type-aware', '--deny-warnings', '--report-unused-disable-directives'] },
  { name: 'format', file: join(bin, 'oxfmt'), args: ['--check'] },
  {
    name: 'types',
    file: join(bin, 'tsc'),
    args: ['-p', '.', '--pretty', 'false', '--incremental', '--tsBuildInfoFile', 'node_modules/.cache/tsc.tsbuildinfo'],
  },
  {
    name: 'types ui',
    file: join(bin, 'tsc'),
    args: ['-p', 'packages/dashboard', '--pretty', 'false', '--incremental', '--tsBuildInfoFile', 'node_modules/.cache/tsc-dashboard.tsbuildinfo'],
  },
  { name: 'walls', file: node, args: ['tools/check-walls.ts'] },
  { name: 'dead code', file: join(bin, 'knip'), args: ['--no-progress'] },
  // What only a test uses is not a feature.
  { name: 'test-only', file: join(bin, 'knip'), args: ['--no-progress', '--production', '--include', 'files,exports'] },
  { name: 'docs', file: node, args: ['tools/check-docs.ts'] },
  // What changes for clients is said, also where it may.
  { name: 'api', file: node, args: ['tools/compare-api.ts'], isShown: true },
];

// A failing mend is found, and shown, by its check.
if (fix) for (const mend of mends) run(mend);

const failed = checks.filter((check) => {
  const started = Date.now();
  const { status, output } = run(check);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'}  ${check.name.padEnd(10)} ${seconds} s`);
  if (status !== 0 || check.isShown === true) console.log(output.trimEnd().replaceAll(/^/gm, '        '));
  return status !== 0;
});

if (failed.length > 0) {
  console.log(
    `\n${failed.length} of ${checks.length} checks failed: ${failed.map((check) => check.name).join(', ')}.${fix ? '' : ' `npm run lint -- --fix` mends format, generated documents and some of the rules.'}`,
  );
  process.exitCode = 1;
}

/** @param {{ file: string, args: string[] }} command */
function run({ file, args }) {
  // The tools are scripts for whatever `node` the path holds: it must be the pinned one.
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
  const result = spawnSync(file, args, { cwd: root, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return { status: result.error ? 127 : result.status, output: `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}` };
}

/**
 * `npm run build:dashboard`: builds packages/dashboard into the gateway's package, where it is older than its source. `npm start` and `npm test` do
 * the same. Says nothing when there is nothing to do.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { ensureInstalled, root } from './install.mjs';

const source = join(root, 'packages', 'dashboard');
/** Has the colours and the icon that the dashboard shares with the pages before it. */
const pages = join(root, 'packages', 'gateway', 'src', 'api', 'pages');
const built = join(root, 'packages', 'gateway', 'ui');
const mark = join(built, 'source.txt');

/**
 * @param {string} node the Node.js to build with
 * @returns {boolean} false where it could not be built: the reason was told
 */
export function ensureDashboard(node) {
  const of = sourceDigest();
  if (isBuilt(of)) return true;
  const started = Date.now();
  console.error('Building the dashboard …');
  // Beside its place first: a gateway that runs, or a build that fails, never sees half of it.
  const next = `${built}.${process.pid}.tmp`;
  const done = spawnSync(node, [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', source, '--outDir', next, '--logLevel', 'warn'], {
    cwd: source,
    encoding: 'utf8',
    env: { ...process.env, NODE_ENV: 'production' },
  });
  if (done.status !== 0) {
    rmSync(next, { recursive: true, force: true });
    console.error(`${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`.trim());
    console.error('The dashboard could not be built; the gateway runs without its pages. `npm run build:dashboard` tries again.');
    return false;
  }
  // The bundler knows scripts alone.
  for (const name of ['@fontsource-variable/geist-mono', '@fontsource-variable/instrument-sans', 'tailwindcss']) {
    const folder = join(root, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    appendFileSync(join(next, 'third-party.md'), `\n## ${name} - ${version} (${license})\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}\n`);
  }
  for (const path of readdirSync(next, { recursive: true, encoding: 'utf8' })) {
    if (!['.js', '.css', '.svg'].includes(extname(path))) continue;
    const content = readFileSync(join(next, path));
    writeFileSync(
      join(next, `${path}.br`),
      brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }),
    );
    writeFileSync(join(next, `${path}.gz`), gzipSync(content, { level: 9 }));
  }
  writeFileSync(join(next, 'source.txt'), of);
  takePlace(next, of);
  console.error(`The dashboard is built, in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
  return true;
}

/**
 * Several may build at once. Each puts away what stands there in one step, so that none takes files out of what another has just put in its place.
 * @param {string} next
 * @param {string} of
 */
function takePlace(next, of) {
  const before = `${built}.${process.pid}.before.tmp`;
  for (let attempt = 1; !isBuilt(of); attempt += 1) {
    try {
      if (existsSync(built)) renameSync(built, before);
      renameSync(next, built);
    } catch (error) {
      // Another was quicker, or is just between its two steps.
      if (attempt === 100) throw error;
    } finally {
      rmSync(before, { recursive: true, force: true });
    }
  }
  rmSync(next, { recursive: true, force: true });
}

/** @param {string} of */
function isBuilt(of) {
  return existsSync(join(built, 'index.html')) && readText(mark) === of;
}

/** Of everything that it is built from. */
function sourceDigest() {
  const digest = createHash('sha256');
  for (const folder of [source, join(root, 'packages', 'sdk', 'src'), pages]) {
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      if (path.includes('node_modules') || path.endsWith('.test.ts') || extname(path) === '') continue;
      if (folder === pages && !['.css', '.svg'].includes(extname(path))) continue;
      digest.update(`${path}\0`).update(readFileSync(join(folder, path)));
    }
  }
  return digest.update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
}

/** @param {string} path */
function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = ensureDashboard(await ensureInstalled()) ? 0 : 1;

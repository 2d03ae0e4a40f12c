/**
 * Brings node_modules in step with package-lock.json when it is not, and says which Node.js to go on with. Plain
 * JavaScript for any Node.js from 20 on, without dependencies: on a fresh machine nothing else is there yet. Everything it
 * says goes to stderr, so that stdout belongs to the command that follows.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { explainMissingNode, findPinnedNode, isSupportedNode } from '../packages/gateway/bin/pinned-node.js';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Installs what is missing; ends the process with a reason and a fix when that fails.
 *
 * @returns {Promise<string>} the absolute path of a Node.js that runs this program
 */
export async function ensureInstalled() {
  const state = installState(root);
  if (state !== 'in step') await install(state);
  const node = findPinnedNode(root) ?? (isSupportedNode(process.versions.node) ? process.execPath : null);
  if (node !== null) return node;
  console.error(explainMissingNode('run `npm install --include=optional` in the checkout'));
  process.exit(1);
}

/**
 * How the installed packages stand to the lock file. npm writes `node_modules/.package-lock.json` as the last step of an
 * installation, so an interrupted one counts as absent.
 *
 * @param {string} folder
 * @returns {'in step' | 'absent' | 'stale'}
 */
export function installState(folder) {
  const installed = readPackages(join(folder, 'node_modules', '.package-lock.json'));
  if (installed === null) return 'absent';
  const wanted = readPackages(join(folder, 'package-lock.json'));
  if (wanted === null) return 'in step';
  for (const [path, entry] of Object.entries(wanted)) {
    // What lies elsewhere are the workspaces themselves; an optional package may be for another system.
    if (!path.includes('node_modules/') || (entry.optional === true && installed[path] === undefined)) continue;
    if (installed[path]?.version !== entry.version || installed[path]?.integrity !== entry.integrity) return 'stale';
  }
  return 'in step';
}

/**
 * @param {string} file a lock file of npm, version 3
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }> | null}
 */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? null;
  } catch {
    return null;
  }
}

/** @param {'absent' | 'stale'} state */
async function install(state) {
  console.error(state === 'absent' ? 'Installing packages (the first time; up to some minutes) …' : 'Bringing packages in step with package-lock.json …');
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const progress = setInterval(() => console.error(`  … still installing, ${seconds()} s`), 5000);
  const result = await runNpm([
    // Takes the versions of the lock file and leaves it alone. `npm ci` would refuse a lock file that lacks the binaries for
    // other systems, as one does that was made against a mirror without them.
    'install',
    '--no-save',
    // NODE_ENV=production or an `omit` in the user's .npmrc would leave out what the tests and the pinned Node.js need.
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    // Some packages want a later Node.js than the one that installs them: the pinned one, which is not there yet.
    '--loglevel=error',
  ]);
  clearInterval(progress);
  if (result.code === 0) {
    console.error(`Packages installed in ${seconds()} s.`);
    return;
  }
  console.error(`\nerror: the packages could not be installed (npm ended with ${result.code ?? result.signal})`);
  for (const line of explainFailure(result.output)) console.error(line);
  process.exit(1);
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<{ code: number | null, signal: string | null, output: string }>}
 */
function runNpm(args) {
  return new Promise((resolve) => {
    const npmCli = process.env['npm_execpath'];
    const [file, before] =
      npmCli !== undefined && basename(npmCli) === 'npm-cli.js' && existsSync(npmCli)
        ? [process.execPath, [npmCli]]
        : [process.platform === 'win32' ? 'npm.cmd' : 'npm', []];
    const child = spawn(file, [...before, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    /** @param {Buffer} chunk */
    const take = (chunk) => {
      process.stderr.write(chunk);
      // Enough to name the cause.
      output = (output + chunk.toString()).slice(-65_536);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => resolve({ code: 127, signal: null, output: `${output}\n${error.message}` }));
    child.on('close', (code, signal) => resolve({ code, signal, output }));
  });
}

/**
 * @param {string} output what npm said
 * @returns {string[]} `cause:` and `fix:`
 */
export function explainFailure(output) {
  const known = [
    {
      sign: /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENETUNREACH|EHOSTUNREACH)\b/,
      cause: 'the package registry cannot be reached',
      fix: 'connect to the network, or set the registry or proxy of this network (`npm config set registry URL`, `npm config set proxy URL`), and run the command again',
    },
    {
      sign: /\b(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_HAS_EXPIRED)\b/,
      cause: 'the certificate of the package registry is not trusted here',
      fix: "set NODE_EXTRA_CA_CERTS to your network's certificate authority, and run the command again",
    },
    {
      sign: /\b(EACCES|EPERM|EROFS)\b/,
      cause: 'this user may not write the checkout or the cache of npm',
      fix: `give this user write access to ${root} and to the folder that \`npm config get cache\` names, and run the command again`,
    },
    { sign: /\bENOSPC\b/, cause: 'the disk is full', fix: 'free about 2 GB and run the command again' },
    { sign: /\bEINTEGRITY\b/, cause: 'a downloaded package is not the one in the lock file', fix: 'run `npm cache clean --force`, then the command again' },
    { sign: /spawn .*npm.* ENOENT/, cause: 'npm is not in the PATH', fix: 'install Node.js with npm (https://nodejs.org/en/download)' },
  ];
  const found = known.find((entry) => entry.sign.test(output));
  return [`cause: ${found?.cause ?? 'npm says it above'}`, `fix: ${found?.fix ?? 'correct what npm names above, and run the command again'}`];
}

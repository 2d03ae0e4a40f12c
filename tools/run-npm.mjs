/**
 * One run of npm: what it says on stderr as it says it, a line of progress now and then, and an early end where the package
 * registry does not answer: npm goes on for an hour then, one package after another.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';

const progressMs = 5000;
/** Longer than npm's first pause before it tries again. */
const silenceMsMax = 20_000;
/** Enough to name the cause. */
const outputCharsMax = 65_536;

/**
 * @typedef {object} NpmResult
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal what ended npm, where it did not end by itself
 * @property {NodeJS.Signals | null} stoppedBy the signal to this process that npm was ended for
 * @property {string | null} unreachable why the registry could not be reached, where npm was ended for it
 * @property {string} output what npm said, its end
 */

/**
 * npm runs in a process group of its own. It would spend half a minute on taking back what it did when it is interrupted,
 * and go on doing so after this process has ended, in the way of the next command: it is killed instead, with whatever it
 * started.
 *
 * @param {readonly string[]} args
 * @param {{ cwd: string, onSpawn: (pid: number) => void, everyMs?: number, silenceMs?: number }} options `everyMs`: between
 *   lines of progress; `silenceMs`: how long the registry may refuse every request
 * @returns {Promise<NpmResult>}
 */
export function runNpm(args, { cwd, onSpawn, everyMs = progressMs, silenceMs = silenceMsMax }) {
  return new Promise((resolve) => {
    const started = Date.now();
    const [file, before] = npmCommand();
    // With what it fetches, to know that it gets anywhere. No warnings: some packages want a later Node.js than the one that
    // installs them, the pinned one, which is not there yet.
    const child = spawn(file, [...before, ...args, '--loglevel=http'], { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' });
    if (child.pid !== undefined) onSpawn(child.pid);

    /** @type {Pick<NpmResult, 'stoppedBy' | 'unreachable'>} */
    const ended = { stoppedBy: null, unreachable: null };
    const kill = () => {
      try {
        if (child.pid !== undefined) process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    };
    /** @param {NodeJS.Signals} signal */
    const stop = (signal) => {
      ended.stoppedBy ??= signal;
      kill();
    };
    /** @type {NodeJS.Signals[]} */
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const name of signals) process.on(name, stop);

    let fetched = 0;
    let answeredAt = started;
    /** @type {string | null} */
    let refusal = null;
    const progress = setInterval(() => {
      const seconds = Math.round((Date.now() - started) / 1000);
      console.error(
        `  … still installing, ${seconds} s${refusal === null ? (fetched > 0 ? `, ${fetched} fetched` : '') : `; the package registry does not answer (${refusal})`}`,
      );
      if (refusal === null || Date.now() - answeredAt < silenceMs) return;
      ended.unreachable = refusal;
      kill();
    }, everyMs);

    let output = '';
    /** @param {string} line */
    const take = (line) => {
      const [, status] = /^npm http fetch \w+ (\d{3}) /.exec(line) ?? [];
      const [, code] = / attempt \d+ failed with (\w+)/.exec(line) ?? [];
      if (status !== undefined) {
        fetched++;
        answeredAt = Date.now();
        refusal = null;
      }
      if (code !== undefined) refusal = code;
      if (/^npm (http|notice|warn)\b/i.test(line)) return;
      process.stderr.write(`${line}\n`);
      output = `${output}${line}\n`.slice(-outputCharsMax);
    };
    for (const stream of [child.stdout, child.stderr]) readLines(stream, take);

    /** @type {(code: number | null, signal: NodeJS.Signals | null) => void} */
    const end = (code, signal) => {
      clearInterval(progress);
      for (const name of signals) process.removeListener(name, stop);
      resolve({ code, signal, ...ended, output });
    };
    child.on('error', (error) => {
      output += error.message;
      end(127, null);
    });
    child.on('close', end);
  });
}

/** The npm that runs this script where one does, else the one in the path. @returns {[string, string[]]} */
function npmCommand() {
  const cli = process.env['npm_execpath'];
  if (cli !== undefined && basename(cli) === 'npm-cli.js' && existsSync(cli)) return [process.execPath, [cli]];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm', []];
}

/**
 * @param {import('node:stream').Readable} stream
 * @param {(line: string) => void} take
 */
function readLines(stream, take) {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (/** @type {string} */ text) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
  stream.on('end', () => {
    if (rest !== '') take(rest);
  });
}

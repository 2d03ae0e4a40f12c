/**
 * A server program for the time of a test: started in a folder of its own, asked until it answers, ended with its folder.
 * It ends with the test process too, however that ends, where `setpriv` (util-linux) is there to arrange it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

export interface TemporaryServer {
  readonly pid: number;
  /** Ends the program (SIGKILL after 10 s) and removes its folder. May be called again. */
  stop(): Promise<void>;
}

export interface TemporaryServerOptions {
  readonly command: readonly [string, ...string[]];
  /** Everything the server keeps; removed at the end. */
  readonly folder: string;
  readonly user: SystemUser | null;
  readonly endSignal: NodeJS.Signals;
  /** Of the program, in the place of the tests' own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default 30 s. */
  readonly startTimeoutMs?: number;
  /** Resolves once the server answers; throws while it does not. */
  readonly probe: () => Promise<void>;
}

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

const usualStartMs = 30_000;
const endTimeoutMs = 10_000;

export async function startTemporaryServer(options: TemporaryServerOptions): Promise<TemporaryServer> {
  if (options.user) chownSync(options.folder, options.user.uid, options.user.gid);
  const [file, ...args] = endsWithParent(options.command, options.user);
  const child = spawn(file, args, { cwd: options.folder, stdio: ['ignore', 'pipe', 'pipe'], ...(options.env === undefined ? {} : { env: options.env }) });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-8192);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (error) => keep(Buffer.from(error.message)));

  async function stop(): Promise<void> {
    await endChild(child, options.endSignal);
    rmSync(options.folder, { recursive: true, force: true });
  }

  const deadline = Date.now() + (options.startTimeoutMs ?? usualStartMs);
  for (;;) {
    try {
      await options.probe();
      return { pid: child.pid ?? 0, stop };
    } catch (cause) {
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined && Date.now() < deadline) {
        await wait(50);
        continue;
      }
      await stop();
      throw new Error(`${options.command[0]} did not start:\n${output}`, { cause });
    }
  }
}

/** The user that a program which refuses root runs as: its own where that exists, else `nobody`; null where we are not root. */
export function unprivilegedUser(name: string): SystemUser | null {
  if (process.getuid?.() !== 0) return null;
  const rows = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const row = rows.find(([user]) => user === name) ?? rows.find(([user]) => user === 'nobody');
  if (row === undefined) throw new Error(`there is neither a user ${name} nor nobody to run as`);
  return { uid: Number(row[2]), gid: Number(row[3]) };
}

/** A loopback port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

/** The kernel ends the program when the process that started it is gone (prctl(2), PR_SET_PDEATHSIG). */
function endsWithParent(command: readonly [string, ...string[]], user: SystemUser | null): readonly [string, ...string[]] {
  const setpriv = '/usr/bin/setpriv';
  const identity = user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : [];
  if (existsSync(setpriv)) return [setpriv, ...identity, '--pdeathsig=KILL', '--', ...command];
  if (user) throw new Error(`${command[0]} refuses root and ${setpriv} is missing: run the tests as another user, or install util-linux`);
  return command;
}

async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), endTimeoutMs);
  await ended;
  clearTimeout(timer);
}

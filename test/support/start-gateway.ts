/**
 * The real program: `gateway start` in processes of its own, with a configuration file and a state folder made for it.
 * Everything that it started ends with `stop()` or `kill9()`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePath, repositoryFolder } from './node-path.ts';
import { isAlive, killTree, processTree } from './processes.ts';
import { until } from './poll.ts';
import type { SystemUser } from './temporary-server.ts';

export interface RunningGateway {
  /** `http://127.0.0.1:{port}` */
  readonly url: string;
  /** Where MCP servers are reached: `{mcp}/{server}`. */
  readonly mcp: string;
  readonly port: number;
  /** The key shown on the first start of a state folder, else null. */
  readonly apiKey: string | null;
  readonly adminLink: string | null;
  readonly stateFolder: string;
  readonly configFile: string;
  /** The process that was spawned; `processTree(pid)` has the rest. */
  readonly pid: number;
  /** Milliseconds from the spawn to the line that says it is ready. */
  readonly readyMs: number;
  /** All that it wrote to its streams so far, the last mebibyte of each. */
  stdout(): string;
  stderr(): string;
  /** SIGTERM, and SIGKILL for what is left after `timeoutMs` (default 35 s). Resolves with the exit code, null when killed. */
  stop(timeoutMs?: number): Promise<number | null>;
  /** SIGKILL to every process of it at once. Resolves when all are gone. */
  kill9(): Promise<void>;
  /** Runs a CLI command against this gateway. */
  cli(...args: string[]): Promise<CommandResult>;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GatewayOptions {
  /** The content of gateway.yaml; `version: 1` is added. */
  readonly config: Readonly<Record<string, unknown>>;
  /** To start again on what another run left. Default: a new one, removed by `removeGatewayFolders`. */
  readonly stateFolder?: string;
  /** Added to PATH, HOME and LANG: the tests' own environment is not passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Default 60 s. */
  readonly readyTimeoutMs?: number;
  /** Told the process as soon as there is one: for tests that do not wait until it is ready. */
  readonly onSpawn?: (pid: number) => void;
}

export const gatewayCommand = join(repositoryFolder, 'packages', 'gateway', 'bin', 'gateway.js');

const outputCharsMax = 1024 * 1024;
const folders = new Set<string>();

export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const folder = temporaryFolder();
  const stateFolder = options.stateFolder ?? join(folder, 'state');
  const configFile = join(folder, 'gateway.yaml');
  mkdirSync(folder, { recursive: true });
  // JSON is YAML (YAML 1.2, 1.3).
  writeFileSync(configFile, JSON.stringify({ version: 1, ...options.config }, null, 2));
  const env = gatewayEnvironment(options.env);
  const startedAt = performance.now();
  const args = ['start', '--config', configFile, '--state', stateFolder, '--listen', '127.0.0.1:0', '-o', 'json', ...(options.args ?? [])];
  const child = spawn(nodePath, [gatewayCommand, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout = keepText(child.stdout);
  const stderr = keepText(child.stderr);
  const pid = child.pid ?? 0;
  options.onSpawn?.(pid);

  try {
    const line = await until(
      () => {
        if (child.exitCode !== null || child.signalCode !== null) throw new GatewayEnded(child, stdout(), stderr());
        const [first, rest] = splitOnce(stdout(), '\n');
        return rest === null ? null : first;
      },
      { timeoutMs: options.readyTimeoutMs ?? 60_000, everyMs: 5, what: 'the gateway to be ready', giveUpOn: (error) => error instanceof GatewayEnded },
    );
    const readyMs = performance.now() - startedAt;
    const ready = JSON.parse(line) as { url: string; mcp: string; admin_link: string | null; api_key: string | null };

    const ended = new Promise<number | null>((resolve) => {
      if (child.exitCode !== null) resolve(child.exitCode);
      else child.once('exit', resolve);
    });
    const kill9 = async (): Promise<void> => {
      const members = processTree(pid);
      killTree(pid);
      await until(() => members.every((member) => !isAlive(member)), { what: 'the killed processes to be gone' });
    };
    return {
      url: ready.url,
      mcp: ready.mcp,
      port: Number(new URL(ready.url).port),
      apiKey: ready.api_key,
      adminLink: ready.admin_link,
      stateFolder,
      configFile,
      pid,
      readyMs,
      stdout,
      stderr,
      kill9,
      async stop(timeoutMs = 35_000) {
        const members = processTree(pid);
        child.kill('SIGTERM');
        const timer = setTimeout(() => killTree(pid), timeoutMs);
        const code = await ended;
        clearTimeout(timer);
        for (const member of members) if (isAlive(member)) process.kill(member, 'SIGKILL');
        return code;
      },
      cli: (...command) => runGateway([...command, '--state', stateFolder], { env, cwd: folder }),
    };
  } catch (error) {
    killTree(pid);
    throw new Error(`the gateway did not start\n${stderr().slice(-4_000)}`, { cause: error });
  }
}

/** Runs one command of the CLI to its end, at most 60 s by default; `user`: as another one than the tests'. */
export async function runGateway(
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; user?: SystemUser | null; timeoutMs?: number } = {},
): Promise<CommandResult> {
  const child = spawn(nodePath, [gatewayCommand, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.env ?? gatewayEnvironment(),
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
    cwd: options.cwd ?? tmpdir(),
    ...options.user,
  });
  const stdout = keepText(child.stdout);
  const stderr = keepText(child.stderr);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, stdout: stdout(), stderr: stderr() };
}

/** A new folder directly under the temporary folder, short enough for sockets; removed when the process ends, if not before. */
export function temporaryFolder(): string {
  if (folders.size === 0) process.once('exit', removeGatewayFolders);
  const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
  folders.add(folder);
  return folder;
}

/** For `afterAll`: removes what this file's gateways left. */
export function removeGatewayFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  folders.clear();
}

/** What a gateway in a test gets from outside: hashing cost at its least, since tests make many keys. */
export function gatewayEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH = '', HOME = tmpdir(), LANG = 'C.UTF-8' } = process.env;
  return { PATH, HOME, LANG, API_KEY_BCRYPT_COST: '10', ...more };
}

class GatewayEnded extends Error {
  constructor(child: ChildProcess, stdout: string, stderr: string) {
    super(`it ended with ${child.signalCode ?? `exit code ${child.exitCode}`}\n${stdout.slice(-2_000)}\n${stderr.slice(-4_000)}`);
  }
}

function keepText(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-outputCharsMax);
  });
  return () => text;
}

function splitOnce(text: string, mark: string): [string, string | null] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + mark.length)];
}

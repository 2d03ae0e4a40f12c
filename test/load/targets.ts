/** What the bench measures: the upstream itself, and each proxy in front of it, as processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodePath } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { processTree } from '../support/processes.ts';
import { type GatewayOptions, type RunningGateway, startGateway } from '../support/start-gateway.ts';
import { freePort } from '../support/temporary-server.ts';

export interface Target {
  readonly name: string;
  readonly port: number;
  readonly path: string;
  /** What a client must send here beside what it sends to all. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The process that carries the calls. */
  readonly pid: number;
  stop(): Promise<void>;
}

const nginxProgram = '/usr/sbin/nginx';

export function startUpstream(): Promise<Target> {
  return startProgram('direct', 'upstream.ts', []);
}

/** @param buffered whether it reads a request's body before it passes it on */
export function startPipe(upstream: Target, buffered: boolean): Promise<Target> {
  return startProgram(buffered ? 'pipe, buffered' : 'pipe', 'dispatch-pipe.ts', [
    '--upstream',
    `http://127.0.0.1:${upstream.port}`,
    ...(buffered ? ['--buffered'] : []),
  ]);
}

async function startProgram(name: string, file: string, args: readonly string[]): Promise<Target> {
  // Their stdin ends with this process, however that ends, and they with it.
  const child = spawn(nodePath, [fileURLToPath(new URL(file, import.meta.url)), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  let line = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (line += text));
  await until(() => line.includes('\n') || child.exitCode !== null, { what: `${file} to be ready` });
  const { port } = JSON.parse(line) as { port: number };
  const sayEnd = (code: number | null, signal: string | null): void => console.error(`${name} ended in the middle: ${signal ?? `exit code ${code}`}`);
  child.once('exit', sayEnd);
  const stop = async (): Promise<void> => {
    child.off('exit', sayEnd);
    await endProcess(child);
  };
  return { name, port, path: '/mcp', headers: [], pid: child.pid ?? 0, stop };
}

/** One worker, keep-alive to the upstream; null with the reason where nginx is not installed. */
export async function startNginx(upstream: Target): Promise<Target | string> {
  const folder = mkdtempSync(join(tmpdir(), 'gwo-nginx-'));
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, port, upstream.port));
  const child = spawn(nginxProgram, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'error.log'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const failure = await new Promise<string | null>((resolve) => {
    child.once('error', () => resolve(`needs ${nginxProgram}, which is not installed; install it with: sudo apt-get install nginx-light`));
    child.once('spawn', () => resolve(null));
  });
  const stop = async (): Promise<void> => {
    if (failure === null) await endProcess(child);
    rmSync(folder, { recursive: true, force: true });
  };
  if (failure !== null) {
    await stop();
    return failure;
  }
  await until(async () => (await fetch(`http://127.0.0.1:${port}/`)).status > 0, { what: 'nginx to listen' });
  return { name: 'nginx', port, path: '/mcp', headers: [], pid: child.pid ?? 0, stop };
}

function nginxConfig(folder: string, port: number, upstreamPort: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ');
  return `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log crit;
events { worker_connections 8192; }
http {
  access_log off; ${temporary}
  keepalive_requests 1000000000;
  upstream u { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`;
}

export interface GatewayTarget extends Target {
  readonly gateway: RunningGateway;
  /** All its processes. */
  pids(): number[];
}

/** Milliseconds from the spawn of a gateway. */
export interface StartTime {
  /** To the first byte of a reply. */
  readonly byteMs: number;
  /** To a call that would be served. */
  readonly readyMs: number;
}

export interface StartTimes {
  /** With an empty state folder. */
  readonly first: StartTime;
  readonly second: StartTime;
}

function configOf(upstream: Target): Readonly<Record<string, unknown>> {
  return {
    servers: [{ name: 'bench', url: `http://127.0.0.1:${upstream.port}/mcp` }],
    rate_limits: [{ scope: 'api_key', limit: 10_000_000, window: '1s', burst: 10_000_000 }],
    pricing: { default: { per_call: 0.001, per_token_input: 0.00001, per_token_output: 0.00003 } },
    workers: 1,
    log: { level: 'warn' },
  };
}

/** One worker, a real key, access, limit and record on. `more`: of its configuration; `earlier`: one that has ended, on whose state folder it goes on. */
export async function startGatewayOnce(
  name: string,
  upstream: Target,
  more: Readonly<Record<string, unknown>>,
  earlier: GatewayTarget | null = null,
): Promise<GatewayTarget> {
  const gateway = await startGateway({ config: { ...configOf(upstream), ...more }, ...(earlier && { stateFolder: earlier.gateway.stateFolder }) });
  const apiKey = gateway.apiKey ?? earlier?.headers[0]?.[1].slice('Bearer '.length) ?? null;
  if (apiKey === null) throw new Error('the first start showed no API key');
  return { ...(await targetOf(gateway, apiKey)), name };
}

/** On a state folder that holds something already, but no key. */
export async function startGatewayIn(stateFolder: string, upstream: Target): Promise<GatewayTarget> {
  const gateway = await startGateway({ config: configOf(upstream), stateFolder });
  if (gateway.apiKey === null) throw new Error('the first start showed no API key');
  return targetOf(gateway, gateway.apiKey);
}

/** Starts it twice on one state folder, the second time to stay: one worker, a real key, access, limit and record on. `more`: of its environment. */
export async function startGatewayTarget(upstream: Target, more: Readonly<Record<string, string>> = {}): Promise<{ target: GatewayTarget; start: StartTimes }> {
  const config = configOf(upstream);
  const env = { API_KEY_BCRYPT_COST: '12', ...more };
  const { gateway: first, time: firstTime } = await startTimed({ config, env });
  const { apiKey } = first;
  await first.stop();
  if (apiKey === null) throw new Error('the first start showed no API key');

  const { gateway, time: secondTime } = await startTimed({ config, env, stateFolder: first.stateFolder });
  return { target: await targetOf(gateway, apiKey), start: { first: firstTime, second: secondTime } };
}

async function startTimed(options: GatewayOptions): Promise<{ gateway: RunningGateway; time: StartTime }> {
  const port = await freePort();
  const startedAt = performance.now();
  const starting = startGateway({ ...options, args: ['--listen', `127.0.0.1:${port}`] });
  const answered = until(async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok && performance.now() - startedAt, {
    timeoutMs: 60_000,
    everyMs: 5,
    what: 'the first byte of the gateway',
  });
  const [gateway, byteMs] = await Promise.all([starting, answered]);
  return { gateway, time: { byteMs, readyMs: gateway.readyMs } };
}

async function targetOf(gateway: RunningGateway, apiKey: string): Promise<GatewayTarget> {
  const pids = (): number[] => processTree(gateway.pid);
  const worker = await until(() => pids().find(isClusterWorker), { what: 'the worker process' });
  return {
    name: 'gateway',
    port: gateway.port,
    path: '/mcp/bench',
    headers: [['Authorization', `Bearer ${apiKey}`]],
    pid: worker,
    gateway,
    pids,
    stop: async () => void (await gateway.stop()),
  };
}

/** Node gives a cluster worker its number in the environment. */
function isClusterWorker(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes('NODE_UNIQUE_ID=');
  } catch {
    return false;
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(timer);
}

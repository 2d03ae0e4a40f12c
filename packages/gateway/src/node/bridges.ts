import { spawn, type ChildProcess } from 'node:child_process';
import { request } from 'node:http';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { BridgeOptions } from '../bridge/bridge-options.ts';
import type { Log } from '../kernel/log.ts';
import { childEnvironment } from '../process/child-environment.ts';
import { keepProcess } from '../process/keep-process.ts';

export interface BridgeState {
  readonly state: 'starting' | 'ready' | 'failed';
  readonly reason: string | null;
}

/** The bridge processes of this node, one a stdio server; one that dies is started again with back-off. */
export interface Bridges {
  state(server: string): BridgeState;
  /** Ends every bridge and every process below it. */
  stop(): Promise<void>;
}

export interface BridgesOptions {
  readonly bridges: readonly BridgeOptions[];
  readonly log: Log;
}

const restartMs = { first: 250, last: 10_000 };
const pollMs = { starting: 250, settled: 2_000 };
const pollTimeoutMs = 1_000;
const stopTimeoutMs = 10_000;
const lineCharsMax = 2_000;

export function startBridges({ bridges, log }: BridgesOptions): Bridges {
  const members = bridges.map((options) => startOne(options, log.child({ server: options.name })));
  return {
    state: (server) => members.find((member) => member.name === server)?.state() ?? { state: 'failed', reason: 'no bridge runs for it' },
    async stop() {
      await Promise.all(members.map((member) => member.stop()));
    },
  };
}

interface Member {
  readonly name: string;
  state(): BridgeState;
  stop(): Promise<void>;
}

function startOne(options: BridgeOptions, log: Log): Member {
  let current: BridgeState = { state: 'starting', reason: null };
  const entry = join(import.meta.dirname, '..', 'bridge', `main${extname(import.meta.filename)}`);
  const bridge = keepProcess({
    // Its environment is empty: what a server gets is in the options, which may hold secrets and so go by its input.
    spawn: () => spawn(process.execPath, [entry], { env: childEnvironment(), stdio: ['pipe', 'pipe', 'pipe'], detached: true }),
    onStart(child) {
      const { stdin, stdout, stderr } = child;
      if (stdin === null || stdout === null || stderr === null) throw new TypeError('a bridge was started without its pipes');
      stdin.on('error', () => undefined);
      stdin.write(`${JSON.stringify(options)}\n`);
      createInterface({ input: stderr }).on('line', (line) => relog(line, log));
      createInterface({ input: stdout }).once('line', (line) => {
        const answer = parse(line);
        if (answer?.['listening'] === true) watch(child);
        else current = { state: 'failed', reason: typeof answer?.['message'] === 'string' ? answer['message'] : 'its bridge did not start' };
      });
    },
    onDown(down) {
      if (current.state !== 'failed') current = { state: 'failed', reason: `its bridge ended (${down.reason})` };
      log.error('bridge.died', { reason: down.reason, restart_ms: down.restartMs });
    },
    end: (child) => child.stdin?.end(),
    endTimeoutMs: stopTimeoutMs,
    restartMs,
  });

  /** Asks again and again how the server is, as long as this process of the bridge lives. */
  function watch(child: ChildProcess): void {
    let timer: NodeJS.Timeout | undefined;
    let over = child.exitCode !== null || child.signalCode !== null;
    child.once('exit', () => {
      over = true;
      clearTimeout(timer);
    });
    const poll = async (): Promise<void> => {
      const state = 'path' in options.listen ? await readyState(options.listen.path) : null;
      if (over) return;
      if (state !== null) current = state;
      timer = setTimeout(() => void poll(), current.state === 'starting' ? pollMs.starting : pollMs.settled).unref();
    };
    if (!over) void poll();
  }

  return { name: options.name, state: () => current, stop: () => bridge.stop() };
}

/** A line of a bridge's log as an event of this log: one level and one form for all that a node says. */
function relog(line: string, log: Log): void {
  const entry = parse(line);
  if (entry === null) {
    if (line !== '') log.warn('bridge.said', { text: line.slice(0, lineCharsMax) });
    return;
  }
  const { level, time: _time, event, component: _component, server: _server, ...fields } = entry;
  const write =
    level === 'error' || level === 50 ? log.error : level === 'warn' || level === 40 ? log.warn : level === 'debug' || level === 20 ? log.debug : log.info;
  write(typeof event === 'string' ? event : 'bridge.said', fields);
}

/** What the bridge says of itself at `/readyz`; null where it does not answer. */
function readyState(socketPath: string): Promise<BridgeState | null> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/readyz', method: 'GET', timeout: pollTimeoutMs }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', () => resolve(null));
      answer.on('end', () => {
        if (answer.statusCode === 200) return resolve({ state: 'ready', reason: null });
        const body = parse(Buffer.concat(chunks).toString('utf8'));
        const reason = typeof body?.['reason'] === 'string' ? body['reason'] : null;
        resolve({ state: body?.['status'] === 'failed' || body?.['status'] === 'quarantined' ? 'failed' : 'starting', reason });
      });
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(null));
    asked.end();
  });
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

import { spawn, type ChildProcess } from 'node:child_process';
import { request } from 'node:http';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
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
  /**
   * Puts these in the place of those that run: one whose options are the same goes on, the others start beside the old ones.
   * Resolves when those that take another's place have come up or failed, `waitMs` at most. Nothing that runs is ended before
   * `retireOthers`: then each ends when nothing is asked of it any more, `graceMs` at most.
   */
  replace(bridges: readonly BridgeOptions[], waitMs: number): Promise<{ retireOthers(graceMs: number): void }>;
  /** Ends every bridge and every process below it. */
  stop(): Promise<void>;
}

export interface BridgesOptions {
  readonly bridges: readonly BridgeOptions[];
  readonly log: Log;
}

const restartMs = { first: 250, last: 10_000 };
const pollMs = { starting: 250, settled: 2_000 };
const lookMs = 25;
/** A call that began before its bridge was replaced may still be on its way to it. */
const idleMs = 2_000;
const pollTimeoutMs = 1_000;
const stopTimeoutMs = 10_000;
const lineCharsMax = 2_000;

export function startBridges({ bridges, log }: BridgesOptions): Bridges {
  const start = (options: BridgeOptions): Member => startOne(options, log.child({ server: options.name }));
  let members = bridges.map(start);
  /** All that may have a process, retired ones too. */
  const running = new Set(members);
  let stopping = false;

  async function retire(member: Member, graceMs: number): Promise<void> {
    const until = performance.now() + graceMs;
    let idleSince = performance.now();
    while (!stopping && performance.now() < Math.min(until, idleSince + idleMs)) {
      if ((await member.requestsOpen()) > 0) idleSince = performance.now();
      await delay(pollMs.starting);
    }
    await member.stop();
    running.delete(member);
    log.info('bridge.retired', { server: member.options.name });
  }

  return {
    state: (server) => members.find((member) => member.options.name === server)?.state() ?? { state: 'failed', reason: 'no bridge runs for it' },
    async replace(next, waitMs) {
      const kept = members;
      const replacing = next.map((options) => kept.find((member) => isDeepStrictEqual(member.options, options)) ?? start(options));
      for (const member of replacing) running.add(member);
      const awaited = replacing.filter((member) => !kept.includes(member) && kept.some(({ options }) => options.name === member.options.name));
      const until = performance.now() + waitMs;
      while (!stopping && performance.now() < until && awaited.some((member) => member.state().state === 'starting')) await delay(lookMs);
      return {
        retireOthers(graceMs) {
          members = replacing;
          for (const member of kept) if (!replacing.includes(member)) void retire(member, graceMs);
        },
      };
    },
    async stop() {
      stopping = true;
      await Promise.all([...running].map((member) => member.stop()));
    },
  };
}

interface Member {
  readonly options: BridgeOptions;
  state(): BridgeState;
  /** What is being asked of it; 0 where it does not answer. */
  requestsOpen(): Promise<number>;
  stop(): Promise<void>;
}

function startOne(options: BridgeOptions, log: Log): Member {
  let current: BridgeState = { state: 'starting', reason: null };
  const socketPath = 'path' in options.listen ? options.listen.path : null;
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
      const state = socketPath === null ? null : await readyState(socketPath);
      if (over) return;
      if (state !== null) current = state;
      timer = setTimeout(() => void poll(), current.state === 'starting' ? pollMs.starting : pollMs.settled).unref();
    };
    if (!over) void poll();
  }

  return {
    options,
    state: () => current,
    async requestsOpen() {
      const answer = socketPath === null ? null : await ask(socketPath, '/status');
      return Number(answer?.body?.['requests_open'] ?? 0);
    },
    stop: () => bridge.stop(),
  };
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
async function readyState(socketPath: string): Promise<BridgeState | null> {
  const answer = await ask(socketPath, '/readyz');
  if (answer === null) return null;
  if (answer.status === 200) return { state: 'ready', reason: null };
  const { body } = answer;
  const reason = typeof body?.['reason'] === 'string' ? body['reason'] : null;
  return { state: body?.['status'] === 'failed' || body?.['status'] === 'quarantined' ? 'failed' : 'starting', reason };
}

interface BridgeAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> | null;
}

function ask(socketPath: string, path: string): Promise<BridgeAnswer | null> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path, method: 'GET', timeout: pollTimeoutMs }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', () => resolve(null));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString('utf8')) }));
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

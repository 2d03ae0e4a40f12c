import { execFile, fork, type ChildProcess } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { extname } from 'node:path';
import { Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { BodyPart } from '../masking/leaves.ts';
import type { MaskedBodies } from '../masking/masker.ts';
import type { MaskingRules } from '../masking/masking-rules.ts';
import { childEnvironment } from '../process/child-environment.ts';
import { keepProcess } from '../process/keep-process.ts';
import { logOutput } from '../process/log-output.ts';
import type { FromMasking, ToMasking } from './masking-messages.ts';

export interface MaskingOptions {
  readonly rules: MaskingRules;
  /** Where the files of masked bodies lie. */
  readonly folder: string;
  /** Unique for this start. */
  readonly boot: string;
  /** In a folder that only this user may enter. */
  readonly socketPath: string;
  readonly log: Log;
}

/** The masking process of this node. */
export interface Masking {
  pid(): number | null;
  /** Resolves when bodies are masked by these rules and no others. While the process is away it begins with them: then too. */
  setRules(rules: MaskingRules): Promise<void>;
  /** A trial by these rules, or by those that hold; nothing is kept. Faults: `unavailable`. */
  test(body: BodyPart, rules: MaskingRules | null): Promise<MaskedBodies>;
  /** Rows that could not be written since the start, for want of room. */
  lost(): number;
  /** Ends it when what it has taken is written. */
  stop(): Promise<void>;
}

const restartMs = { first: 100, last: 5_000 };
const endTimeoutMs = 5_000;
const answerTimeoutMs = 10_000;

/** Starts the masking process and keeps it running. Returns at once. */
export function startMasking({ rules: first, folder, boot, socketPath, log }: MaskingOptions): Masking {
  let rules = first;
  let child: ChildProcess | null = null;
  let nextId = 1;
  let starts = 0;
  let lost = 0;
  const waiting = new Map<number, { readonly resolve: (message: FromMasking | null) => void; readonly timer: NodeJS.Timeout }>();

  /** The answer, or null where none comes. */
  function ask(message: ToMasking): Promise<FromMasking | null> {
    return new Promise((resolve) => {
      if (child === null) return resolve(null);
      waiting.set(message.id, { resolve, timer: setTimeout(() => settle(message.id, null), answerTimeoutMs) });
      child.send(message, (error) => error && settle(message.id, null));
    });
  }

  function settle(id: number, answer: FromMasking | null): void {
    const one = waiting.get(id);
    waiting.delete(id);
    clearTimeout(one?.timer);
    one?.resolve(answer);
  }

  const entry = new URL(`./masking-process${extname(import.meta.filename)}`, import.meta.url);
  const kept = keepProcess({
    spawn: () =>
      fork(entry, [folder, `${boot}-m${starts++}`, socketPath], { execArgv: [], env: childEnvironment(), stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }),
    onStart(started) {
      child = started;
      yieldProcessor(started);
      logOutput(started, log, 'masking.said');
      started.on('message', (message: FromMasking) => {
        if (message.kind !== 'lost') return settle(message.id, message);
        lost += message.rows;
        log.error('bodies.not_written', { rows: message.rows });
      });
      void ask({ kind: 'rules', id: nextId++, rules });
    },
    onDown({ reason, restartMs: inMs }) {
      child = null;
      for (const id of waiting.keys()) settle(id, null);
      log.error('masking.died', { reason, restart_ms: inMs });
    },
    end: (running) => running.disconnect(),
    endTimeoutMs,
    restartMs,
  });

  return {
    pid: () => kept.pid(),
    async setRules(next) {
      rules = next;
      const answer = await ask({ kind: 'rules', id: nextId++, rules });
      // One that runs and does not say that it has them goes on by the old ones: it may not.
      if (answer === null && child !== null) child.kill('SIGKILL');
    },
    async test(body, by) {
      const answer = await ask({ kind: 'test', id: nextId++, rules: by, body });
      if (answer?.kind !== 'tested') throw new Fault('unavailable', { reason: 'the masking process does not answer' });
      return answer.masked;
    },
    lost: () => lost,
    stop: () => kept.stop(),
  };
}

/** A body can wait, a call cannot: where Linux lets us, it runs when nobody else wants to (sched(7), `SCHED_IDLE`), else at the lowest priority. */
function yieldProcessor(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    setPriority(child.pid, constants.priority.PRIORITY_LOW);
  } catch {
    // Where priorities may not be set it runs like everything else.
  }
  if (process.platform === 'linux') execFile('chrt', ['--all-tasks', '--idle', '--pid', '0', String(child.pid)], { env: childEnvironment() }, () => undefined);
}

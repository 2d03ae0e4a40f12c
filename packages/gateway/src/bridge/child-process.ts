import { spawn } from 'node:child_process';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { BridgeLimits } from './bridge-options.ts';
import { childTextLog } from './child-text-log.ts';
import { lineReader } from './line-reader.ts';
import { readLine, type RpcMessage } from './message.ts';
import { groupLives, signalGroup, sweepGroup } from './process-group.ts';
import type { Watchdog } from './watchdog.ts';

export interface ChildCommand {
  /** Absolute path of the program. */
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Values that must not appear in the log. */
  readonly secrets: readonly string[];
}

export interface ChildEnd {
  /** In words, for the log and `/status`. */
  readonly reason: string;
  /** Somebody asked for it; otherwise the process failed. */
  readonly asked: boolean;
}

export interface ChildHandlers {
  onMessage(message: RpcMessage, line: Buffer): void;
  /** Once, when no further message can come. */
  onEnd(end: ChildEnd): void;
}

/** One MCP server process: messages in, messages out, stderr to the log, and its whole process group reaped. Or a connection that stands for one. */
export interface Child {
  /** Null where it is a connection. */
  readonly pid: number | null;
  readonly startedAtMs: number;
  readonly counters: { messagesIn: number; messagesOut: number; skippedLines: number };
  readonly stderrBytes: number;
  readonly droppedBytes: number;
  readonly ending: boolean;
  /** Whether its input is still open. */
  readonly writable: boolean;
  /** When nothing of its process group is left. */
  readonly gone: Promise<void>;
  /** Writes one message as one line. False where the process has not read so much that no more may wait. */
  send(line: Buffer | string): boolean;
  /** Stops reading messages while anybody holds: a slow reader of a reply. */
  hold(holder: object): void;
  release(holder: object): void;
  /** Closes its input, then SIGTERM, then SIGKILL to the group. Resolves with `gone`. */
  stop(reason: string, pace?: StopPace): Promise<void>;
}

export interface StopPace {
  readonly terminateMs: number;
  readonly killMs: number;
}

export interface ChildDependencies {
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: BridgeLimits;
  readonly watchdog: Watchdog;
}

const newline = Buffer.from('\n');
/** After the process has gone, its last output may still be in the pipe; a grandchild may hold the pipe open for ever. */
const outputGraceMs = 500;
/** Between the end of a pipe and the end of the process that had it. */
const pipeGraceMs = 100;

export function startChild(command: ChildCommand, dependencies: ChildDependencies, handlers: ChildHandlers): Child {
  const { clock, limits, watchdog } = dependencies;
  const log = dependencies.log;
  const child = spawn(command.program, command.args, {
    cwd: command.cwd,
    env: command.env,
    detached: true,
    windowsHide: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const pid = child.pid ?? 0;
  child.on('error', (error: NodeJS.ErrnoException) => {
    if (pid > 0) return;
    failure = `it cannot be started (${error.code ?? 'unknown reason'})`;
    end();
    gone();
  });
  // Out of file descriptors: node makes no pipes at all, whatever the types say; the caller gets the error.
  if ((child.stdin as unknown) === undefined) throw new Error('no pipes could be made');
  if (pid > 0) watchdog.add(pid);
  const text = childTextLog(log, clock, limits, command.secrets);
  const counters = { messagesIn: 0, messagesOut: 0, skippedLines: 0 };
  const holders = new Set<object>();
  const stopTimers: NodeJS.Timeout[] = [];
  let asked: string | null = null;
  let failure: string | null = null;
  let ended = false;
  let exited = false;
  let gathering = false;
  const { promise: whenGone, resolve: gone } = Promise.withResolvers<void>();

  const reader = lineReader(limits.lineBytesMax, onLine, () => fail(`it wrote a line of more than ${limits.lineBytesMax} bytes`));

  child.stdout.on('data', (chunk: Buffer) => reader.feed(chunk));
  child.stderr.on('data', (chunk: Buffer) => text.stderr(chunk));
  // Whatever happens to a pipe, the process is of no use without it. One that has ended says so itself a moment later.
  child.stdin.on('error', () => failSoon('it closed its input'));
  child.stdout.on('error', () => failSoon('its output broke'));
  child.stdout.on('end', () => failSoon('it closed its output'));
  child.stderr.on('error', () => undefined);
  child.on('exit', (code, signal) => {
    exited = true;
    failure ??= signal === null ? `it ended with exit code ${code ?? 0}` : `it was ended by ${signal}`;
    for (const timer of stopTimers) clearTimeout(timer);
    // What it left in its group holds files, ports and the pipes that we wait for.
    void sweepGroup(pid, Math.max(0, limits.killMs - limits.terminateMs)).then(() => {
      if (!groupLives(pid)) watchdog.remove(pid);
      gone();
    });
    setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
      end();
    }, outputGraceMs);
  });
  child.on('close', end);

  function onLine(line: Buffer): void {
    if (ended) return;
    const message = readLine(line);
    if (message !== null) {
      counters.messagesOut++;
      handlers.onMessage(message, line);
    } else if (line.includes(0)) {
      fail('it wrote a NUL byte');
    } else if (line.some((byte) => byte > 0x20)) {
      counters.skippedLines++;
      text.skippedLine(line);
    }
  }

  /** What comes in one turn of the event loop, from however many connections, leaves with one system call. */
  function gather(): void {
    if (gathering) return;
    gathering = true;
    child.stdin.cork();
    setImmediate(() => {
      gathering = false;
      child.stdin.uncork();
    });
  }

  function failSoon(reason: string): void {
    setTimeout(() => fail(reason), pipeGraceMs).unref();
  }

  /** The process is broken: said once, and nothing of it is waited for. */
  function fail(reason: string): void {
    if (exited || failure !== null || asked !== null || pid === 0) return;
    failure = reason;
    child.stdin.destroy();
    signalGroup(pid, 'SIGKILL');
    end();
  }

  function end(): void {
    if (ended) return;
    ended = true;
    text.flush();
    const reason = asked ?? failure ?? 'it ended';
    log.info('bridge.child_ended', { child_pid: pid, reason, asked: asked !== null });
    handlers.onEnd({ reason, asked: asked !== null });
  }

  return {
    pid,
    gone: whenGone,
    startedAtMs: clock.nowMs(),
    counters,
    get stderrBytes() {
      return text.bytes;
    },
    get droppedBytes() {
      return text.droppedBytes;
    },
    get ending() {
      return ended || asked !== null;
    },
    get writable() {
      return !ended && child.stdin.writable;
    },
    send(line) {
      if (ended || !child.stdin.writable) return false;
      if (child.stdin.writableLength + line.length > limits.inputBytesMax) return false;
      counters.messagesIn++;
      gather();
      child.stdin.write(line);
      child.stdin.write(newline);
      return true;
    },
    hold(holder) {
      if (holders.size === 0) child.stdout.pause();
      holders.add(holder);
    },
    release(holder) {
      if (holders.delete(holder) && holders.size === 0) child.stdout.resume();
    },
    stop(reason, pace = limits) {
      if (exited || pid === 0) return whenGone;
      if (asked === null) {
        asked = reason;
        child.stdin.end();
        holders.clear();
        child.stdout.resume();
      }
      // Asked again, the process has the shorter of both times.
      stopTimers.push(
        setTimeout(() => signalGroup(pid, 'SIGTERM'), pace.terminateMs),
        setTimeout(() => signalGroup(pid, 'SIGKILL'), pace.killMs),
      );
      return whenGone;
    },
  };
}

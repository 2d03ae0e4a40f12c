import { fork, type ChildProcess } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { extname } from 'node:path';
import { childEnvironment } from '../../kernel/compile-cache.ts';
import type { Log } from '../../kernel/log.ts';
import type { EngineMessage } from './embedded-engine.ts';

export interface EmbeddedLedgerOptions {
  /** Where the data lies; created where it is not there. */
  readonly folder: string;
  /** In a folder that only this user may enter. */
  readonly socketPath: string;
  readonly log: Log;
}

export interface EmbeddedLedger {
  /** The engine's process, or null while it is being started again. */
  pid(): number | null;
  /** Why the engine does not run, or null. */
  failure(): string | null;
  /** Ends the engine after what it is writing is written. */
  close(): Promise<void>;
}

const closeTimeoutMs = 5000;
const restartDelayMs = { first: 100, last: 5000 };
/** An engine that lived this long has recovered: the next failure starts from the first delay again. */
const settledMs = 60_000;
const linesLoggedMax = 200;

/**
 * Starts the embedded engine in a process of its own and keeps it running: whenever it dies, or cannot open its folder, it
 * is started again with a growing delay. Returns at once: whether it answers is for whoever connects to its socket to see.
 */
export function startEmbeddedLedger({ folder, socketPath, log }: EmbeddedLedgerOptions): EmbeddedLedger {
  let engine: ChildProcess | null = null;
  let failure: string | null = null;
  let closing = false;
  let restart: NodeJS.Timeout | null = null;
  let delayMs = restartDelayMs.first;

  function start(): void {
    // As this file runs, so does its neighbour: TypeScript in a checkout, JavaScript in a package.
    const entry = new URL(`./embedded-engine${extname(import.meta.filename)}`, import.meta.url);
    const child = fork(entry, [folder, socketPath], { execArgv: [], env: childEnvironment(), stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    engine = child;
    yieldProcessor(child);
    const startedAt = performance.now();
    logLines(child, log);
    child.once('message', (message: EngineMessage) => {
      failure = message.ready ? null : message.reason;
      if (failure === null) log.info('ledger.engine_started', { pid: child.pid });
      else log.error('ledger.engine_failed', { reason: failure });
    });
    child.once('error', (error) => {
      failure = error.message;
    });
    child.once('exit', (code, signal) => {
      engine = null;
      if (closing) return;
      failure ??= `its process ended (${signal ?? code})`;
      log.error('ledger.engine_died', { code, signal, restart_ms: delayMs });
      if (performance.now() - startedAt > settledMs) delayMs = restartDelayMs.first;
      restart = setTimeout(start, delayMs);
      delayMs = Math.min(delayMs * 2, restartDelayMs.last);
    });
  }

  start();
  return {
    pid: () => engine?.pid ?? null,
    failure: () => failure,
    async close() {
      closing = true;
      if (restart) clearTimeout(restart);
      const child = engine;
      if (child === null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.connected) child.disconnect();
      const kill = setTimeout(() => child.kill('SIGKILL'), closeTimeoutMs);
      await ended;
      clearTimeout(kill);
    },
  };
}

/** On a machine of few cores the engine takes the time that the rail leaves: a row can wait, a call cannot. */
function yieldProcessor(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Where priorities may not be set the engine runs like everything else.
  }
}

/** What the engine says on stderr, bounded: an engine that cannot stop talking must not fill the log. */
function logLines(child: ChildProcess, log: Log): void {
  let lines = 0;
  child.stderr?.on('data', (chunk: Buffer) => {
    lines += 1;
    if (lines <= linesLoggedMax) log.warn('ledger.engine_said', { text: chunk.toString('utf8', 0, 2000).trimEnd() });
  });
}

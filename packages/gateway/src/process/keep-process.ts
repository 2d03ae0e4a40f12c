/**
 * process: how is a program of our own kept running? Imports `kernel/`. Promises: one that ends, or that cannot be started, is
 * started again with a growing delay; after `stop` none is left.
 */
import type { ChildProcess } from 'node:child_process';

export interface KeptProcess {
  /** Null while there is none. */
  pid(): number | null;
  /** Asks it to end and kills it where it does not. Resolves when it is gone. */
  stop(): Promise<void>;
}

export interface KeptProcessOptions {
  /** Starts it and does nothing else: what is made of it belongs into `onStart`. */
  readonly spawn: () => ChildProcess;
  readonly onStart: (child: ChildProcess) => void;
  /** It ended, or could not be started, and nobody had asked for it. */
  readonly onDown: (down: { readonly reason: string; readonly restartMs: number }) => void;
  /** Asks it to end. */
  readonly end: (child: ChildProcess) => void;
  readonly endTimeoutMs: number;
  readonly restartMs: { readonly first: number; readonly last: number };
}

/** A process that lived this long has recovered: the next failure starts from the first delay again. */
const settledMs = 60_000;

export function keepProcess({ spawn, onStart, onDown, end, endTimeoutMs, restartMs }: KeptProcessOptions): KeptProcess {
  let child: ChildProcess | null = null;
  let gone: Promise<void> = Promise.resolve();
  let restart: NodeJS.Timeout | null = null;
  let delayMs = restartMs.first;
  let stopping = false;

  function start(): void {
    const startedAt = performance.now();
    const down = (reason: string): void => {
      child = null;
      if (stopping) return;
      if (performance.now() - startedAt > settledMs) delayMs = restartMs.first;
      restart = setTimeout(start, delayMs);
      onDown({ reason, restartMs: delayMs });
      delayMs = Math.min(delayMs * 2, restartMs.last);
    };
    let started: ChildProcess;
    try {
      started = spawn();
    } catch (error) {
      return down(error instanceof Error ? error.message : String(error));
    }
    gone = whenGone(started).then(down);
    if (started.pid === undefined) return;
    child = started;
    onStart(started);
  }

  start();
  return {
    pid: () => child?.pid ?? null,
    async stop() {
      stopping = true;
      if (restart) clearTimeout(restart);
      if (child === null) return;
      end(child);
      const kill = setTimeout(() => child?.kill('SIGKILL'), endTimeoutMs);
      await gone;
      clearTimeout(kill);
    },
  };
}

/** Resolves with how it ended, in words, when it is gone and all that it said over its channel has been heard. */
export function whenGone(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      const reason = signal ?? `exit code ${code}`;
      if (child.connected) child.once('disconnect', () => resolve(reason));
      else resolve(reason);
    });
    // What could not be started never exits. Later errors are of signals and messages that did not reach it.
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
  });
}

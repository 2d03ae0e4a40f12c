import { fork, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { Fault } from '../../kernel/fault.ts';
import { childEnvironment } from '../../kernel/compile-cache.ts';
import type { Log } from '../../kernel/log.ts';
import type { RegistryAddress } from './connections.ts';
import type { EngineMessage } from './embedded-engine.ts';

export interface EmbeddedRegistryOptions {
  /** Where the data lies; created where it is not there. */
  readonly folder: string;
  /** Ends in `.s.PGSQL.{number}`, in a folder that only this user may enter. */
  readonly socketPath: string;
  readonly log: Log;
}

export interface EmbeddedRegistry {
  readonly address: RegistryAddress;
  /** The engine's process, or null while it is being started again. */
  pid(): number | null;
  /** Ends the engine after it has written its checkpoint. */
  close(): Promise<void>;
}

const readyTimeoutMs = 60_000;
const closeTimeoutMs = 5000;
const restartDelayMs = { first: 100, last: 5000 };
/** An engine that lived this long has recovered: the next failure starts from the first delay again. */
const settledMs = 60_000;

/**
 * Starts the embedded engine in a process of its own and keeps it running: whenever it dies it is started again, with a
 * growing delay. Resolves when it answers. Faults: `state_broken` where it cannot open its folder.
 */
export async function startEmbeddedRegistry({ folder, socketPath, log }: EmbeddedRegistryOptions): Promise<EmbeddedRegistry> {
  let engine: ChildProcess | null = null;
  let closing = false;
  let restart: NodeJS.Timeout | null = null;
  let delayMs = restartDelayMs.first;

  async function start(): Promise<void> {
    const child = spawn(folder, socketPath);
    engine = child;
    child.stderr?.on('data', (chunk: Buffer) => log.warn('registry.engine_said', { text: chunk.toString('utf8', 0, 2000) }));
    const startedAt = performance.now();
    const exited = new Promise<void>((resolve) => {
      child.once('exit', (code, signal) => {
        engine = null;
        resolve();
        if (ready && !closing) {
          log.error('registry.engine_died', { code, signal });
          if (performance.now() - startedAt > settledMs) delayMs = restartDelayMs.first;
          again();
        }
      });
    });
    let ready = false;
    try {
      await answer(child, exited);
      ready = true;
    } catch (error) {
      child.kill('SIGKILL');
      await exited;
      throw error;
    }
  }

  function again(): void {
    restart = setTimeout(() => {
      start().then(
        () => log.info('registry.engine_restarted'),
        (error: unknown) => {
          log.error('registry.engine_failed', { error });
          if (!closing) again();
        },
      );
    }, delayMs);
    delayMs = Math.min(delayMs * 2, restartDelayMs.last);
  }

  try {
    await start();
  } catch (cause) {
    throw new Fault(
      'state_broken',
      { path: folder, reason: `the embedded registry cannot open it: ${cause instanceof Error ? cause.message : String(cause)}` },
      { cause },
    );
  }
  return {
    address: { socketPath },
    pid: () => engine?.pid ?? null,
    async close() {
      closing = true;
      if (restart) clearTimeout(restart);
      const child = engine;
      if (child === null) return;
      const exited = new Promise((resolve) => child.once('exit', resolve));
      if (child.connected) child.disconnect();
      const kill = setTimeout(() => child.kill('SIGKILL'), closeTimeoutMs);
      await exited;
      clearTimeout(kill);
    },
  };
}

function spawn(folder: string, socketPath: string): ChildProcess {
  // As this file runs, so does its neighbour: TypeScript in a checkout, JavaScript in a package.
  const entry = new URL(`./embedded-engine${extname(import.meta.filename)}`, import.meta.url);
  // PGlite is one large WebAssembly module: V8's optimising compiler would take 500 MB to speed up what is idle,
  // and most of it is never run.
  return fork(entry, [folder, socketPath], {
    execArgv: ['--liftoff-only', '--wasm-lazy-compilation'],
    env: childEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

function answer(child: ChildProcess, exited: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it is not ready within ${readyTimeoutMs / 1000} s`)), readyTimeoutMs);
    const settle = (error: Error | null): void => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve();
    };
    child.once('message', (message: EngineMessage) => settle(message.ready ? null : new Error(message.reason)));
    child.once('error', settle);
    void exited.then(() => settle(new Error('its process ended')));
  });
}

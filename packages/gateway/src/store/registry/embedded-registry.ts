import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { childEnvironment } from '../../process/child-environment.ts';
import { keepProcess } from '../../process/keep-process.ts';
import { logOutput } from '../../process/log-output.ts';
import type { RegistryAddress } from './connections.ts';
import type { EngineMessage } from './embedded-engine.ts';
import type { EngineFailure } from './engine-failure.ts';

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
const restartMs = { first: 100, last: 5000 };

/**
 * Starts the embedded engine in a process of its own and keeps it running. Resolves when it answers. Faults: `state_broken`
 * where it cannot open its folder at first, `disk_full`, `permission_denied`.
 */
export async function startEmbeddedRegistry({ folder, socketPath, log }: EmbeddedRegistryOptions): Promise<EmbeddedRegistry> {
  const opened = Promise.withResolvers<void>();
  let isOpened = false;
  let failure: EngineFailure | null = null;
  // As this file runs, so does its neighbour: TypeScript in a checkout, JavaScript in a package.
  const entry = new URL(`./embedded-engine${extname(import.meta.filename)}`, import.meta.url);
  const engine = keepProcess({
    spawn: () =>
      fork(entry, [folder, socketPath], {
        // PGlite is one large WebAssembly module: V8's optimising compiler would take 500 MB to speed up what is idle, and
        // most of it is never run.
        execArgv: ['--liftoff-only', '--wasm-lazy-compilation'],
        env: childEnvironment(),
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      }),
    onStart(child) {
      logOutput(child, log, 'registry.engine_said');
      failure = null;
      const late = setTimeout(() => {
        failure = { reason: `it is not ready within ${readyTimeoutMs / 1000} s`, code: null };
        child.kill('SIGKILL');
      }, readyTimeoutMs);
      child.once('exit', () => clearTimeout(late));
      child.once('message', (message: EngineMessage) => {
        clearTimeout(late);
        if (!message.ready) {
          failure = message;
          return;
        }
        if (isOpened) log.info('registry.engine_restarted');
        isOpened = true;
        opened.resolve();
      });
    },
    onDown({ reason, restartMs: ms }) {
      if (isOpened) log.error('registry.engine_died', { reason: failure?.reason ?? reason, restart_ms: ms });
      else opened.reject(startFault(folder, failure ?? { reason: `its process ended (${reason})`, code: null }));
    },
    end: (child) => child.disconnect(),
    endTimeoutMs: closeTimeoutMs,
    restartMs,
  });

  try {
    await opened.promise;
  } catch (fault) {
    await engine.stop();
    throw fault;
  }
  return { address: { socketPath }, pid: () => engine.pid(), close: () => engine.stop() };
}

function startFault(folder: string, { reason, code }: EngineFailure): Fault {
  const cause = new Error(reason);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new Fault('disk_full', { path: folder }, { cause });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return new Fault('permission_denied', { path: folder }, { cause });
  return new Fault('state_broken', { path: folder, reason: `the embedded registry cannot open it: ${reason}` }, { cause });
}

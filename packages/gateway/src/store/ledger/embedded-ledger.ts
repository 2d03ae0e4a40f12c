import { fork, type ChildProcess } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { extname } from 'node:path';
import type { Log } from '../../kernel/log.ts';
import { childEnvironment } from '../../process/child-environment.ts';
import { keepProcess } from '../../process/keep-process.ts';
import { logOutput } from '../../process/log-output.ts';
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
const restartMs = { first: 100, last: 5000 };

/**
 * Starts the embedded engine in a process of its own and keeps it running, also where it cannot open its folder. Returns at
 * once: whether it answers is for whoever connects to its socket to see.
 */
export function startEmbeddedLedger({ folder, socketPath, log }: EmbeddedLedgerOptions): EmbeddedLedger {
  let failure: string | null = null;
  // As this file runs, so does its neighbour: TypeScript in a checkout, JavaScript in a package.
  const entry = new URL(`./embedded-engine${extname(import.meta.filename)}`, import.meta.url);
  const engine = keepProcess({
    spawn: () => fork(entry, [folder, socketPath], { execArgv: [], env: childEnvironment(), stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }),
    onStart(child) {
      yieldProcessor(child);
      logOutput(child, log, 'ledger.engine_said');
      child.once('message', (message: EngineMessage) => {
        failure = message.ready ? null : message.reason;
        if (failure === null) log.info('ledger.engine_started', { pid: child.pid });
        else log.error('ledger.engine_failed', { reason: failure });
      });
    },
    onDown(down) {
      failure ??= `its process ended (${down.reason})`;
      log.error('ledger.engine_died', { reason: down.reason, restart_ms: down.restartMs });
    },
    end: (child) => child.disconnect(),
    endTimeoutMs: closeTimeoutMs,
    restartMs,
  });
  return { pid: () => engine.pid(), failure: () => failure, close: () => engine.stop() };
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

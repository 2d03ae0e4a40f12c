import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { networksOf, refusedHost } from '../kernel/outward-address.ts';
import type { BridgeLimits, BridgeRemote } from './bridge-options.ts';
import { startChild, type Child, type ChildCommand, type ChildHandlers } from './child-process.ts';
import { resolveCommand } from './process-environment.ts';
import type { startSseChild } from './sse-child.ts';
import { startWatchdog } from './watchdog.ts';

/** How the other end of a bridge comes to be: a process, or a connection to a server elsewhere. */
export interface ChildStarter {
  /** What it starts, in words. */
  readonly noun: 'process' | 'connection';
  /** Null where a start makes sense, else why it does not. */
  prepare(): Promise<string | null>;
  /** Throws where nothing could be started. */
  start(log: Log, handlers: ChildHandlers): Child;
  /** Nothing is started any more, and everything that was is gone. */
  stop(): void;
}

interface StarterDependencies {
  readonly limits: BridgeLimits;
  readonly log: Log;
  readonly clock: Clock;
}

export function programStarter(
  [command, ...args]: readonly [string, ...string[]],
  process: Omit<ChildCommand, 'program' | 'args'>,
  { limits, log, clock }: StarterDependencies,
): ChildStarter {
  const watchdog = startWatchdog(log);
  let program: string | null = null;
  return {
    noun: 'process',
    async prepare() {
      program ??= await resolveCommand(command, process.cwd, process.env['PATH'] ?? '');
      return program === null ? `the program ${command} was not found, or may not be executed` : null;
    },
    start: (childLog, handlers) => startChild({ ...process, program: program ?? command, args }, { log: childLog, clock, limits, watchdog }, handlers),
    stop: () => watchdog.stop(),
  };
}

export function remoteStarter(remote: BridgeRemote, { limits, clock }: StarterDependencies): ChildStarter {
  let open: typeof startSseChild | null = null;
  return {
    noun: 'connection',
    async prepare() {
      const refused = refusedHost(new URL(remote.url).hostname, networksOf(remote.allowedNetworks ?? []));
      if (refused !== null) return `its address is refused: ${refused}`;
      // Loaded where it is needed: there is one bridge a server, and most have a program.
      open ??= remote.transport === 'websocket' ? (await import('./websocket-child.ts')).startWebSocketChild : (await import('./sse-child.ts')).startSseChild;
      return null;
    },
    start(log, handlers) {
      if (open === null) throw new TypeError('a connection is opened after it was prepared');
      return open(remote, { log, limits, clock }, handlers);
    },
    stop: () => undefined,
  };
}

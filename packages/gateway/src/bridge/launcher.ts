import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { BridgeLimits } from './bridge-options.ts';
import type { Child, ChildHandlers, StopPace } from './child-process.ts';
import type { ChildStarter } from './child-starter.ts';
import { restartPolicy } from './restart-policy.ts';

/** What a process is for: a legacy session, all legacy sessions, all modern requests, or only to ask what it is. */
export type ChildRole = 'session' | 'shared' | 'modern' | 'probe';

/** Starts every process of a bridge, under one restart policy: they all run the same command. */
export interface Launcher {
  /** Faults: `upstream_unavailable` at once during a back-off or a quarantine, or where the program is not there. */
  start(role: ChildRole, handlers: ChildHandlers): Promise<Child>;
  /** A start came to nothing. */
  failed(reason: string): void;
  /** A trial was answered: ends a quarantine. */
  answered(): void;
  /** The fault of a call that cannot be served now, with the time to wait. */
  unavailable(): Fault;
  waitMs(): number;
  readonly quarantined: boolean;
  readonly lastFailure: string | null;
  readonly totals: { starts: number; failures: number; crashes: number; skippedLines: number; stderrBytes: number; droppedBytes: number };
  children(): readonly { readonly role: ChildRole; readonly child: Child }[];
  stop(reason: string, pace?: StopPace): Promise<void>;
}

export interface LauncherDependencies {
  readonly name: string;
  readonly starter: ChildStarter;
  readonly limits: BridgeLimits;
  readonly log: Log;
  readonly clock: Clock;
  /** A quarantine has begun: what is known of the server is to be asked anew. */
  readonly onQuarantine: () => void;
}

/** A session's process that ends within this time, or before it has answered, "exited at once". */
const atOnceMs = 2_000;

export function launcher(dependencies: LauncherDependencies): Launcher {
  const { name, limits, log, clock, starter } = dependencies;
  const policy = restartPolicy(limits, clock);
  const running = new Map<Child, ChildRole>();
  /** Processes of which something may still be there. */
  const present = new Set<Child>();
  const totals = { starts: 0, failures: 0, crashes: 0, skippedLines: 0, stderrBytes: 0, droppedBytes: 0 };
  let lastFailure: string | null = null;
  let stopping = false;

  function unavailable(): Fault {
    const seconds = Math.max(1, Math.ceil(policy.waitMs() / 1000));
    const state = policy.quarantined ? `its ${starter.noun} keeps failing and is in quarantine` : `its ${starter.noun} failed and is started again soon`;
    return new Fault(
      'upstream_unavailable',
      { server: name, reason: lastFailure === null ? `its ${starter.noun} is not started` : `${state}: ${lastFailure}` },
      { extra: { retry_after: seconds } },
    );
  }

  function failed(reason: string): void {
    if (stopping) return;
    totals.failures++;
    lastFailure = reason;
    const outcome = policy.failed();
    const fields = { reason, retry_after_ms: policy.waitMs(), failures: policy.failures };
    if (outcome === 'quarantine_began') {
      log.error('bridge.quarantined', fields);
      dependencies.onQuarantine();
    } else if (outcome === 'quarantine_goes_on') {
      log.info('bridge.quarantine_goes_on', fields);
    } else {
      log.warn('bridge.child_failed', fields);
    }
  }

  function answered(): void {
    if (!policy.quarantined) return;
    log.info('bridge.quarantine_ended');
    policy.reopened();
    lastFailure = null;
  }

  /** A process has lived long enough. */
  function proved(): void {
    policy.succeeded();
    lastFailure = null;
  }

  async function start(role: ChildRole, handlers: ChildHandlers): Promise<Child> {
    if (stopping) throw new Fault('draining');
    if (policy.waitMs() > 0 || (policy.quarantined && role !== 'probe')) throw unavailable();
    const reason = await starter.prepare();
    if (reason !== null) {
      failed(reason);
      throw unavailable();
    }
    const proveAfterMs = role === 'session' ? atOnceMs : limits.crashWindowMs;
    let answered = false;
    let proveTimer: NodeJS.Timeout | null = null;
    let proven = false;
    let child: Child;
    try {
      child = starter.start(log.child({ child: role }), {
        onMessage(message, line) {
          answered = true;
          handlers.onMessage(message, line);
        },
        onEnd(end) {
          if (proveTimer !== null) clearTimeout(proveTimer);
          running.delete(child);
          totals.skippedLines += child.counters.skippedLines;
          totals.stderrBytes += child.stderrBytes;
          totals.droppedBytes += child.droppedBytes;
          if (!end.asked) {
            totals.crashes++;
            // A process that served one session and failed late failed that session; a shared one failed everybody.
            if (role !== 'probe' && (role !== 'session' || !proven)) failed(end.reason);
          }
          handlers.onEnd(end);
        },
      });
    } catch (error) {
      failed(`it cannot be started (${error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : 'unknown reason'})`);
      throw unavailable();
    }
    running.set(child, role);
    present.add(child);
    void child.gone.then(() => present.delete(child));
    totals.starts++;
    log.info('bridge.child_started', { child: role, child_pid: child.pid });
    if (role !== 'probe') {
      proveTimer = setTimeout(() => {
        proven = answered;
        if (proven) proved();
      }, proveAfterMs);
      proveTimer.unref();
    }
    return child;
  }

  return {
    start,
    failed,
    answered,
    unavailable,
    waitMs: () => policy.waitMs(),
    get quarantined() {
      return policy.quarantined;
    },
    get lastFailure() {
      return lastFailure;
    },
    totals,
    children: () => [...running].map(([child, role]) => ({ child, role })),
    async stop(reason, pace) {
      stopping = true;
      await Promise.all([...present].map((child) => child.stop(reason, pace)));
      starter.stop();
    },
  };
}

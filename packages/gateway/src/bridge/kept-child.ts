import { Fault } from '../kernel/fault.ts';
import type { BridgeLimits } from './bridge-options.ts';
import type { Child, ChildEnd } from './child-process.ts';
import type { ChildRole, Launcher } from './launcher.ts';
import type { RpcMessage } from './message.ts';

/** One process that is kept running: started when first needed, started again after it ended, as the restart policy allows. */
export interface KeptChild {
  /** The process, ready for calls. Faults: `upstream_unavailable`, at once where a start is not allowed now. */
  ready(): Promise<Child>;
  readonly current: Child | null;
  /** Ends the process; the next call starts another. */
  recycle(reason: string): void;
  /** Sends one request of the bridge itself; null where no answer came in time. */
  ask(child: Child, method: string, params: string, timeoutMs: number): Promise<{ readonly message: RpcMessage; readonly line: Buffer } | null>;
  stop(): void;
}

export interface KeptChildOptions {
  readonly role: ChildRole;
  readonly launcher: Launcher;
  readonly limits: BridgeLimits;
  /** What must happen before the first call. A rejection counts as a failed start. */
  readonly prepare: (child: Child) => Promise<void>;
  readonly onMessage: (child: Child, message: RpcMessage, line: Buffer) => void;
  readonly onDown: (end: ChildEnd) => void;
}

export function keptChild(options: KeptChildOptions): KeptChild {
  const { launcher, role } = options;
  const asked = new Map<string, (answer: { message: RpcMessage; line: Buffer } | null) => void>();
  let current: Child | null = null;
  let starting: Promise<Child> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  let nextQuestion = 1;

  async function begin(): Promise<Child> {
    let early: ChildEnd | null = null;
    const child: Child = await launcher.start(role, {
      onMessage(message, line) {
        const answer = message.kind === 'response' ? asked.get(message.idKey) : undefined;
        if (answer !== undefined) answer({ message, line });
        else options.onMessage(child, message, line);
      },
      onEnd(end) {
        early = end;
        for (const resolve of asked.values()) resolve(null);
        if (current !== child) return;
        current = null;
        options.onDown(end);
        startSoon();
      },
    });
    try {
      await options.prepare(child);
    } catch (error) {
      // A process that ended by itself has been counted already.
      if (early === null) launcher.failed(error instanceof Fault ? error.message : String(error instanceof Error ? error.message : error));
      void child.stop('it did not become ready');
      startSoon();
      throw launcher.unavailable();
    }
    if (early !== null || stopped) throw launcher.unavailable();
    current = child;
    return child;
  }

  function ready(): Promise<Child> {
    if (current !== null && !current.ending) return Promise.resolve(current);
    if (stopped) return Promise.reject(new Fault('draining'));
    starting ??= begin().finally(() => {
      starting = null;
    });
    return starting;
  }

  function startSoon(): void {
    // In quarantine the probe finds out when a start makes sense again.
    if (stopped || launcher.quarantined || timer !== null) return;
    timer = setTimeout(() => {
      timer = null;
      ready().catch(() => startSoon());
    }, launcher.waitMs());
    timer.unref();
  }

  return {
    ready,
    get current() {
      return current;
    },
    recycle(reason) {
      void current?.stop(reason);
    },
    ask(child, method, params, timeoutMs) {
      const id = `gatewayops-${nextQuestion++}`;
      const { promise, resolve } = Promise.withResolvers<{ message: RpcMessage; line: Buffer } | null>();
      const timeout = setTimeout(() => resolve(null), timeoutMs);
      asked.set(`s${id}`, resolve);
      if (!child.send(`{"jsonrpc":"2.0","id":"${id}","method":"${method}","params":${params}}`)) resolve(null);
      return promise.finally(() => {
        clearTimeout(timeout);
        asked.delete(`s${id}`);
      });
    },
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}

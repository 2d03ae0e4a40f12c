/**
 * Requests and news between the supervisor and a worker over Node's IPC, typed by two interfaces of handlers. A request
 * that is not answered within its time fails; a closed channel fails everything that waits.
 */
export type Handlers = Record<string, (input: never) => unknown>;

/** The end of an IPC pair: `process` in a child, a `ChildProcess` or cluster `Worker` in the parent. */
export interface Endpoint {
  send(message: unknown, callback?: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
}

export interface Channel<Remote extends Handlers> {
  /** Asks the other side and waits for the answer. Rejects after `timeoutMs` (default 10 s) or when the channel closes. */
  ask<Name extends keyof Remote & string>(name: Name, input: Parameters<Remote[Name]>[0], timeoutMs?: number): Promise<Awaited<ReturnType<Remote[Name]>>>;
  /** Tells the other side; nothing comes back. */
  tell<Name extends keyof Remote & string>(name: Name, input: Parameters<Remote[Name]>[0]): void;
}

type Message =
  | { kind: 'ask'; id: number; name: string; input: unknown }
  | { kind: 'tell'; name: string; input: unknown }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'failure'; id: number; message: string };

export function openChannel<Remote extends Handlers>(endpoint: Endpoint, local: Handlers): Channel<Remote> {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void; timer: NodeJS.Timeout }>();
  let nextId = 1;
  let closed = false;

  endpoint.on('message', (raw) => {
    const message = raw as Message;
    if (message.kind === 'ask' || message.kind === 'tell') void handle(message);
    else settle(message);
  });
  endpoint.on('disconnect', () => {
    closed = true;
    for (const entry of waiting.values()) {
      clearTimeout(entry.timer);
      entry.reject(new Error('channel closed'));
    }
    waiting.clear();
  });

  async function handle(message: Extract<Message, { kind: 'ask' | 'tell' }>): Promise<void> {
    try {
      const handler = local[message.name];
      if (!handler) throw new Error(`no handler ${message.name}`);
      const value = await handler(message.input as never);
      if (message.kind === 'ask') post({ kind: 'answer', id: message.id, value });
    } catch (error) {
      if (message.kind === 'ask') post({ kind: 'failure', id: message.id, message: error instanceof Error ? error.message : String(error) });
    }
  }

  function settle(message: Extract<Message, { kind: 'answer' | 'failure' }>): void {
    const entry = waiting.get(message.id);
    if (!entry) return;
    waiting.delete(message.id);
    clearTimeout(entry.timer);
    if (message.kind === 'answer') entry.resolve(message.value as never);
    else entry.reject(new Error(message.message));
  }

  function post(message: Message): void {
    if (closed) return;
    // A peer that died between two messages is reported by `disconnect`; the callback keeps EPIPE from being thrown.
    endpoint.send(message, () => undefined);
  }

  return {
    ask(name, input, timeoutMs = 10_000) {
      if (closed) return Promise.reject(new Error('channel closed'));
      const id = nextId++;
      return new Promise((resolve, reject) => {
        post({ kind: 'ask', id, name, input });
        const timer = setTimeout(() => {
          waiting.delete(id);
          reject(new Error(`no answer to ${name} within ${timeoutMs} ms`));
        }, timeoutMs);
        timer.unref();
        waiting.set(id, { resolve, reject, timer });
      });
    },
    tell(name, input) {
      post({ kind: 'tell', name, input });
    },
  };
}

import type { Log } from '../kernel/log.ts';

/** Things to close, last opened first. One that fails does not keep the others open. */
export interface Closers {
  add(name: string, close: () => unknown): void;
  /** Never rejects. A second call closes what was added meanwhile. */
  closeAll(): Promise<void>;
}

export function createClosers(log: Log): Closers {
  const closers: { readonly name: string; readonly close: () => unknown }[] = [];
  return {
    add: (name, close) => void closers.push({ name, close }),
    async closeAll() {
      for (let next = closers.pop(); next; next = closers.pop()) {
        try {
          await next.close();
        } catch (error) {
          log.warn('close_failed', { part: next.name, error });
        }
      }
    },
  };
}

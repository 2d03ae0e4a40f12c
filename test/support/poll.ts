/** Waits for a thing to become true, with a bound: what tests do instead of sleeping. */
import { setTimeout as pause } from 'node:timers/promises';

export interface Patience {
  /** Default 30 s. */
  readonly timeoutMs?: number;
  /** Default 20 ms. */
  readonly everyMs?: number;
  /** What is waited for, for the message of the error. */
  readonly what?: string;
  /** Errors after which waiting longer makes no sense: they are thrown at once. */
  readonly giveUpOn?: (error: unknown) => boolean;
}

/**
 * Asks until the answer is neither false, null nor undefined, and returns it. Rejects after the time, with the last error
 * as the cause where the condition itself threw.
 */
export async function until<Value>(condition: () => Value | Promise<Value>, patience: Patience = {}): Promise<Exclude<Value, false | null | undefined>> {
  const { timeoutMs = 30_000, everyMs = 20, what = 'a condition', giveUpOn = () => false } = patience;
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== false && value !== null && value !== undefined) return value as Exclude<Value, false | null | undefined>;
      cause = undefined;
    } catch (error) {
      if (giveUpOn(error)) throw error;
      cause = error;
    }
    if (performance.now() >= deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause });
    await pause(everyMs);
  }
}

import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { createMemoryTokens } from './memory-tokens.ts';
import { createMemoryValues } from './memory-values.ts';
import { openStateLog, readStateLog } from './state-log.ts';
import type { StateStore } from './state-store.ts';

export interface EmbeddedStateOptions {
  /** In the state folder, of this process alone. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly bytesMax?: number;
  readonly entriesMax?: number;
}

/**
 * The embedded shared state: values in memory, every change of them in files before it is answered, so that they outlive the process, however
 * it ends; counters in memory only. Faults: `state_broken`, `permission_denied`.
 */
export async function openEmbeddedState({ folder, clock, log, ...limits }: EmbeddedStateOptions): Promise<StateStore> {
  const values = createMemoryValues({ clock, ...limits });
  const nowMs = clock.nowMs();
  for (const [key, { value, expiresAtMs }] of await readStateLog(folder, log)) if (expiresAtMs > nowMs) values.set(key, value, expiresAtMs);
  const files = await openStateLog({ folder, log, living: () => values.living(), livingBytes: () => values.bytes });

  // The change in memory and its place in the files are of one moment: no other comes between.
  async function setIfAbsent(key: string, value: Uint8Array, ttlMs: number): Promise<boolean> {
    const expiresAtMs = clock.nowMs() + ttlMs;
    if (!values.setIfAbsent(key, value, expiresAtMs)) return false;
    try {
      await files.append({ kind: 'set', key, expiresAtMs, value });
    } catch (error) {
      if (values.get(key)?.equals(value) === true) values.delete(key);
      throw error;
    }
    return true;
  }

  return {
    async get(key) {
      return values.get(key);
    },
    async set(key, value, ttlMs) {
      const expiresAtMs = clock.nowMs() + ttlMs;
      values.set(key, value, expiresAtMs);
      await files.append({ kind: 'set', key, expiresAtMs, value });
    },
    setIfAbsent,
    async replace(key, before, after, ttlMs) {
      if (before === null) return setIfAbsent(key, after, ttlMs);
      const expiresAtMs = clock.nowMs() + ttlMs;
      if (!values.replace(key, before, after, expiresAtMs)) return false;
      await files.append({ kind: 'set', key, expiresAtMs, value: after });
      return true;
    },
    async take(key) {
      const value = values.take(key);
      if (value !== null) await files.append({ kind: 'delete', key });
      return value;
    },
    async touch(key, ttlMs) {
      const expiresAtMs = clock.nowMs() + ttlMs;
      if (!values.touch(key, expiresAtMs)) return false;
      await files.append({ kind: 'touch', key, expiresAtMs });
      return true;
    },
    async delete(key) {
      if (values.delete(key)) await files.append({ kind: 'delete', key });
    },
    ...createMemoryTokens(),
    status() {
      const { trouble } = files;
      const reason = trouble === null ? null : `it cannot be written (${trouble})`;
      return { kind: 'embedded', ready: trouble === null, reason, entries: values.entries, bytes: values.bytes, failures: values.refused + files.failures };
    },
    close: () => files.close(),
  };
}

import type { StateStore } from '../store/state/state-store.ts';
import type { Channel } from './channel.ts';
import type { SupervisorHandlers } from './worker-messages.ts';

/** Shared state as the workers ask for it. What is asked for before it is open waits. */
export type StateHandlers = Pick<SupervisorHandlers, 'stateGet' | 'stateSet' | 'stateSetIfAbsent' | 'stateReplace' | 'stateTouch' | 'stateDelete'>;

export function stateHandlers(state: () => Promise<StateStore>): StateHandlers {
  return {
    stateGet: async ({ key }) => (await state()).get(key),
    stateSet: async ({ key, value, ttlMs }) => (await state()).set(key, value, ttlMs),
    stateSetIfAbsent: async ({ key, value, ttlMs }) => (await state()).setIfAbsent(key, value, ttlMs),
    stateReplace: async ({ key, before, after, ttlMs }) => (await state()).replace(key, before, after, ttlMs),
    stateTouch: async ({ key, ttlMs }) => (await state()).touch(key, ttlMs),
    stateDelete: async ({ key }) => (await state()).delete(key),
  };
}

/** The same for a worker, asked of its supervisor. */
export function stateOf(supervisor: Channel<SupervisorHandlers>): Pick<StateStore, 'get' | 'set' | 'setIfAbsent' | 'replace' | 'touch' | 'delete'> {
  return {
    async get(key) {
      const value = await supervisor.ask('stateGet', { key });
      return value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    },
    set: (key, value, ttlMs) => supervisor.ask('stateSet', { key, value, ttlMs }),
    setIfAbsent: (key, value, ttlMs) => supervisor.ask('stateSetIfAbsent', { key, value, ttlMs }),
    replace: (key, before, after, ttlMs) => supervisor.ask('stateReplace', { key, before, after, ttlMs }),
    touch: (key, ttlMs) => supervisor.ask('stateTouch', { key, ttlMs }),
    delete: (key) => supervisor.ask('stateDelete', { key }),
  };
}

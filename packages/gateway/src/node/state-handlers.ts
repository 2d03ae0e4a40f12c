import type { StateStore } from '../store/state/state-store.ts';
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

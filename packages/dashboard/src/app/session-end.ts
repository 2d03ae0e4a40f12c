/**
 * A session that ends while somebody looks. What is on screen stays: no question is asked any more until there is a session again, as nothing but
 * refusals would come.
 */
import { onlineManager } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';

let hasEnded = false;
const listeners = new Set<() => void>();

export function noteSessionEnded(): void {
  set(true);
}

export function noteSessionBack(): void {
  set(false);
}

export function useSessionEnded(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => hasEnded,
  );
}

function set(ended: boolean): void {
  if (hasEnded === ended) return;
  hasEnded = ended;
  onlineManager.setOnline(!ended);
  for (const listener of listeners) listener();
}

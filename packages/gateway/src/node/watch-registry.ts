import type { Log } from '../kernel/log.ts';

export interface RegistryWatchOptions {
  readonly ping: () => Promise<void>;
  readonly onChange: (isUp: boolean) => void;
  readonly log: Log;
  readonly everyMs: number;
}

/** Asks the registry again and again whether it answers; it does when this begins. Returns how to end. */
export function watchRegistry({ ping, onChange, log, everyMs }: RegistryWatchOptions): () => void {
  let isUp = true;
  let isAsking = false;
  const note = (error: unknown): void => {
    const was = isUp;
    isUp = error === null;
    if (isUp === was) return;
    if (isUp) log.info('registry.up');
    else log.warn('registry.down', { error });
    onChange(isUp);
  };
  const timer = setInterval(() => {
    // One at a time: an answer that comes late says nothing about now.
    if (isAsking) return;
    isAsking = true;
    ping()
      .then(() => note(null), note)
      .finally(() => (isAsking = false));
  }, everyMs);
  return () => clearInterval(timer);
}

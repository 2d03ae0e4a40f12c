import type { ConfigFault } from '../config/config-fault.ts';
import { objectKey, type ConfigObject } from '../kernel/config-object.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';

/** What of the registry this node's configuration has beside its file. One a node. */
export interface ServedObjects {
  /** Those that serve. */
  serving(): readonly ConfigObject[];
  /** Why others do not, by `objectKey`. */
  resting(): ReadonlyMap<string, string>;
  /** Looks at the registry; resolves when this node goes by what it says. Faults: those of the registry. */
  refresh(): Promise<void>;
  /** The file is another: what rested may serve now. */
  fileChanged(): void;
  close(): void;
}

export interface ServedObjectsOptions {
  readonly revision: () => Promise<number>;
  readonly read: () => Promise<readonly ConfigObject[]>;
  /** Lets what fits of them serve beside the file; resolves with it when every worker goes by it. */
  readonly apply: (objects: readonly ConfigObject[]) => Promise<FittingObjects>;
  readonly log: Log;
  readonly everyMs: number;
}

export interface FittingObjects {
  readonly serving: readonly ConfigObject[];
  readonly resting: ReadonlyMap<string, string>;
}

/** Nothing is read yet. */
export function createServedObjects({ revision, read, apply, log, everyMs }: ServedObjectsOptions): ServedObjects {
  let known = -1;
  let fitting: FittingObjects = { serving: [], resting: new Map() };
  let reading: Promise<void> = Promise.resolve();
  let failing = false;

  async function readAndApply(): Promise<void> {
    const next = await revision();
    if (next === known) return;
    // Nothing was ever made: the file alone serves already.
    if (next === 0) return void (known = next);
    fitting = await apply(await read());
    known = next;
    const rests = [...fitting.resting].map(([key, reason]) => `${key}: ${reason}`);
    if (rests.length > 0) log.error('config.objects_rest', { revision: next, objects: rests.slice(0, shownMax), count: rests.length });
    log.info('config.objects_changed', { revision: next, serving: fitting.serving.length, resting: rests.length });
  }

  const refresh = (): Promise<void> => (reading = reading.catch(() => undefined).then(readAndApply));
  async function keepUp(): Promise<void> {
    try {
      await refresh();
      failing = false;
    } catch (error) {
      // A registry that is away says so itself.
      if (!failing && asFault(error).code !== 'unavailable') log.error('config.objects_unapplied', { error });
      failing = true;
    }
  }
  const timer = setInterval(() => void keepUp(), everyMs);
  timer.unref();
  return {
    serving: () => fitting.serving,
    resting: () => fitting.resting,
    refresh,
    fileChanged: () => void (known = -1),
    close: () => clearInterval(timer),
  };
}

const shownMax = 10;

/**
 * The most of them with which a configuration can be made, and why the others rest: what faults are about first; where they are about none of
 * them, what does not go with those before it. Faults: those of the file alone.
 */
export function fittingObjects<Made>(
  objects: readonly ConfigObject[],
  make: (objects: readonly ConfigObject[]) => Made,
): FittingObjects & { readonly made: Made } {
  const resting = new Map<string, string>();
  let serving = objects;
  for (;;) {
    try {
      return { made: make(serving), serving, resting };
    } catch (error) {
      const faults = faultsOf(error);
      const blamed = faults.flatMap(({ object, message }) => (object === undefined ? [] : [[objectKey(object), message] as const]));
      if (blamed.length === 0) break;
      for (const [key, message] of blamed) if (!resting.has(key)) resting.set(key, message);
      serving = serving.filter((one) => !resting.has(objectKey(one)));
    }
  }
  let made = make([]);
  const kept: ConfigObject[] = [];
  for (const object of serving) {
    kept.push(object);
    try {
      made = make(kept);
    } catch (error) {
      kept.pop();
      resting.set(objectKey(object), faultsOf(error)[0]?.message ?? asFault(error).message);
    }
  }
  return { made, serving: kept, resting };
}

function faultsOf(error: unknown): readonly ConfigFault[] {
  return error instanceof Fault && error.code === 'config_invalid' ? ((error.extra?.['faults'] ?? []) as readonly ConfigFault[]) : [];
}

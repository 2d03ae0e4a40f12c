import type { Log } from '../kernel/log.ts';
import type { PolicyData } from '../kernel/policy.ts';
import { policyOfSwitch, type SwitchData } from '../kernel/switch.ts';

/** The rules of access that the registry holds, for all nodes that have the same. One a node. */
export interface ServedAccess {
  /** What the workers obey: what is switched off, and the rules: those of the file where it has any. */
  policies(ofFile: readonly PolicyData[] | null): readonly PolicyData[];
  /** What is switched off, also what is on again by now because its time is over. */
  switches(): readonly SwitchData[];
  /** Reads them anew; resolves when this node goes by them. Faults: those of the registry. */
  refresh(): Promise<void>;
  /** How long ago the registry last said that nothing else holds than what this node goes by. */
  ageMs(): number;
  close(): void;
}

export interface AccessRules {
  readonly policies: readonly PolicyData[];
  readonly switches: readonly SwitchData[];
}

export interface AccessRevision {
  /** Raised by changes of rules and switches, and by what changes of callers. */
  readonly rules: number;
  readonly callers: number;
}

export interface ServedAccessOptions {
  readonly revision: () => Promise<AccessRevision>;
  readonly read: () => Promise<AccessRules>;
  /** Resolves when new calls go by them. */
  readonly apply: () => Promise<void>;
  /** Keys of whose callers something has changed after that revision; null: too many to name. */
  readonly changedKeys: (after: number) => Promise<readonly string[] | null>;
  /** Resolves when nothing is remembered of these keys; null: of any. */
  readonly forget: (keys: readonly string[] | null) => Promise<void>;
  readonly log: Log;
  readonly everyMs: number;
}

/** The first reading is done when this resolves. What cannot be read later changes nothing. Faults: those of the registry. */
export async function openServedAccess({ revision, read, apply, changedKeys, forget, log, everyMs }: ServedAccessOptions): Promise<ServedAccess> {
  let known = await revision();
  let rules = await read();
  let confirmedAtMs = performance.now();
  /** One after the other: an older reading must not take the place of a newer one. */
  let reading: Promise<void> = Promise.resolve();

  async function readAndApply(): Promise<void> {
    const askedAtMs = performance.now();
    // Before the rules: one that is written in between is read again at the next look.
    const next = await revision();
    if (next.callers !== known.callers) {
      await forget(await changedKeys(known.callers));
      known = { ...known, callers: next.callers };
    }
    if (next.rules !== known.rules) {
      rules = await read();
      known = { ...known, rules: next.rules };
      await apply();
      log.info('access.changed', { revision: next.rules, policies: rules.policies.length, switched_off: rules.switches.length });
    }
    confirmedAtMs = askedAtMs;
  }

  const refresh = (): Promise<void> => (reading = reading.catch(() => undefined).then(readAndApply));
  const timer = setInterval(() => void refresh().catch(() => undefined), everyMs);
  timer.unref();
  return {
    policies: (ofFile) => [...rules.switches.map(policyOfSwitch), ...(ofFile ?? rules.policies)],
    switches: () => rules.switches,
    refresh,
    ageMs: () => performance.now() - confirmedAtMs,
    close: () => clearInterval(timer),
  };
}

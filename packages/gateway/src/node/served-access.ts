import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../kernel/log.ts';
import type { PolicyData } from '../kernel/policy.ts';
import { policyOfSwitch, type SwitchData } from '../kernel/switch.ts';

/** The rules of access that the registry holds, for all nodes that have the same. One a node. */
export interface ServedAccess {
  /** The rules that hold: those of the file where it has any. */
  policies(ofFile: readonly PolicyData[] | null): readonly PolicyData[];
  /** The rules of what is switched off, which stand before all others. */
  switchRules(): readonly PolicyData[];
  /** What is switched off, also what is on again by now because its time is over. */
  switches(): readonly SwitchData[];
  /** Reads them anew; resolves when this node goes by them. Faults: those of the registry. */
  refresh(): Promise<void>;
  /** How long ago the registry last said that nothing else holds than what this node goes by. */
  ageMs(): number;
  close(): void;
}

export interface AccessRevision {
  /** Raised by changes of rules and switches, and by what changes of callers. */
  readonly rules: number;
  readonly callers: number;
}

export interface ServedAccessOptions {
  readonly revision: () => Promise<AccessRevision>;
  readonly readSwitches: () => Promise<readonly SwitchData[]>;
  readonly readPolicies: () => Promise<readonly PolicyData[]>;
  /** Resolves when new calls go by what is switched off. */
  readonly applySwitches: () => Promise<void>;
  /** Resolves when new calls go by the policies. */
  readonly applyPolicies: () => Promise<void>;
  /** Keys of whose callers something has changed after that revision; null: too many to name. */
  readonly changedKeys: (after: number) => Promise<readonly string[] | null>;
  /** Resolves when nothing is remembered of these keys; null: of any. */
  readonly forget: (keys: readonly string[] | null) => Promise<void>;
  readonly log: Log;
  readonly everyMs: number;
}

/** The first reading is done when this resolves. What cannot be read later changes nothing. Faults: those of the registry. */
export async function openServedAccess(options: ServedAccessOptions): Promise<ServedAccess> {
  const { revision, readSwitches, readPolicies, applySwitches, applyPolicies, changedKeys, forget, log, everyMs } = options;
  let known = await revision();
  let switches = await readSwitches();
  let switchRules = switches.map(policyOfSwitch);
  let policies = await readPolicies();
  let confirmedAtMs = performance.now();
  /** One after the other: an older reading must not take the place of a newer one. */
  let reading: Promise<unknown> = Promise.resolve();
  /** Of the newest policies. */
  let applying: Promise<void> = Promise.resolve();

  /** Resolves when what was read is on its way, and then with when new calls go by it: many policies take their time, and the next key or switch does not wait for that. */
  async function readAndApply(): Promise<{ readonly applied: Promise<void> }> {
    const askedAtMs = performance.now();
    // Before the rules: one that is written in between is read again at the next look.
    const next = await revision();
    if (next.callers !== known.callers) {
      await forget(await changedKeys(known.callers));
      known = { ...known, callers: next.callers };
    }
    if (next.rules !== known.rules) {
      const off = await readSwitches();
      if (!isDeepStrictEqual(off, switches)) {
        switches = off;
        switchRules = off.map(policyOfSwitch);
        await applySwitches();
      }
      policies = await readPolicies();
      known = { ...known, rules: next.rules };
      log.info('access.changed', { revision: next.rules, policies: policies.length, switched_off: switches.length });
      applying = applyPolicies();
    }
    const applied = applying.then(() => {
      confirmedAtMs = Math.max(confirmedAtMs, askedAtMs);
    });
    // Whoever waits for it hears of it.
    applied.catch(() => undefined);
    return { applied };
  }

  async function refresh(): Promise<void> {
    const mine = reading.catch(() => undefined).then(readAndApply);
    reading = mine;
    await (
      await mine
    ).applied;
  }

  const timer = setInterval(() => void refresh().catch(() => undefined), everyMs);
  timer.unref();
  return {
    policies: (ofFile) => ofFile ?? policies,
    switchRules: () => switchRules,
    switches: () => switches,
    refresh,
    ageMs: () => performance.now() - confirmedAtMs,
    close: () => clearInterval(timer),
  };
}

import { isDeepStrictEqual } from 'node:util';
import type { OrganizationId } from '../kernel/id.ts';
import type { Log } from '../kernel/log.ts';
import type { PolicyData } from '../kernel/policy.ts';
import { policyOfSwitch, type SwitchData } from '../kernel/switch.ts';
import type { OrganizationRules } from '../snapshot/snapshot.ts';

/** The rules of access that the registry holds, by organization, for all nodes that have the same. One a node. */
export interface ServedAccess {
  /** The rules that hold for an organization: those of the file where they are given. */
  policies(organizationId: OrganizationId, ofFile: readonly PolicyData[] | null): readonly PolicyData[];
  /** Those of all that have any, but for one. The same object until they change. */
  others(than: OrganizationId): readonly OrganizationRules[];
  /** The rules of what is switched off, which stand before all others of an organization. */
  switchRules(): readonly OrganizationRules[];
  /** What an organization has switched off, also what is on again by now because its time is over. */
  switches(organizationId: OrganizationId): readonly SwitchData[];
  /** Reads them anew; resolves when this node goes by them. Faults: those of the registry. */
  refresh(): Promise<void>;
  /** How long ago the registry last said that nothing else holds than what this node goes by. */
  ageMs(): number;
  close(): void;
}

export interface AccessRevision {
  readonly organizationId: OrganizationId;
  /** Raised by changes of rules and switches, and by what changes of callers. */
  readonly rules: number;
  readonly callers: number;
}

export interface ServedAccessOptions {
  /** Of every organization. */
  readonly revisions: () => Promise<readonly AccessRevision[]>;
  readonly readSwitches: (organizationId: OrganizationId) => Promise<readonly SwitchData[]>;
  readonly readPolicies: (organizationId: OrganizationId) => Promise<readonly PolicyData[]>;
  /** Resolves when new calls go by what is switched off. */
  readonly applySwitches: () => Promise<void>;
  /** Resolves when new calls go by the policies. */
  readonly applyPolicies: () => Promise<void>;
  /** Keys of whose callers something has changed after that revision; null: too many to name. */
  readonly changedKeys: (organizationId: OrganizationId, after: number) => Promise<readonly string[] | null>;
  /** Resolves when nothing is remembered of these keys; null: of any. */
  readonly forget: (keys: readonly string[] | null) => Promise<void>;
  /** Resolves when nothing is remembered of whoever signed in without a key: nobody marks them one by one. */
  readonly forgetTokens: (organizationId: OrganizationId) => Promise<void>;
  readonly log: Log;
  readonly everyMs: number;
}

/** The first reading is done when this resolves. What cannot be read later changes nothing. Faults: those of the registry. */
export async function openServedAccess(options: ServedAccessOptions): Promise<ServedAccess> {
  const { revisions, readSwitches, readPolicies, applySwitches, applyPolicies, changedKeys, forget, forgetTokens, log, everyMs } = options;
  const known = new Map<OrganizationId, AccessRevision>();
  const switches = new Map<OrganizationId, readonly SwitchData[]>();
  const policies = new Map<OrganizationId, readonly PolicyData[]>();
  for (const revision of await revisions()) {
    const { organizationId } = revision;
    keep(switches, organizationId, await readSwitches(organizationId));
    keep(policies, organizationId, await readPolicies(organizationId));
    known.set(organizationId, revision);
  }
  let switchRules = rulesOfSwitches(switches);
  let others: { readonly than: OrganizationId; readonly rules: readonly OrganizationRules[] } | null = null;
  let confirmedAtMs = performance.now();
  /** One after the other: an older reading must not take the place of a newer one. */
  let reading: Promise<unknown> = Promise.resolve();
  /** Of the newest policies. */
  let applying: Promise<void> = Promise.resolve();

  /** Resolves when what was read is on its way, and then with when new calls go by it: many policies take their time, and the next key or switch does not wait for that. */
  async function readAndApply(): Promise<{ readonly applied: Promise<void> }> {
    const askedAtMs = performance.now();
    // Before the rules: one that is written in between is read again at the next look.
    let isChanged = false;
    for (const next of await revisions()) {
      const { organizationId } = next;
      const before = known.get(organizationId) ?? { organizationId, rules: 0, callers: 0 };
      if (next.callers !== before.callers) {
        await Promise.all([changedKeys(organizationId, before.callers).then(forget), forgetTokens(organizationId)]);
        known.set(organizationId, { ...before, callers: next.callers });
      }
      if (next.rules !== before.rules) {
        const off = await readSwitches(organizationId);
        if (!isDeepStrictEqual(off, switches.get(organizationId) ?? [])) {
          keep(switches, organizationId, off);
          switchRules = rulesOfSwitches(switches);
          await applySwitches();
        }
        const rules = await readPolicies(organizationId);
        keep(policies, organizationId, rules);
        others = null;
        isChanged = true;
        known.set(organizationId, next);
        log.info('access.changed', { organization_id: organizationId, revision: next.rules, policies: rules.length, switched_off: off.length });
      }
    }
    if (isChanged) applying = applyPolicies();
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
    policies: (organizationId, ofFile) => ofFile ?? policies.get(organizationId) ?? [],
    others(than) {
      if (others?.than !== than)
        others = {
          than,
          rules: Array.from(policies, ([organizationId, own]) => ({ organizationId, policies: own })).filter((one) => one.organizationId !== than),
        };
      return others.rules;
    },
    switchRules: () => switchRules,
    switches: (organizationId) => switches.get(organizationId) ?? [],
    refresh,
    ageMs: () => performance.now() - confirmedAtMs,
    close: () => clearInterval(timer),
  };
}

/** What one has none of takes no place. */
function keep<Value>(all: Map<OrganizationId, readonly Value[]>, organizationId: OrganizationId, own: readonly Value[]): void {
  if (own.length === 0) all.delete(organizationId);
  else all.set(organizationId, own);
}

function rulesOfSwitches(switches: ReadonlyMap<OrganizationId, readonly SwitchData[]>): readonly OrganizationRules[] {
  return Array.from(switches, ([organizationId, own]) => ({ organizationId, policies: own.map(policyOfSwitch) }));
}

import type { Foreseen } from '../../authorise/compare-access.ts';
import type { ThingKind } from '../../authorise/access.ts';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { unknownObject } from '../unknown-object.ts';
import type { PolicyData } from '../../kernel/policy.ts';
import { isSwitchRule } from '../../kernel/switch.ts';
import type { CallGroup } from '../../store/ledger/call-groups.ts';
import type { ControlContext } from '../context.ts';
import { requireWhole } from '../policies/put-policy.ts';
import { requireLedger } from '../require-ledger.ts';
import { callersOfCalls } from './find-caller.ts';

export interface DryRunInput {
  /** The whole list that would hold in the place of the one that does; null: the one that does. */
  readonly policies: readonly PolicyData[] | null;
  /** Rules that would be made, or take the place of those with their names. */
  readonly put: readonly PolicyData[];
  /** Names of rules that would be taken away. */
  readonly remove: readonly string[];
  readonly days: number;
}

export const dryRunOutcomes = ['denied', 'held', 'allowed', 'depends'] as const;
/** What would be otherwise: calls that pass, or are held, would be denied; held instead; let through; or it depends on what the calls said. */
export type DryRunOutcome = (typeof dryRunOutcomes)[number];

export interface DryRunGroup {
  readonly outcome: DryRunOutcome;
  readonly before: Foreseen;
  readonly after: Foreseen;
  readonly kind: ThingKind;
  /** The trace is that of the newest call. */
  readonly of: CallGroup;
}

export interface AccessDryRun {
  /** Milliseconds since the epoch: the part of the time that was looked at. */
  readonly startMs: number;
  readonly endMs: number;
  /** Calls that were looked at; of callers that are not known any more it cannot be said. */
  readonly calls: number;
  readonly callsOfUnknown: number;
  /** There are older ones in the time that was asked for, or rarer ones, that were not looked at. */
  readonly truncated: boolean;
  readonly outcomes: Readonly<Record<DryRunOutcome, { readonly calls: number; readonly callers: number }>>;
  /** Most calls first; at most `dryRunShownMax`. */
  readonly groups: readonly DryRunGroup[];
}

const dayMs = 86_400_000;
/** What a recorded method asks for. */
export const callKinds = {
  'tools/call': { kind: 'tool', action: 'tools.call' },
  'resources/read': { kind: 'resource', action: 'resources.read' },
  'prompts/get': { kind: 'prompt', action: 'prompts.get' },
} as const;

/**
 * What other rules would have decided of the calls of the last days, by callers as the registry has them now. Nothing is changed. Faults: `invalid_params`,
 * `unknown_object`, `unavailable`.
 */
export async function dryRunAccess(context: ControlContext, { policies, put, remove, days }: DryRunInput): Promise<AccessDryRun> {
  const { organizationId, access, clock } = context;
  const after = rulesAfter(context, { policies, put, remove });
  const endMs = clock.nowMs();
  const startMs = endMs - days * dayMs;
  const found = await requireLedger(context).listCallGroups({
    organizationId,
    startUs: BigInt(startMs) * 1000n,
    endUs: BigInt(endMs) * 1000n,
    callsMax: bounds.dryRunCallsMax,
    groupsMax: bounds.dryRunGroupsMax,
  });
  const compare = await access.compare(
    organizationId,
    after,
    found.filter(({ method }) => method === 'tools/call'),
  );
  const callerOf = callersOfCalls(context);
  const groups: DryRunGroup[] = [];
  let calls = 0;
  let callsOfUnknown = 0;
  for (const of of found) {
    const principal = await callerOf(of);
    calls += of.calls;
    if (principal === undefined) {
      callsOfUnknown += of.calls;
      continue;
    }
    const { kind, action } = callKinds[of.method];
    const decided = compare(principal, { server: of.server, action, kind, name: of.name });
    const outcome = decided === null ? null : outcomeOf(decided.before, decided.after);
    if (decided !== null && outcome !== null) groups.push({ outcome, ...decided, kind, of });
  }
  const [first] = found;
  const isCut = (first?.calls_of_all ?? 0) >= bounds.dryRunCallsMax;
  return {
    startMs: isCut ? Math.floor(Number(first?.oldest_us ?? 0n) / 1000) : startMs,
    endMs,
    calls,
    callsOfUnknown,
    truncated: isCut || calls < (first?.calls_of_all ?? 0),
    outcomes: sumsOf(groups),
    groups: groups.slice(0, bounds.dryRunShownMax),
  };
}

function rulesAfter(context: ControlContext, { policies, put, remove }: Pick<DryRunInput, 'policies' | 'put' | 'remove'>): readonly PolicyData[] {
  const served = context.access.served(context.organizationId);
  const base = policies ?? served.filter((rule) => !isSwitchRule(rule));
  for (const rule of [...(policies ?? []), ...put]) requireWhole(context, rule);
  for (const list of [policies ?? [], put])
    for (const [index, { name }] of list.entries())
      if (list.findIndex((other) => other.name === name) < index) throw new Fault('invalid_params', { reason: `two policies are named ${name}` });
  for (const name of remove) if (!base.some((rule) => rule.name === name)) throw unknownObject('policy', name);
  const changed = new Set([...put.map(({ name }) => name), ...remove]);
  return [...served.filter(isSwitchRule), ...base.filter(({ name }) => !changed.has(name)), ...put];
}

/** Null: nothing would be otherwise. */
function outcomeOf(before: Foreseen, after: Foreseen): DryRunOutcome | null {
  if (before === null || after === null) return 'depends';
  if (before === after) return null;
  return after === 'deny' ? 'denied' : after === 'hold' ? 'held' : 'allowed';
}

function sumsOf(groups: readonly DryRunGroup[]): AccessDryRun['outcomes'] {
  const sum = (wanted: DryRunOutcome): { calls: number; callers: number } => {
    const own = groups.filter(({ outcome }) => outcome === wanted);
    return { calls: own.reduce((calls, { of }) => calls + of.calls, 0), callers: new Set(own.map(({ of }) => of.user_id || of.agent || of.key_id)).size };
  };
  return { denied: sum('denied'), held: sum('held'), allowed: sum('allowed'), depends: sum('depends') };
}

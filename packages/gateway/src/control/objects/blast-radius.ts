import type { Foreseen } from '../../authorise/compare-access.ts';
import { bounds } from '../../kernel/bounds.ts';
import { objectRows, type ObjectKind } from '../../kernel/config-object.ts';
import type { PolicyData } from '../../kernel/policy.ts';
import { isSwitchRule } from '../../kernel/switch.ts';
import type { PrincipalData } from '../../snapshot/snapshot.ts';
import type { CallGroup } from '../../store/ledger/call-groups.ts';
import { callKinds } from '../access/dry-run-access.ts';
import { callersOfCalls } from '../access/find-caller.ts';
import type { ControlContext } from '../context.ts';
import type { DocumentPlan, PlannedChange } from './plan-document.ts';

/** What of the calls of the last days a change is about. */
export interface BlastRadius {
  /** Keys that would lose tools that they called, those tools, and such calls. */
  readonly lost: Reach;
  /** The same of what they were refused and would not be. */
  readonly gained: Reach;
  /** What calls say decides: nothing that was recorded tells. */
  readonly depends: Reach;
  /** Calls that go by what would be another: to a changed server, say. */
  readonly touched: Reach;
}

export interface Reach {
  readonly keys: number;
  readonly tools: number;
  readonly calls: number;
}

export interface PlanRadius {
  readonly days: number;
  /** There were more calls than were looked at. */
  readonly truncated: boolean;
  readonly whole: BlastRadius;
  /** In the order of the changes; of the first `dryRunShownMax`. */
  readonly ofChanges: readonly (BlastRadius | null)[];
}

const days = 7;
const dayMs = 86_400_000;

/** What would become of the calls of the last week; null where the ledger cannot say. */
export async function blastRadius(context: ControlContext, plan: DocumentPlan): Promise<PlanRadius | null> {
  const ledger = context.ledger();
  if (ledger === null || plan.changes.length === 0) return null;
  const endMs = context.clock.nowMs();
  let groups: readonly CallGroup[];
  try {
    groups = await ledger.listCallGroups({
      organizationId: context.organizationId,
      startUs: BigInt(endMs - days * dayMs) * 1000n,
      endUs: BigInt(endMs) * 1000n,
      callsMax: bounds.dryRunCallsMax,
      groupsMax: bounds.dryRunGroupsMax,
    });
  } catch (error) {
    context.log.warn('plan.radius_unknown', { error });
    return null;
  }
  const callers = await callersOf(context, groups);
  const gone = new Set(context.config.servers.map(({ name }) => name).filter((name) => !plan.config.servers.some((server) => server.name === name)));
  const before = context.access.served(context.organizationId);
  const rulesAfter = (change: (rules: readonly PolicyData[]) => readonly PolicyData[]): readonly PolicyData[] => [
    ...before.filter(isSwitchRule),
    ...change(before.filter((rule) => !isSwitchRule(rule))),
  ];
  const tools = groups.filter(({ method }) => method === 'tools/call').map(({ server, name }) => ({ server, name }));
  const radiusOf = async (
    rules: readonly PolicyData[] | null,
    lostServers: ReadonlySet<string>,
    isTouched: (group: CallGroup) => boolean,
  ): Promise<BlastRadius> => {
    const compare = rules === null ? null : await context.access.compare(context.organizationId, rules, tools);
    const found = { lost: [] as CallGroup[], gained: [] as CallGroup[], depends: [] as CallGroup[], touched: [] as CallGroup[] };
    for (const group of groups) {
      if (lostServers.has(group.server)) {
        found.lost.push(group);
        continue;
      }
      if (isTouched(group)) found.touched.push(group);
      const caller = callers.get(group);
      if (compare === null || caller === undefined) continue;
      const { kind, action } = callKinds[group.method];
      const decided = compare(caller, { server: group.server, action, kind, name: group.name });
      const outcome = decided === null ? null : outcomeOf(decided.before, decided.after);
      if (outcome !== null) found[outcome].push(group);
    }
    return { lost: reachOf(found.lost), gained: reachOf(found.gained), depends: reachOf(found.depends), touched: reachOf(found.touched) };
  };
  const { policies } = plan;
  const touches = plan.changes.map(touchedBy);
  const calls = groups.reduce((sum, group) => sum + group.calls, 0);
  const ofChanges: (BlastRadius | null)[] = [];
  for (const [index, change] of plan.changes.entries()) {
    if (index >= bounds.dryRunShownMax) break;
    const lostServers = new Set(change.kind === 'server' && change.action === 'remove' && gone.has(change.name) ? [change.name] : []);
    const rules = change.kind === 'policy' && policies !== null && change.action !== 'fixed' ? rulesAfter((now) => withOne(now, policies, change.name)) : null;
    ofChanges.push(await radiusOf(rules, lostServers, touches[index] ?? (() => false)));
  }
  return {
    days,
    truncated: calls < (groups[0]?.calls_of_all ?? 0) || (groups[0]?.calls_of_all ?? 0) >= bounds.dryRunCallsMax,
    whole: await radiusOf(policies === null ? null : rulesAfter(() => policies), gone, (group) => touches.some((isTouched) => isTouched(group))),
    ofChanges,
  };
}

/** The rules with one of them as it would be. */
function withOne(rules: readonly PolicyData[], after: readonly PolicyData[], name: string): readonly PolicyData[] {
  return [...rules.filter((rule) => rule.name !== name), ...after.filter((rule) => rule.name === name)];
}

/** Whether a call goes by what a change is about; that of a server that goes is lost. */
function touchedBy({ kind, name, action }: PlannedChange): (group: CallGroup) => boolean {
  if (kind === 'policy' || kind === 'prices' || action === 'add' || action === 'fixed') return () => false;
  const server = objectRows[kind satisfies ObjectKind].serverOf(name);
  if (server === null) return () => false;
  const tool = kind === 'tool' ? /^[^/#]*\/([^#]*)/.exec(name)?.[1] : undefined;
  return (group) => group.server === server && (tool === undefined || tool.includes('*') || tool === group.name);
}

/** Undefined: it is not known any more. */
async function callersOf(context: ControlContext, groups: readonly CallGroup[]): Promise<ReadonlyMap<CallGroup, PrincipalData | null | undefined>> {
  const callerOf = callersOfCalls(context);
  const callers = new Map<CallGroup, PrincipalData | null | undefined>();
  for (const group of groups) callers.set(group, await callerOf(group));
  return callers;
}

function outcomeOf(before: Foreseen, after: Foreseen): 'lost' | 'gained' | 'depends' | null {
  if (before === null || after === null) return 'depends';
  if (before === after) return null;
  return after === 'allow' ? 'gained' : before === 'allow' ? 'lost' : null;
}

function reachOf(groups: readonly CallGroup[]): Reach {
  return {
    keys: new Set(groups.map(({ key_id: keyId }) => keyId)).size,
    tools: new Set(groups.map(({ server, method, name }) => `${server} ${method} ${name}`)).size,
    calls: groups.reduce((sum, { calls }) => sum + calls, 0),
  };
}

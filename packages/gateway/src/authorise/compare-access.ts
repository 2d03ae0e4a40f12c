import { isDeepStrictEqual } from 'node:util';
import type { Principal } from '../authenticate/authenticate.ts';
import type { Clock } from '../kernel/clock.ts';
import { compileCondition, type Condition } from '../kernel/condition.ts';
import type { PolicyData } from '../kernel/policy.ts';
import type { ToolFacts } from '../kernel/tool-facts.ts';
import { compileAccess, unconditional, type Access, type Grant, type Operation } from './access.ts';
import { authoriseAction } from './authorise.ts';

/** What rules decide of a call of which caller and operation are known; null: it depends on its arguments, its address or its time. */
export type Foreseen = Grant['decision'] | null;

export interface Comparison {
  readonly before: Foreseen;
  readonly after: Foreseen;
}

/** Of a caller's operation; null: no rule that differs is about it, or the scopes of its key refuse it anyhow. */
export type CompareAccess = (principal: Principal, operation: Operation & { readonly action: string }) => Comparison | null;

/**
 * What two lists of rules decide of calls that were made. Each is asked by the very code that decides, twice: with every condition that depends on
 * the call taken for the worst and for the best; where both say the same it is so whatever the call said. `toolOf`: what is known of a tool, null
 * nothing; then conditions that ask after it are taken so, too.
 */
export function compareAccess(
  before: readonly PolicyData[],
  after: readonly PolicyData[],
  clock: Pick<Clock, 'nowMs'>,
  toolOf: (server: string, name: string) => ToolFacts | null = unknown,
): CompareAccess {
  const [foreseenBefore, foreseenAfter] = [foresee(before, toolOf, clock), foresee(after, toolOf, clock)];
  const isConcerned = aboutWhat([...without(before, after), ...without(after, before)], clock);
  return (principal, operation) => {
    if (principal.servers !== null && !principal.servers.has(operation.server)) return null;
    if (authoriseAction(principal, operation.action).decision === 'deny') return null;
    if (!isConcerned(principal, operation)) return null;
    return { before: foreseenBefore(principal, operation), after: foreseenAfter(principal, operation) };
  };
}

const unknown = (): null => null;

function decisionOf(access: Access, principal: Principal, operation: Operation, tool: ToolFacts | null = null): Grant['decision'] {
  return access.viewOf(principal).decide(principal, operation, { argumentsText: unknown, ip: '', tool: () => tool }).decision;
}

type ForeseeOf = (principal: Principal, operation: Operation) => Foreseen;

function foresee(policies: readonly PolicyData[], toolOf: NonNullable<Parameters<typeof compareAccess>[3]>, clock: Pick<Clock, 'nowMs'>): ForeseeOf {
  const conditions = policies.map(({ when }) => (when === null ? null : compileCondition(when)));
  const extremes = (isOpen: (condition: Condition) => boolean): readonly Access[] => {
    const open = conditions.map((condition) => condition !== null && isOpen(condition));
    const taken = (isMet: (policy: PolicyData) => boolean): Access =>
      compileAccess(
        policies.flatMap((policy, at) => (open[at] !== true ? [policy] : isMet(policy) ? [unconditional(policy)] : [])),
        clock,
      );
    const worst = taken(({ effect }) => effect !== 'allow');
    return open.includes(true) ? [worst, taken(({ effect }) => effect === 'allow')] : [worst];
  };
  const known = extremes(({ dependsOnCall }) => dependsOnCall);
  const unlisted = conditions.some((condition) => condition?.usesTool === true) ? extremes(({ dependsOnCall, usesTool }) => dependsOnCall || usesTool) : null;
  return (principal, operation) => {
    const tool = unlisted === null || operation.kind !== 'tool' ? null : toolOf(operation.server, operation.name);
    const decisions = (unlisted !== null && tool === null ? unlisted : known).map((access) => decisionOf(access, principal, operation, tool));
    const [first = null, second = first] = decisions;
    return first === second ? first : null;
  };
}

/** Rules of a list that the other has not, or not so. */
function without(rules: readonly PolicyData[], others: readonly PolicyData[]): readonly PolicyData[] {
  const byName = new Map(others.map((rule) => [rule.name, rule]));
  return rules.filter((rule) => !isDeepStrictEqual(rule, byName.get(rule.name)));
}

/** Whether one of these rules is about an operation of a caller, whatever its condition says. */
function aboutWhat(rules: readonly PolicyData[], clock: Pick<Clock, 'nowMs'>): (principal: Principal, operation: Operation) => boolean {
  const met = rules.map(unconditional);
  const allows = compileAccess(
    met.filter(({ effect }) => effect === 'allow'),
    clock,
  );
  const refuses = compileAccess(
    [everything, ...met.filter(({ effect }) => effect !== 'allow').map((rule): PolicyData => ({ ...rule, effect: 'deny' }))],
    clock,
  );
  return (principal, operation) => decisionOf(allows, principal, operation) === 'allow' || decisionOf(refuses, principal, operation) === 'deny';
}

const everything: PolicyData = {
  name: '',
  effect: 'allow',
  subjects: null,
  servers: ['*'],
  tools: null,
  resources: null,
  prompts: null,
  actions: null,
  when: null,
  reason: null,
  untilMs: null,
};

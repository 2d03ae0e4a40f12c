import { isDeepStrictEqual } from 'node:util';
import type { Principal } from '../authenticate/authenticate.ts';
import type { Clock } from '../kernel/clock.ts';
import { compileCondition } from '../kernel/condition.ts';
import type { PolicyData } from '../kernel/policy.ts';
import { compileAccess, type Access, type CallFacts, type Grant, type Operation } from './access.ts';
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
 * the call taken for the worst and for the best; where both say the same it is so whatever the call said.
 */
export function compareAccess(before: readonly PolicyData[], after: readonly PolicyData[], clock: Pick<Clock, 'nowMs'>): CompareAccess {
  const [foreseenBefore, foreseenAfter] = [foresee(before, clock), foresee(after, clock)];
  const isConcerned = aboutWhat([...without(before, after), ...without(after, before)], clock);
  return (principal, operation) => {
    if (principal.servers !== null && !principal.servers.has(operation.server)) return null;
    if (authoriseAction(principal, operation.action).decision === 'deny') return null;
    if (!isConcerned(principal, operation)) return null;
    return { before: foreseenBefore(principal, operation), after: foreseenAfter(principal, operation) };
  };
}

const nothingKnown: CallFacts = { argumentsText: () => null, ip: '' };

function decisionOf(access: Access, principal: Principal, operation: Operation): Grant['decision'] {
  return access.viewOf(principal).decide(principal, operation, nothingKnown).decision;
}

function foresee(policies: readonly PolicyData[], clock: Pick<Clock, 'nowMs'>): (principal: Principal, operation: Operation) => Foreseen {
  const isOpen = policies.map(({ when }) => when !== null && compileCondition(when).dependsOnCall);
  const taken = (isMet: (policy: PolicyData) => boolean): Access =>
    compileAccess(
      policies.flatMap((policy, at) => (isOpen[at] !== true ? [policy] : isMet(policy) ? [{ ...policy, when: null }] : [])),
      clock,
    );
  const worst = taken(({ effect }) => effect !== 'allow');
  const best = isOpen.includes(true) ? taken(({ effect }) => effect === 'allow') : worst;
  return (principal, operation) => {
    const decision = decisionOf(worst, principal, operation);
    return decisionOf(best, principal, operation) === decision ? decision : null;
  };
}

/** Rules of a list that the other has not, or not so. */
function without(rules: readonly PolicyData[], others: readonly PolicyData[]): readonly PolicyData[] {
  const byName = new Map(others.map((rule) => [rule.name, rule]));
  return rules.filter((rule) => !isDeepStrictEqual(rule, byName.get(rule.name)));
}

/** Whether one of these rules is about an operation of a caller, whatever its condition says. */
function aboutWhat(rules: readonly PolicyData[], clock: Pick<Clock, 'nowMs'>): (principal: Principal, operation: Operation) => boolean {
  const met = rules.map((rule): PolicyData => ({ ...rule, when: null }));
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

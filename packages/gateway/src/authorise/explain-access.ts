import type { Principal } from '../authenticate/authenticate.ts';
import type { Clock } from '../kernel/clock.ts';
import type { PolicyData } from '../kernel/policy.ts';
import { compileAccess, unconditional, type Grant, type Operation } from './access.ts';
import type { CallFacts } from './tell.ts';

/** What a rule has to do with a call. */
export interface RuleFinding {
  readonly name: string;
  readonly effect: PolicyData['effect'];
  /** `speaks`: it is about this call; else why it is not. */
  readonly bearing: 'speaks' | 'other_caller' | 'other_server' | 'other_operation' | 'condition_not_met' | 'condition_unknown' | 'ended';
  /** It made the decision. */
  readonly decided: boolean;
}

/**
 * The decision as the workers make it, and what each rule has to do with it. Each finding is made by the very code that decides: a rule is asked alone, and
 * again without its condition, its names, its servers and its subjects, until it speaks.
 */
export function explainAccess(
  policies: readonly PolicyData[],
  principal: Principal,
  operation: Operation,
  facts: CallFacts,
  clock: Pick<Clock, 'nowMs'>,
): { readonly grant: Grant; readonly rules: readonly RuleFinding[] } {
  const grant = compileAccess(policies, clock).viewOf(principal).decide(principal, operation, facts);
  return {
    grant,
    rules: policies.map((policy) => ({
      name: policy.name,
      effect: policy.effect,
      bearing: bearingOf(policy, principal, operation, facts, clock),
      decided: policy.name === grant.rule,
    })),
  };
}

function bearingOf(policy: PolicyData, principal: Principal, operation: Operation, facts: CallFacts, clock: Pick<Clock, 'nowMs'>): RuleFinding['bearing'] {
  const met = unconditional(policy);
  const alone = (rule: PolicyData, change: Partial<PolicyData> = {}): boolean => speaks({ ...rule, ...change }, principal, operation, facts, clock);
  if (policy.untilMs !== null && clock.nowMs() >= policy.untilMs) return 'ended';
  if (!alone(met)) {
    if (!alone(met, { subjects: null })) return alone(met, { subjects: null, servers: ['*'] }) ? 'other_server' : 'other_operation';
    return 'other_caller';
  }
  if (policy.when === null) return 'speaks';
  // Of what cannot be told a rule that refuses makes a refusal, one that allows none.
  const asAllow = alone(policy, { effect: 'allow' });
  const asDeny = alone(policy, { effect: 'deny' });
  if (asAllow !== asDeny) return 'condition_unknown';
  return asAllow ? 'speaks' : 'condition_not_met';
}

/** Whether the rule by itself brings about its effect. */
function speaks(policy: PolicyData, principal: Principal, operation: Operation, facts: CallFacts, clock: Pick<Clock, 'nowMs'>): boolean {
  const everything: PolicyData = {
    ...policy,
    name: '',
    effect: 'allow',
    subjects: null,
    servers: ['*'],
    tools: null,
    resources: null,
    prompts: null,
    actions: null,
    when: null,
  };
  const others = policy.effect === 'allow' ? [] : [everything];
  const { decision } = compileAccess([policy, ...others], clock)
    .viewOf(principal)
    .decide(principal, operation, facts);
  return decision === policy.effect;
}

import type { Principal } from '../authenticate/authenticate.ts';
import type { PolicyData, SubjectData } from '../kernel/policy.ts';
import { pushTo, serverIndexSteps, type RulesByServer } from './index-rules.ts';
import { compilePatterns, type Patterns } from './patterns.ts';
import { compileRule, type Rule } from './rule.ts';

/** Rules in their order, and for whom each is. Immutable. */
export interface Rules {
  readonly data: readonly PolicyData[];
  readonly list: readonly Rule[];
  /** When those end that do. */
  readonly endsMs: readonly number[];
  ruleOf(data: PolicyData): Rule | undefined;
  /** Those for everyone with a key, and for everyone without. */
  readonly common: Readonly<Record<CallerKind, CommonRules>>;
  /** Places of those that are for a caller beside these, ascending: callers of a kind with the same have the same rules. */
  ownPlaces(principal: Principal): readonly number[];
}

export type CallerKind = 'member' | 'anonymous';

/** Rules for all callers of a kind. */
export interface CommonRules {
  /** The same object as in the list before where they are the same. */
  readonly rules: RulesByServer;
  /** Where they stand in the list of all. */
  readonly places: readonly number[];
}

/** A rule a step; `before`: of which is kept what has not changed. Throws where a condition is none; those of a configuration and of the registry were checked when they were written. */
export function* compileRules(policies: readonly PolicyData[], before: Rules | null): Generator<void, Rules> {
  const rules: Rule[] = [];
  const byData = new Map<PolicyData, Rule>();
  const common: Record<CallerKind, number[]> = { member: [], anonymous: [] };
  const byAttribute = new Map<string, number[]>();
  const byPattern: { readonly place: number; readonly kind: SubjectData['kind']; readonly patterns: Patterns }[] = [];
  const endsMs: number[] = [];

  for (const [place, data] of policies.entries()) {
    const rule = before?.ruleOf(data) ?? compileRule(data);
    rules.push(rule);
    byData.set(data, rule);
    if (data.untilMs !== null) endsMs.push(data.untilMs);
    for (const { kind, id } of data.subjects ?? everyone) {
      if (kind === 'member' || kind === 'anonymous') pushAscending(common[kind], place);
      else if (id.includes('*')) byPattern.push({ place, kind, patterns: compilePatterns([id]) });
      else pushTo(byAttribute, attributeKey(kind, id), place);
    }
    yield;
  }

  return {
    data: policies,
    list: rules,
    endsMs,
    ruleOf: (data) => byData.get(data),
    common: {
      member: yield* commonSteps(rules, common.member, before?.common.member ?? null),
      anonymous: yield* commonSteps(rules, common.anonymous, before?.common.anonymous ?? null),
    },
    ownPlaces(principal) {
      const attributes = attributesOf(principal);
      const places = new Set<number>();
      for (const [kind, value] of attributes) for (const place of byAttribute.get(attributeKey(kind, value)) ?? []) places.add(place);
      for (const { place, kind, patterns } of byPattern) if (attributes.some(([of, value]) => of === kind && patterns.fits(value))) places.add(place);
      const caller = kindOf(principal);
      return [...places].filter((place) => rules[place]?.data.subjects?.some(({ kind }) => kind === caller) !== true).sort((a, b) => a - b);
    },
  };
}

function* commonSteps(rules: readonly Rule[], places: readonly number[], before: CommonRules | null): Generator<void, CommonRules> {
  const list = places.flatMap((place) => rules[place] ?? []);
  return { rules: before !== null && isSameList(before.rules.list, list) ? before.rules : yield* serverIndexSteps(list), places };
}

export function isSameList<Entry>(one: readonly Entry[], other: readonly Entry[]): boolean {
  return one.length === other.length && one.every((entry, at) => entry === other[at]);
}

const noCommon: CommonRules = { rules: { list: [], withPatterns: [], at: () => [], digest: () => '' }, places: [] };
export const noRules: Rules = {
  data: [],
  list: [],
  endsMs: [],
  ruleOf: () => undefined,
  common: { member: noCommon, anonymous: noCommon },
  ownPlaces: () => [],
};

/** Whom a rule is for that names nobody. */
const everyone: readonly SubjectData[] = [
  { kind: 'member', id: '' },
  { kind: 'anonymous', id: '' },
];

type Attribute = readonly [kind: SubjectData['kind'], value: string];

/** By what rules may name a caller. */
function attributesOf({ id, data }: Principal): readonly Attribute[] {
  const named: readonly Attribute[] = [
    ['team', data.teamId],
    ['project', data.projectId],
    ['user', data.userId],
    ['service_account', data.serviceAccountId],
    ['agent', data.agent],
    ['environment', data.environment],
    ['organization', data.kind === 'anonymous' ? '' : data.organizationId],
    ['key', data.kind === 'key' ? id : ''],
  ];
  return [
    ...named.filter(([, value]) => value !== ''),
    ...data.lineage.flatMap(({ kind, id: of }): Attribute[] => (kind === 'team' || kind === 'project' || kind === 'department' ? [[kind, of]] : [])),
  ];
}

function attributeKey(kind: SubjectData['kind'], id: string): string {
  return `${kind}\n${id}`;
}

export function kindOf({ data }: Principal): CallerKind {
  return data.kind === 'anonymous' ? 'anonymous' : 'member';
}

/** A list of places ascends. */
function pushAscending(places: number[], place: number): void {
  if (places.at(-1) !== place) places.push(place);
}

import { hash } from 'node:crypto';
import type { Principal } from '../authenticate/authenticate.ts';
import { compileCondition, type Condition } from '../kernel/condition.ts';
import type { PolicyData, SubjectData } from '../kernel/policy.ts';
import type { Grant, ThingKind } from './access.ts';
import { compilePatterns, foldedPatterns, type Patterns } from './patterns.ts';

/** A policy, compiled. What has not changed is the same object in the next list of rules, too. */
export interface Rule {
  readonly data: PolicyData;
  /** Null: everyone. */
  readonly subjects: readonly (SubjectData & { readonly patterns: Patterns })[] | null;
  readonly servers: Patterns;
  /** Null: for all of a server. */
  readonly things: Readonly<Record<ThingKind, Patterns | null>> | null;
  readonly condition: Condition | null;
  /** Made once: to allow a call costs no memory. */
  readonly grant: Grant;
  /** Of what it says: the same in every process. Made when it is asked for first. */
  digest(): string;
}

/** Rules in their order, and for whom each is. Immutable. */
export interface Rules {
  readonly data: readonly PolicyData[];
  readonly list: readonly Rule[];
  /** When those end that do. */
  readonly endsMs: readonly number[];
  ruleOf(data: PolicyData): Rule | undefined;
  /** Says which of them are for a caller: who has the same has the same rules. */
  signatureOf(principal: Principal): string;
  /** Those that are for a caller. */
  of(principal: Principal): readonly Rule[];
}

/** A rule a step; `before`: of which is kept what has not changed. Throws where a condition is none; those of a configuration and of the registry were checked when they were written. */
export function* compileRules(policies: readonly PolicyData[], before: Rules | null): Generator<void, Rules> {
  const rules: Rule[] = [];
  const byData = new Map<PolicyData, Rule>();
  /** Places of rules for everyone with a key, and for everyone without. */
  const common: Record<'member' | 'anonymous', number[]> = { member: [], anonymous: [] };
  const byAttribute = new Map<string, number[]>();
  const byPattern: { readonly place: number; readonly rule: Rule }[] = [];
  const endsMs: number[] = [];

  for (const [place, data] of policies.entries()) {
    const rule = before?.ruleOf(data) ?? compileRule(data);
    rules.push(rule);
    byData.set(data, rule);
    if (data.untilMs !== null) endsMs.push(data.untilMs);
    if (rule.subjects === null) {
      common.member.push(place);
      common.anonymous.push(place);
    } else {
      for (const { kind, id, patterns } of rule.subjects) {
        if (kind === 'member' || kind === 'anonymous') common[kind].push(place);
        else if (patterns.hasGlobs) byPattern.push({ place, rule });
        else pushTo(byAttribute, attributeKey(kind, id), place);
      }
    }
    yield;
  }

  /** Beside the common ones. */
  function ownPlaces(principal: Principal): number[] {
    const attributes = attributesOf(principal);
    const places = new Set<number>();
    for (const [kind, id] of attributes) for (const place of byAttribute.get(attributeKey(kind, id)) ?? []) places.add(place);
    for (const { place, rule } of byPattern) if (rule.subjects?.some((subject) => isOneOf(attributes, subject)) === true) places.add(place);
    return [...places].sort((a, b) => a - b);
  }

  return {
    data: policies,
    list: rules,
    endsMs,
    ruleOf: (data) => byData.get(data),
    signatureOf: (principal) => `${kindOf(principal)} ${ownPlaces(principal).join(',')}`,
    of: (principal) => [...new Set([...common[kindOf(principal)], ...ownPlaces(principal)])].sort((a, b) => a - b).flatMap((place) => rules[place] ?? []),
  };
}

export const noRules: Rules = { data: [], list: [], endsMs: [], ruleOf: () => undefined, signatureOf: () => '', of: () => [] };

export const everyName: readonly string[] = ['*'];

function compileRule(data: PolicyData): Rule {
  const patternsOf = data.effect === 'allow' ? compilePatterns : foldedPatterns;
  let digest: string | null = null;
  const condition = data.when === null ? null : compileCondition(data.when);
  const isOfAll = data.tools === null && data.resources === null && data.prompts === null;
  // What asks after a tool is about calls of tools, whatever it says.
  const tools = isOfAll && condition?.usesTool === true ? everyName : data.tools;
  return {
    data,
    subjects: data.subjects?.map((subject) => ({ ...subject, patterns: compilePatterns([subject.id]) })) ?? null,
    servers: compilePatterns(data.servers),
    things:
      isOfAll && tools === null
        ? null
        : {
            tool: tools && patternsOf(tools),
            resource: data.resources && patternsOf(data.resources),
            prompt: data.prompts && patternsOf(data.prompts),
          },
    condition,
    grant: { decision: 'allow', rule: data.name },
    digest: () => (digest ??= hash('sha256', JSON.stringify(data), 'base64url')),
  };
}

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

function isOneOf(attributes: readonly Attribute[], subject: SubjectData & { readonly patterns: Patterns }): boolean {
  return attributes.some(([kind, value]) => kind === subject.kind && subject.patterns.fits(value));
}

function attributeKey(kind: SubjectData['kind'], id: string): string {
  return `${kind}\n${id}`;
}

function kindOf({ data }: Principal): 'member' | 'anonymous' {
  return data.kind === 'anonymous' ? 'anonymous' : 'member';
}

export function pushTo<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

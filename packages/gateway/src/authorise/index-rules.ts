import { hash } from 'node:crypto';
import { digestOf, type Rule } from './rule.ts';

/** Which of many rules speak of a server, a tool or a prompt, without asking each of them. */

/** Rules in their order, by their servers. Immutable. */
export interface RulesByServer {
  readonly list: readonly Rule[];
  /** Places of those with patterns of servers, ascending. */
  readonly withPatterns: readonly number[];
  /** Places of those that speak of it, ascending. */
  at(server: string): readonly number[];
  /** Of what they say: the same in every process. */
  digest(): string;
}

/** A rule a step. */
export function* serverIndexSteps(list: readonly Rule[]): Generator<void, RulesByServer> {
  const exact = new Map<string, number[]>();
  const withPatterns: number[] = [];
  for (const [place, { servers }] of list.entries()) {
    if (servers.hasGlobs) withPatterns.push(place);
    else for (const name of servers.exact) pushTo(exact, name, place);
    yield;
  }
  let digest: string | null = null;
  return {
    list,
    withPatterns,
    at(server) {
      const fitting = withPatterns.filter((place) => list[place]?.servers.fits(server) === true);
      const named = exact.get(server);
      return named === undefined ? fitting : [...new Set(named), ...fitting].sort((a, b) => a - b);
    },
    digest: () => (digest ??= hash('sha256', list.map(digestOf).join(' '), 'base64url')),
  };
}

/** Rules by the names of their tools or prompts, as places in their list. */
export interface NamedRules {
  /** By the name, for rules that refuse by its fold. */
  readonly exact: ReadonlyMap<string, readonly number[]>;
  /** Of rules with patterns, and of rules for all of a server. */
  readonly others: readonly number[];
}

export function indexByName(rules: readonly Rule[], kind: 'tool' | 'prompt'): NamedRules {
  const exact = new Map<string, number[]>();
  const others: number[] = [];
  for (const [place, { things }] of rules.entries()) {
    const patterns = things === null ? null : things[kind];
    for (const name of patterns?.exact ?? []) pushTo(exact, name, place);
    if (things === null || patterns?.hasGlobs === true) others.push(place);
  }
  return { exact, others };
}

/** In their order, for the first of an effect is the one that is named. */
export function inOrder(rules: readonly Rule[], places: readonly number[]): readonly Rule[] {
  return [...new Set(places)].sort((a, b) => a - b).flatMap((place) => rules[place] ?? []);
}

export function pushTo<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

import { pushTo, type Rule } from './rules.ts';

/** Which of many rules speak of a server, a tool or a prompt, without asking each of them. */

/** Rules by their servers, as places in their list. */
export interface ServerRules {
  readonly exact: ReadonlyMap<string, readonly number[]>;
  /** Of rules with patterns. */
  readonly others: readonly number[];
  readonly otherRules: readonly Rule[];
}

export function indexByServer(rules: readonly Rule[]): ServerRules {
  const exact = new Map<string, number[]>();
  const others: number[] = [];
  for (const [place, { servers }] of rules.entries()) {
    if (servers.hasGlobs) others.push(place);
    else for (const name of servers.exact) pushTo(exact, name, place);
  }
  return { exact, others, otherRules: inOrder(rules, others) };
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

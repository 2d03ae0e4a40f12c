import { hash } from 'node:crypto';
import { compileCondition, type Condition } from '../kernel/condition.ts';
import type { PolicyData } from '../kernel/policy.ts';
import type { Grant, ThingKind } from './access.ts';
import { compilePatterns, foldedPatterns, type Patterns } from './patterns.ts';

/** A policy, compiled. What has not changed is the same object in the next list of rules, too. */
export interface Rule {
  readonly data: PolicyData;
  readonly servers: Patterns;
  /** Null: for all of a server. */
  readonly things: Readonly<Record<ThingKind, Patterns | null>> | null;
  readonly condition: Condition | null;
  /** Made once: to allow a call costs no memory. */
  readonly grant: Grant;
  /** Null until `digestOf` is asked for it. */
  digest: string | null;
}

export const everyName: readonly string[] = ['*'];

export function compileRule(data: PolicyData): Rule {
  const patternsOf = data.effect === 'allow' ? compilePatterns : foldedPatterns;
  const condition = data.when === null ? null : compileCondition(data.when);
  const isOfAll = data.tools === null && data.resources === null && data.prompts === null;
  // What asks after a tool is about calls of tools, whatever it says.
  const tools = isOfAll && condition?.usesTool === true ? everyName : data.tools;
  return {
    data,
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
    digest: null,
  };
}

/** Of what the rule says: the same in every process. Made when it is asked for first. */
export function digestOf(rule: Rule): string {
  return (rule.digest ??= hash('sha256', JSON.stringify(rule.data), 'base64url'));
}

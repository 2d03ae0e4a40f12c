import { bounds } from '../kernel/bounds.ts';
import { canonicalUri } from '../kernel/canonical-uri.ts';
import type { Operation, ThingKind } from './access.ts';
import { fold } from './patterns.ts';
import type { Rule } from './rule.ts';
import type { Told } from './tell.ts';

export const actionOf: Readonly<Record<ThingKind, string>> = { tool: 'tools.call', resource: 'resources.read', prompt: 'prompts.get' };

/** Whether a rule is about an operation at one of its servers. Whoever may use anything of a server may also list, and shake hands. */
export function speaksOf({ data, things }: Rule, { action, kind, name }: Operation): boolean {
  if (action !== null && data.actions !== null && !data.actions.some((entry) => includesAction(entry, action))) {
    // An allowance for single operations is one to see that they are there.
    return data.effect === 'allow' && kind === null && isListing(action) && data.actions.some((entry) => action.startsWith(`${entry.split('.')[0] ?? ''}.`));
  }
  if (action === null && data.actions !== null && data.effect !== 'allow') return false;
  if (things === null) return true;
  if (kind === null) return data.effect === 'allow' && (action === null || comesWithThings(action));
  const patterns = things[kind];
  if (patterns === null) return false;
  if (kind !== 'resource') return patterns.fits(data.effect === 'allow' ? name : fold(name));
  // A rule is about where a URI leads, however it is written. What nobody can say where it leads is allowed to nobody.
  const canonical = canonicalUri(name);
  if (data.effect === 'allow') return canonical !== null && patterns.fits(canonical);
  return canonical === null || patterns.fits(fold(canonical)) || patterns.fits(fold(name));
}

function includesAction(entry: string, action: string): boolean {
  return entry === action || entry === '*' || (entry.endsWith('.*') && action.startsWith(entry.slice(0, -1)));
}

/** What whoever may use single tools, resources or prompts of a server needs beside them; nothing that gives others away, as `skills.get` would. */
export function comesWithThings(action: string): boolean {
  return (isListing(action) && !action.startsWith('skills.')) || action === 'subscriptions.listen' || action.startsWith('tasks.');
}

function isListing(action: string): boolean {
  return action.endsWith('.list');
}

/** A template is shown where one of its URIs may be read: what stands before its first variable is all that is known of them. */
export function showsTemplate(rules: readonly Rule[], template: string, isAnonymous: boolean): boolean {
  const known = template.split('{')[0] ?? '';
  const read = (rule: Rule): boolean => rule.data.actions === null || rule.data.actions.some((entry) => includesAction(entry, actionOf.resource));
  const denied = rules.some(
    (rule) =>
      rule.data.effect === 'deny' &&
      rule.condition === null &&
      read(rule) &&
      (rule.things === null || (rule.things.resource?.fitsAllFrom(fold(known)) ?? false)),
  );
  if (denied) return false;
  return (
    isAnonymous ||
    rules.some((rule) => rule.data.effect === 'allow' && read(rule) && (rule.things === null || (rule.things.resource?.mayFitFrom(known) ?? false)))
  );
}

/** It says the same of every call of a thing. */
export function isForAll({ condition }: Rule): boolean {
  return condition === null || condition.isSettled;
}

/** Where a condition cannot be told, what refuses does and what allows does not. */
export function isMet({ condition }: Rule, told: Told, whenUnknown: boolean): boolean {
  if (condition === null) return true;
  try {
    if (condition.usesArguments && condition.hasMacro && told.argumentsBytes() > bounds.conditionArgsBytesMax) return whenUnknown;
    return condition.holds(told.facts);
  } catch {
    return whenUnknown;
  }
}

/** Of what comes with things: whether a call of some thing may meet the condition. `told` knows nothing of the thing. */
export function mayBeMet(rule: Rule, told: Told): boolean {
  return isMet(rule, told, rule.condition?.asksOfThing === true);
}

/** Whether what the rule says holds for every call of the thing: its condition asks for nothing that a call says, and all that it asks for is known. */
export function isOfEach({ condition }: Rule, { tool }: Told): boolean {
  return condition === null || (condition.isSettled && (!condition.usesTool || tool() !== null));
}

export function reasonOf({ data }: Rule): string {
  return data.reason ?? `the policy ${data.name} ${data.effect === 'hold' ? 'holds it for approval' : 'denies it'}`;
}

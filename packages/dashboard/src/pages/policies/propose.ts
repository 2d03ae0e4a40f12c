/** Which rules would let a call through that rules stop: an exception to each that refuses or holds it, and one that allows it where none does. */
import type { Schemas } from '@gatewayops/sdk';
import { writtenOf, type Policy, type PolicyChange } from './policy-text.ts';

/** What is called. */
export interface Thing {
  readonly server: string;
  readonly kind: 'tool' | 'resource' | 'prompt';
  readonly name: string;
}

/** For whom: a subject of rules (`user:usr_ana`, `team:payments`, `members`). */
export interface Scope {
  readonly subject: string;
  /** Only that tool; else all that the server has. */
  readonly isOfThing: boolean;
}

export interface Proposal {
  readonly name: string;
  readonly change: PolicyChange;
  /** What it says now; null: it is new. */
  readonly was: Policy | null;
}

const lists = { tool: 'tools', resource: 'resources', prompt: 'prompts' } as const;
/** What conditions call a caller's attributes. */
const facts: Readonly<Record<string, string>> = {
  key: 'id',
  user: 'user',
  service_account: 'service_account',
  agent: 'agent',
  team: 'team',
  project: 'project',
  environment: 'environment',
};

/** `rule`: the one that is recorded to have stopped the call, whose condition may be about what was said in it. */
export function propose(
  rules: Schemas['AccessExplanation']['rules'],
  policies: readonly Policy[],
  thing: Thing,
  scope: Scope,
  rule: string | null,
): readonly Proposal[] {
  const bears = (name: string, bearing: string): boolean => bearing === 'speaks' || (name === rule && bearing.startsWith('condition_'));
  const inTheWay = new Set(rules.filter(({ name, effect, bearing }) => effect !== 'allow' && bears(name, bearing)).map(({ name }) => name));
  const isAllowed = rules.some(({ effect, bearing }) => effect === 'allow' && bearing === 'speaks');
  const exceptions = policies
    .filter(({ name, served }) => served && inTheWay.has(name))
    .map((was): Proposal => {
      const change = writtenOf(was);
      const except = `!(${conditionOf(thing, scope)})`;
      return { name: was.name, change: { ...change, when: change.when === undefined ? except : `(${change.when}) && ${except}` }, was };
    });
  if (isAllowed) return exceptions;
  const change: PolicyChange = {
    effect: 'allow',
    to: [scope.subject],
    servers: [thing.server],
    ...(scope.isOfThing ? { [lists[thing.kind]]: [thing.name] } : {}),
  };
  return [{ name: newName(thing, scope, policies), change, was: null }, ...exceptions];
}

function conditionOf({ server, name }: Thing, { subject, isOfThing }: Scope): string {
  const colon = subject.indexOf(':');
  const fact = facts[subject.slice(0, colon)];
  // CEL reads texts as JSON writes them.
  const parts = [
    ...(fact === undefined ? [] : [`principal.${fact} == ${JSON.stringify(subject.slice(colon + 1))}`]),
    `server == ${JSON.stringify(server)}`,
    ...(isOfThing ? [`name == ${JSON.stringify(name)}`] : []),
  ];
  return parts.join(' && ');
}

/** `allow-usr_ana-delete_repo`, with a number where there is one. */
function newName({ server, name }: Thing, { subject, isOfThing }: Scope, policies: readonly Policy[]): string {
  const words = `allow-${subject.slice(subject.indexOf(':') + 1)}-${isOfThing ? name : server}`;
  const base = words
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .slice(0, 58)
    .replace(/-+$/, '');
  const taken = new Set(policies.map((one) => one.name));
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? base : `${base}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/** A rule as a form holds it, lists as text with commas, and as the API takes it. */
import type { Schemas } from '@gatewayops/sdk';

export type Policy = Schemas['Policy'];
export type PolicyChange = Schemas['PolicyChange'];

export interface PolicyForm {
  readonly name: string;
  readonly effect: Policy['effect'];
  readonly to: string;
  readonly servers: string;
  readonly tools: string;
  readonly resources: string;
  readonly prompts: string;
  readonly actions: string;
  readonly when: string;
  readonly reason: string;
  /** As `datetime-local` has it, in the browser's zone; empty: it does not end. */
  readonly until: string;
}

/** What decides first comes first: a refusal wins over all, what is held over what is allowed. */
const weights: Readonly<Record<Policy['effect'], number>> = { deny: 0, hold: 1, allow: 2 };

export function byWeight(one: Policy, other: Policy): number {
  return weights[one.effect] - weights[other.effect] || one.name.localeCompare(other.name);
}

export const emptyForm: PolicyForm = {
  name: '',
  effect: 'deny',
  to: 'everyone',
  servers: '*',
  tools: '',
  resources: '',
  prompts: '',
  actions: '',
  when: '',
  reason: '',
  until: '',
};

export function formOf(name: string, change: PolicyChange): PolicyForm {
  const text = (list: readonly string[] | undefined): string => (list ?? []).join(', ');
  return {
    name,
    effect: change.effect,
    to: text(change.to ?? ['everyone']),
    servers: text(change.servers ?? ['*']),
    tools: text(change.tools),
    resources: text(change.resources),
    prompts: text(change.prompts),
    actions: text(change.actions),
    when: change.when ?? '',
    reason: change.reason ?? '',
    until: change.until === undefined ? '' : localTime(new Date(change.until)),
  };
}

/** What is sent to make a rule what it is. */
export function writtenOf({ effect, to, servers, tools, resources, prompts, actions, when, reason, until }: Policy): PolicyChange {
  const said = Object.entries({ tools, resources, prompts, actions, when, reason, until }).filter(([, value]) => value !== null);
  return { effect, to, servers, ...(Object.fromEntries(said) as Partial<PolicyChange>) };
}

/** The rule as text, which knows no limits of a form. */
export function textOf(change: PolicyChange): string {
  return JSON.stringify(change, null, 2);
}

/** Throws what is wrong with it; what the gateway would refuse it refuses. */
export function changeOfText(text: string): PolicyChange {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('a rule is an object: { "effect": "deny", … }');
  return value as PolicyChange;
}

/** What is wrong with it, or null. */
export function textProblem(text: string): string | null {
  try {
    changeOfText(text);
    return null;
  } catch (error) {
    return `It cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export function changeOf(form: PolicyForm): PolicyChange {
  const list = (text: string): string[] =>
    text
      .split(/[,\n]/)
      .map((one) => one.trim())
      .filter((one) => one !== '');
  const some = (name: 'tools' | 'resources' | 'prompts' | 'actions'): object => (list(form[name]).length === 0 ? {} : { [name]: list(form[name]) });
  const { effect, when, reason, until } = form;
  return {
    effect,
    to: list(form.to).length === 0 ? ['everyone'] : list(form.to),
    servers: list(form.servers).length === 0 ? ['*'] : list(form.servers),
    ...some('tools'),
    ...some('resources'),
    ...some('prompts'),
    ...some('actions'),
    ...(when.trim() === '' ? {} : { when: when.trim() }),
    ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
    ...(until === '' ? {} : { until: new Date(until).toISOString() }),
  };
}

/** Where it is written: `gateway.yaml:12`. */
export function placeOf({ source, file, line, served }: Pick<Policy, 'source' | 'file' | 'line' | 'served'>): string {
  if (source === 'registry') return served ? 'the registry' : 'the registry, inactive';
  return `${(file ?? 'gateway.yaml').split('/').at(-1) ?? ''}${lineText({ line })}`;
}

export function lineText({ line }: Pick<Policy, 'line'>): string {
  return line === null ? '' : `:${line}`;
}

/** A URI of a resource may hold a comma: such a rule is not written in a form that parts lists by it. */
export function fitsForm({ to, servers, tools, resources, prompts, actions }: PolicyChange): boolean {
  return ![to, servers, tools, resources, prompts, actions].some((list) => list?.some((one) => /[,\n]/.test(one)) === true);
}

/** What it is about, in a line. */
export function aboutText({ servers, tools, resources, prompts, actions }: Pick<Policy, 'servers' | 'tools' | 'resources' | 'prompts' | 'actions'>): string {
  const part = (list: readonly string[] | null, word: string): string[] => (list === null ? [] : [`${word} ${list.join(', ')}`]);
  const where = servers.length === 1 && servers[0] === '*' ? 'every server' : servers.join(', ');
  const what = [...part(tools, 'tools'), ...part(resources, 'resources'), ...part(prompts, 'prompts'), ...part(actions, 'to do')];
  return what.length === 0 ? where : `${where}: ${what.join('; ')}`;
}

function localTime(date: Date): string {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

import type { PolicyData, SubjectKind } from './policy.ts';

export const switchKinds = ['server', 'tool', 'key', 'agent', 'service_account', 'user', 'project', 'team', 'department'] as const;
export type SwitchKind = (typeof switchKinds)[number];

/** Something that is switched off for the moment: a server, a tool, or everything for a caller. It wins over every rule. */
export interface SwitchData {
  readonly kind: SwitchKind;
  /** Of a tool: `{server}/{tool}`. */
  readonly name: string;
  readonly reason: string;
  /** Milliseconds since the epoch; null: until it is switched on again. */
  readonly untilMs: number | null;
}

const rulePrefix = 'switched-off:';

/** Whether a rule stands for a switch; names of others have no colon. */
export function isSwitchRule({ name }: Pick<PolicyData, 'name'>): boolean {
  return name.startsWith(rulePrefix);
}

/** The rule that a switch stands for. */
export function policyOfSwitch({ kind, name, reason, untilMs }: SwitchData): PolicyData {
  const rule = { effect: 'deny', subjects: null, servers: ['*'], tools: null, resources: null, prompts: null, actions: null, when: null } as const;
  const common = { ...rule, name: `${rulePrefix}${kind}:${name}`, reason, untilMs };
  switch (kind) {
    case 'server':
      return { ...common, servers: [name] };
    case 'tool': {
      const slash = name.indexOf('/');
      return { ...common, servers: [name.slice(0, slash)], tools: [name.slice(slash + 1)] };
    }
    default:
      return { ...common, subjects: [{ kind: kind satisfies SubjectKind, id: name }] };
  }
}

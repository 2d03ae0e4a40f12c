/** A rule of access, as the workers get it. */
export interface PolicyData {
  /** Unique among the organization's. */
  readonly name: string;
  readonly effect: 'allow' | 'deny' | 'hold';
  /** Whom it is for: a caller whom one of them names; null: everyone. */
  readonly subjects: readonly SubjectData[] | null;
  /** Patterns of names of servers, in which `*` stands for any text. */
  readonly servers: readonly string[];
  /** Patterns of names, of URIs for resources. Where any of the three is given, the rule is for what they name; all null: for all of a server. */
  readonly tools: readonly string[] | null;
  readonly resources: readonly string[] | null;
  readonly prompts: readonly string[] | null;
  /** MCP operations (`tools.call`, `tools.*`); null: all. */
  readonly actions: readonly string[] | null;
  /** A condition in CEL; null: none. */
  readonly when: string | null;
  /** Said to whom it refuses; null: the rule's name says enough. */
  readonly reason: string | null;
  /** Milliseconds since the epoch from which on it does not hold any more; null: it does not end. */
  readonly untilMs: number | null;
}

export const subjectKinds = ['organization', 'team', 'project', 'user', 'agent', 'key', 'environment'] as const;
export type SubjectKind = (typeof subjectKinds)[number];

export interface SubjectData {
  /** `member`: everyone with a key; `anonymous`: everyone without one. Else the caller's attribute of that kind fits `id`, a pattern. */
  readonly kind: SubjectKind | 'member' | 'anonymous';
  readonly id: string;
}

/** What a fresh installation writes, so that there is a rule to see and to change. Without any rule nobody may call anything. */
export const membersRule: PolicyData = {
  name: 'members-may-call-every-server',
  effect: 'allow',
  subjects: [{ kind: 'member', id: '' }],
  servers: ['*'],
  tools: null,
  resources: null,
  prompts: null,
  actions: null,
  when: null,
  reason: null,
  untilMs: null,
};

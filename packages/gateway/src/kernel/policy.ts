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

export const subjectKinds = ['organization', 'department', 'team', 'project', 'user', 'service_account', 'agent', 'key', 'environment'] as const;
export type SubjectKind = (typeof subjectKinds)[number];

export interface SubjectData {
  /** `member`: everyone with a key; `anonymous`: everyone without one. Else the caller's attribute of that kind fits `id`, a pattern. */
  readonly kind: SubjectKind | 'member' | 'anonymous';
  readonly id: string;
}

/** A subject as it is written: `everyone` is none of them. */
export const subjectPattern = new RegExp(`^(?:everyone|members|anonymous|(?:${subjectKinds.join('|')}):\\S[^\\r\\n]{0,255})$`);
export const subjectHelp = `"everyone", "members" (whoever has a key), "anonymous", or one of ${subjectKinds.join(', ')} with a name behind a colon, such as team:payments; * stands for any text`;
export const policyNamePattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;
export const actionPattern = /^(?:\*|[a-z]+\.(?:\*|[a-z]+))$/i;

/** What fits `subjectPattern`, but for `everyone`. */
export function parseSubject(text: string): SubjectData {
  if (text === 'members') return { kind: 'member', id: '' };
  if (text === 'anonymous') return { kind: 'anonymous', id: '' };
  const colon = text.indexOf(':');
  return { kind: text.slice(0, colon) as SubjectKind, id: text.slice(colon + 1) };
}

export function subjectTexts({ subjects }: Pick<PolicyData, 'subjects'>): string[] {
  return subjects?.map(({ kind, id }) => (kind === 'member' ? 'members' : kind === 'anonymous' ? 'anonymous' : `${kind}:${id}`)) ?? ['everyone'];
}

/** A rule as gateway.yaml and requests write it. */
export interface WrittenPolicy {
  readonly name: string;
  readonly effect: PolicyData['effect'];
  readonly to: readonly string[];
  readonly servers: readonly string[];
  readonly tools?: readonly string[] | undefined;
  readonly resources?: readonly string[] | undefined;
  readonly prompts?: readonly string[] | undefined;
  readonly actions?: readonly string[] | undefined;
  readonly when?: string | undefined;
  readonly reason?: string | undefined;
  readonly until?: string | undefined;
}

export function readPolicy({ name, effect, to, servers, tools, resources, prompts, actions, when, reason, until }: WrittenPolicy): PolicyData {
  return {
    name,
    effect,
    subjects: to.includes('everyone') ? null : to.map(parseSubject),
    servers,
    tools: tools ?? null,
    resources: resources ?? null,
    prompts: prompts ?? null,
    actions: actions ?? null,
    when: when ?? null,
    reason: reason ?? null,
    untilMs: until === undefined ? null : Date.parse(until),
  };
}

/** What says nothing is left out. */
export function writePolicy(data: PolicyData): WrittenPolicy {
  const { name, effect, servers, subjects: _subjects, untilMs, ...rest } = data;
  const until = untilMs === null ? null : new Date(untilMs).toISOString();
  const said = Object.fromEntries(Object.entries({ ...rest, until }).filter(([, value]) => value !== null));
  return { name, effect, to: subjectTexts(data), servers, ...said };
}

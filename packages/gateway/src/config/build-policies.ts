/** A rule of access as it is written, in gateway.yaml or in a request → as the workers obey it, and back. */
import type { PolicyData, SubjectData, SubjectKind } from '../kernel/policy.ts';
import type { PolicyEntry } from './schema-policies.ts';

export function buildPolicy(entry: PolicyEntry): PolicyData {
  return {
    name: entry.name,
    effect: entry.effect,
    subjects: entry.to.includes('everyone') ? null : entry.to.map(buildSubject),
    servers: entry.servers,
    tools: entry.tools ?? null,
    resources: entry.resources ?? null,
    prompts: entry.prompts ?? null,
    actions: entry.actions ?? null,
    when: entry.when ?? null,
    reason: entry.reason ?? null,
    untilMs: entry.until === undefined ? null : Date.parse(entry.until),
  };
}

function buildSubject(text: string): SubjectData {
  if (text === 'members') return { kind: 'member', id: '' };
  if (text === 'anonymous') return { kind: 'anonymous', id: '' };
  const colon = text.indexOf(':');
  return { kind: text.slice(0, colon) as SubjectKind, id: text.slice(colon + 1) };
}

/** `to` of a rule, as it is written. */
export function subjectTexts({ subjects }: Pick<PolicyData, 'subjects'>): string[] {
  return subjects?.map(({ kind, id }) => (kind === 'member' ? 'members' : kind === 'anonymous' ? 'anonymous' : `${kind}:${id}`)) ?? ['everyone'];
}

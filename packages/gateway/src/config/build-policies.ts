/** A rule of access as it is written, in gateway.yaml or in a request → as the workers obey it. */
import { parseSubject, type PolicyData } from '../kernel/policy.ts';
import type { PolicyEntry } from './schema-policies.ts';

export function buildPolicy(entry: PolicyEntry): PolicyData {
  return {
    name: entry.name,
    effect: entry.effect,
    subjects: entry.to.includes('everyone') ? null : entry.to.map(parseSubject),
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

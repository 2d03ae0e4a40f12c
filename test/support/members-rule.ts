import type { PolicyData } from '../../packages/gateway/src/kernel/policy.ts';

/** The rule that a fresh registry holds: whoever has a key may use everything. */
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

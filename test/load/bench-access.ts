/**
 * `npm run bench -- access [-o json]`: what a decision costs by 1,000 rules over 10,000 tools, with conditions and without.
 */
import type { Principal } from '../../packages/gateway/src/authenticate/authenticate.ts';
import { compileAccess, type AccessView } from '../../packages/gateway/src/authorise/access.ts';
import { systemClock } from '../../packages/gateway/src/kernel/clock.ts';
import type { PolicyData } from '../../packages/gateway/src/kernel/policy.ts';
import type { PrincipalData } from '../../packages/gateway/src/snapshot/snapshot.ts';

export interface AccessBench {
  /** Microseconds a decision: for a name that was asked before, and for a new one. */
  readonly plain: { readonly knownUs: number; readonly newUs: number };
  readonly withCondition: { readonly knownUs: number };
  /** Milliseconds until the rules are compiled, and until the first caller's are found among them. */
  readonly compileMs: number;
  readonly firstViewMs: number;
}

const rules = 1_000;
const tools = 10_000;
const servers = 100;

const rule: PolicyData = {
  name: 'members',
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

/** Of teams, users and everyone; for single tools, for patterns, for whole servers. */
function rulesOf(count: number, when: string | null): PolicyData[] {
  return Array.from({ length: count }, (_, index): PolicyData => {
    const kind = index % 4;
    return {
      ...rule,
      name: `rule-${index}`,
      effect: kind === 3 ? 'deny' : 'allow',
      subjects: kind === 0 ? rule.subjects : [{ kind: kind === 1 ? 'team' : 'user', id: kind === 1 ? `team-${index % 20}` : `usr_${index % 50}` }],
      servers: [`server-${index % servers}`],
      tools: kind === 2 ? [`tool_${index}*`] : [`tool_${index}`, `tool_${index + 1}`],
      when,
    };
  });
}

const caller: PrincipalData = {
  kind: 'key',
  credential: 'apiKey',
  credentialId: 'key_1',
  issuer: '',
  keyId: 'key_1',
  keyPrefix: 'gwo_live_1',
  organizationId: 'org_default',
  userId: 'usr_6',
  teamId: 'team-5',
  projectId: '',
  agent: 'agent',
  serviceAccountId: '',
  lineage: [],
  owner: null,
  environment: 'live',
  servers: null,
  actions: null,
  expiresAtMs: null,
  deprecatedUntilMs: null,
  rateLimit: null,
};

export function runAccessBench(): AccessBench {
  const principal = (): Principal => ({ data: caller, id: caller.keyId, block: new Uint8Array(), agentBlocks: new Map(), servers: null, actions: null });
  const facts = { argumentsText: () => '{"path":"/tmp/notes.txt","size":17}', ip: '10.0.0.7', tool: () => null };
  const decide = (view: AccessView, who: Principal, index: number): string =>
    view.decide(who, { server: `server-${index % servers}`, action: 'tools.call', kind: 'tool', name: `tool_${index % tools}` }, facts).decision;
  const measure = (when: string | null): { knownUs: number; newUs: number; compileMs: number; firstViewMs: number } => {
    // With a condition on what everyone may do, each decision comes to it.
    const data = when === null ? rulesOf(rules, null) : [...rulesOf(rules - 1, null), { ...rule, when }];
    const known: number[] = [];
    const fresh: number[] = [];
    let compileMs = 0;
    let firstViewMs = 0;
    for (let round = 0; round < 7; round++) {
      let startedAt = performance.now();
      const access = compileAccess(data, systemClock);
      compileMs = performance.now() - startedAt;
      const who = principal();
      startedAt = performance.now();
      const view = access.viewOf(who);
      firstViewMs = performance.now() - startedAt;
      startedAt = performance.now();
      for (let index = 0; index < tools; index++) decide(view, who, index);
      fresh.push(((performance.now() - startedAt) * 1000) / tools);
      startedAt = performance.now();
      for (let index = 0; index < tools; index++) decide(view, who, index);
      known.push(((performance.now() - startedAt) * 1000) / tools);
    }
    return { knownUs: median(known), newUs: median(fresh), compileMs, firstViewMs };
  };
  const plain = measure(null);
  const conditional = measure('args.size < 100 && principal.team == "team-5"');
  return {
    plain: { knownUs: plain.knownUs, newUs: plain.newUs },
    withCondition: { knownUs: conditional.knownUs },
    compileMs: plain.compileMs,
    firstViewMs: plain.firstViewMs,
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

export function renderAccessBench({ plain, withCondition, compileMs, firstViewMs }: AccessBench): string {
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const us = (value: number): string => `${value.toFixed(2)} µs`;
  return [
    `A decision among ${rules} rules over ${tools} tools: ${us(plain.knownUs)} for a name asked before, ${us(plain.newUs)} for a new one; where a condition runs ${us(withCondition.knownUs)}.`,
    `The rules are compiled in ${ms(compileMs)}, the first caller's found in ${ms(firstViewMs)}.`,
  ].join('\n');
}

/**
 * `npm run bench -- access [-o json]`: what a decision costs by 1,000 rules over 10,000 tools, with conditions and without; what it costs a worker to
 * take a new snapshot of 1,000 servers and 5,000 rules, of which one is new.
 */
import { serialize, deserialize } from 'node:v8';
import type { Principal } from '../../packages/gateway/src/authenticate/authenticate.ts';
import { compileAccess, type AccessView } from '../../packages/gateway/src/authorise/access.ts';
import { compileRisks } from '../../packages/gateway/src/authorise/tool-risk.ts';
import { systemClock } from '../../packages/gateway/src/kernel/clock.ts';
import type { PolicyData } from '../../packages/gateway/src/kernel/policy.ts';
import { serverBlock } from '../../packages/gateway/src/record/call-record.ts';
import { compileSnapshot } from '../../packages/gateway/src/snapshot/compile-snapshot.ts';
import type { PrincipalData, SnapshotData } from '../../packages/gateway/src/snapshot/snapshot.ts';
import { plainServerData } from '../support/server-data.ts';

export interface AccessBench {
  /** Microseconds a decision: for a name that was asked before, and for a new one. */
  readonly plain: { readonly knownUs: number; readonly newUs: number };
  readonly withCondition: { readonly knownUs: number };
  /** Milliseconds until the rules are compiled, and until the first caller's are found among them. */
  readonly compileMs: number;
  readonly firstViewMs: number;
  readonly snapshot: {
    readonly servers: number;
    readonly rules: number;
    readonly bytes: number;
    /** What a worker stands still for: reading the message, and taking it. */
    readonly readMs: number;
    readonly takeMs: number;
    readonly takeWithRuleMs: number;
  };
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
    snapshot: measureSnapshot(),
  };
}

function measureSnapshot(): AccessBench['snapshot'] {
  const data: SnapshotData = {
    version: 1,
    organizationId: 'org_default',
    node: 'node_bench0000',
    hosts: null,
    origins: [],
    bodyBytesMax: 1024,
    currency: 'USD',
    policies: rulesOf(5_000, null),
    servers: Array.from({ length: 1_000 }, (_, index) => ({ ...plainServerData({}), name: `server-${index}`, path: `/mcp/server-${index}` })),
  };
  const compilers = { encodeServer: serverBlock, compileAccess: (policies: readonly PolicyData[]) => compileAccess(policies, systemClock), compileRisks };
  const times = { read: [] as number[], take: [] as number[], rule: [] as number[] };
  let before = compileSnapshot(data, compilers);
  let bytes = 0;
  for (let round = 0; round < 9; round++) {
    const same = serialize({ ...data, version: 2 });
    bytes = same.length;
    let startedAt = performance.now();
    const read = deserialize(same) as SnapshotData;
    times.read.push(performance.now() - startedAt);
    startedAt = performance.now();
    before = compileSnapshot(read, compilers, before);
    times.take.push(performance.now() - startedAt);
    const changed = deserialize(serialize({ ...data, policies: [...data.policies, { ...rule, name: `new-${round}` }] })) as SnapshotData;
    startedAt = performance.now();
    compileSnapshot(changed, compilers, before);
    times.rule.push(performance.now() - startedAt);
  }
  return {
    servers: data.servers.length,
    rules: data.policies.length,
    bytes,
    readMs: median(times.read),
    takeMs: median(times.take),
    takeWithRuleMs: median(times.rule),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

export function renderAccessBench({ plain, withCondition, compileMs, firstViewMs, snapshot }: AccessBench): string {
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const us = (value: number): string => `${value.toFixed(2)} µs`;
  return [
    `A decision among ${rules} rules over ${tools} tools: ${us(plain.knownUs)} for a name asked before, ${us(plain.newUs)} for a new one; where a condition runs ${us(withCondition.knownUs)}.`,
    `The rules are compiled in ${ms(compileMs)}, the first caller's found in ${ms(firstViewMs)}.`,
    `A snapshot of ${snapshot.servers} servers and ${snapshot.rules} rules has ${Math.round(snapshot.bytes / 1024)} KiB: read in ${ms(snapshot.readMs)}, taken in ${ms(snapshot.takeMs)}, with one rule more in ${ms(snapshot.takeWithRuleMs)}.`,
  ].join('\n');
}

/** The rules of access of a node: those of the registry, looked at for what other nodes change. Part of `assemble.ts`. */
import { bounds } from './kernel/bounds.ts';
import { defaultOrganizationId, type OrganizationId } from './kernel/id.ts';
import type { Log } from './kernel/log.ts';
import type { Closers } from './node/closers.ts';
import { anonymousData, callerIdOf, type Principal } from './authenticate/authenticate.ts';
import { compareAccess } from './authorise/compare-access.ts';
import { explainAccess } from './authorise/explain-access.ts';
import type { AccessDesk } from './control/access/access-desk.ts';
import type { Clock } from './kernel/clock.ts';
import { compileCondition } from './kernel/condition.ts';
import type { PolicyData } from './kernel/policy.ts';
import type { ToolFacts } from './kernel/tool-facts.ts';
import type { WorkerPool } from './node/worker-pool.ts';
import { openServedAccess } from './node/served-access.ts';
import type { HealthProbe } from './control/health/read-health.ts';
import { consultFailures } from './kernel/consult-failures.ts';
import type { OpaData } from './snapshot/opa-data.ts';
import type { OrganizationRules, PrincipalData } from './snapshot/snapshot.ts';
import type { RegistryStore } from './store/registry/registry-store.ts';

export interface AccessParts {
  readonly registry: Pick<RegistryStore, 'access'>;
  /** Resolves when every worker goes by another snapshot. */
  readonly serveAnew: () => Promise<void>;
  /** The rules of the file, or null where it says nothing of them. */
  readonly ofFile: () => readonly PolicyData[] | null;
  /** Resolves when nothing is remembered of these keys; null: of any. */
  readonly forget: (keys: readonly string[] | null) => Promise<void>;
  /** Resolves when nothing is remembered of whoever signed in without a key, of an organization. */
  readonly forgetTokens: (organizationId: OrganizationId) => Promise<void>;
  /** Whose workers know the tools, ask the engine, and are told what is switched off. */
  readonly pool: Pick<WorkerPool, 'toolFacts' | 'consult' | 'switches'>;
  /** Whether a policy engine is asked beside the rules. */
  readonly hasEngine: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly closers: Closers;
}

/** How soon a node goes by what another has changed. */
const lookMs = 500;

export interface AssembledAccess extends AccessDesk {
  /** Those of the snapshot: of the gateway's own organization, and of others. */
  policies(): readonly PolicyData[];
  others(): readonly OrganizationRules[];
  /** What the workers are told beside it, at once. */
  switchRules(): readonly OrganizationRules[];
}

/** Faults: those of the registry. */
export async function assembleAccess({
  registry,
  pool,
  hasEngine,
  serveAnew,
  ofFile,
  forget,
  forgetTokens,
  clock,
  log,
  closers,
}: AccessParts): Promise<AssembledAccess> {
  const access = await openServedAccess({
    revisions: () => registry.access.revisions(),
    readSwitches: (organizationId) => registry.access.switches(organizationId),
    readPolicies: async (organizationId) => (await registry.access.policies(organizationId)).map(({ data }) => data),
    applySwitches: () => pool.switches(access.switchRules()),
    applyPolicies: serveAnew,
    changedKeys: (organizationId, after) => registry.access.changedKeys(organizationId, after, bounds.changedKeysMax),
    forget,
    forgetTokens,
    log: log.child({ part: 'access' }),
    everyMs: lookMs,
  });
  closers.add('access', async () => access.close());
  // The file speaks for the gateway's own organization.
  const policies = (organizationId: OrganizationId): readonly PolicyData[] =>
    access.policies(organizationId, organizationId === defaultOrganizationId ? ofFile() : null);
  const served = (organizationId: OrganizationId): readonly PolicyData[] => [
    ...(access.switchRules().find((one) => one.organizationId === organizationId)?.policies ?? []),
    ...policies(organizationId),
  ];
  return {
    policies: () => policies(defaultOrganizationId),
    others: () => access.others(defaultOrganizationId),
    switchRules: () => access.switchRules(),
    served,
    switches: (organizationId) => access.switches(organizationId),
    refresh: () => access.refresh(),
    ageMs: () => access.ageMs(),
    async explain(data, operation, { argumentsText, ip, isOffered }) {
      const rules = served(data.organizationId as OrganizationId);
      const asks = isOffered && operation.kind === 'tool' && asksOfTools(rules);
      const [tool = null] = asks ? await pool.toolFacts([operation]) : [];
      return { ...explainAccess(rules, principalFor(data), operation, { argumentsText: () => argumentsText, ip, tool: () => tool }, clock), tool };
    },
    async consult(data, operation, facts) {
      return hasEngine() ? pool.consult({ principal: { id: callerIdOf(data), data }, operation, ...facts }) : null;
    },
    async compare(organizationId, after, tools) {
      const before = served(organizationId);
      const known = new Map<string, ToolFacts | null>();
      if (asksOfTools(before) || asksOfTools(after)) {
        const named = [...new Map(tools.map(({ server, name }) => [keyOf(server, name), { server, name }])).values()];
        for (const [index, facts] of (await pool.toolFacts(named)).entries()) known.set(keyOf(named[index]?.server ?? '', named[index]?.name ?? ''), facts);
      }
      return comparing(before, after, organizationId, clock, (server, name) => known.get(keyOf(server, name)) ?? null);
    },
  };
}

/** Of the policy engine: whether the last question to it had an answer, at each worker. None where none is asked. */
export function engineProbes(opa: OpaData | null, pool: Pick<WorkerPool, 'reports'>): readonly HealthProbe[] {
  if (opa === null) return [];
  return [
    {
      name: 'policy_engine',
      required: false,
      async check() {
        const failing = (await pool.reports()).flatMap(({ report }) => report.consultant?.failing ?? []);
        const [first] = failing;
        return first === undefined ? { state: 'ok', reason: null } : { state: 'down', reason: `opa:${opa.path}: ${consultFailures[first]}; calls are refused` };
      },
    },
  ];
}

function keyOf(server: string, tool: string): string {
  return `${server}\n${tool}`;
}

function asksOfTools(policies: readonly PolicyData[]): boolean {
  return policies.some(({ when }) => when !== null && compileCondition(when).usesTool);
}

type Comparing = Awaited<ReturnType<AccessDesk['compare']>>;

/** As `AccessDesk.compare`. */
export function comparing(
  before: readonly PolicyData[],
  after: readonly PolicyData[],
  organizationId: OrganizationId,
  clock: Pick<Clock, 'nowMs'>,
  toolOf?: (server: string, name: string) => ToolFacts | null,
): Comparing {
  const compare = compareAccess(before, after, clock, toolOf);
  // One for each caller: what its rules are is kept with it.
  const principals = new Map<PrincipalData | null, Principal>();
  return (data, operation) => {
    const principal = principals.get(data) ?? principalFor(data ?? anonymousData(organizationId));
    principals.set(data, principal);
    return compare(principal, operation);
  };
}

function principalFor(data: PrincipalData): Principal {
  const { servers } = data;
  return {
    data,
    id: callerIdOf(data),
    block: new Uint8Array(),
    agentBlocks: new Map(),
    servers: servers && new Set(servers),
    actions: data.actions,
  };
}

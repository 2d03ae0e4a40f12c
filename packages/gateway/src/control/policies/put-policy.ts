import { isDeepStrictEqual } from 'node:util';
import { bounds } from '../../kernel/bounds.ts';
import { conditionFault } from '../../kernel/condition.ts';
import { Fault } from '../../kernel/fault.ts';
import { defaultOrganizationId } from '../../kernel/id.ts';
import { writePolicy, type PolicyData } from '../../kernel/policy.ts';
import type { PolicyRecord } from '../../store/registry/registry-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { ownServers } from '../servers/own-servers.ts';

export interface PutPolicyInput {
  readonly data: PolicyData;
  /** The version that the caller has seen; 0: there is none yet. */
  readonly expected: number;
  readonly dryRun: boolean;
}

export interface PolicyPut {
  readonly outcome: 'created' | 'changed' | 'unchanged' | 'planned';
  readonly policy: PolicyRecord;
}

/**
 * Makes a rule of access, or another of it; when this returns, every worker of this node goes by it, and every other node within a second. Faults:
 * `managed_by_file`, `invalid_params`, `precondition_failed`, `unavailable`.
 */
export async function putPolicy(context: ControlContext, { data, expected, dryRun }: PutPolicyInput): Promise<PolicyPut> {
  const { organizationId, registry, clock, actor } = context;
  requireRegistry(context);
  requireWhole(context, data);
  const result = await registry.transaction(async ({ access, audit }): Promise<PolicyPut> => {
    if (!dryRun) await access.begin(organizationId);
    const before = await access.findPolicy(organizationId, data.name);
    const version = before?.version ?? 0;
    if (version !== expected) throw new Fault('precondition_failed', { version }, { extra: { version } });
    if (before !== null && isDeepStrictEqual(before.data, data)) return { outcome: 'unchanged', policy: before };
    const policy: PolicyRecord = { data, version: version + 1, changedAtMs: clock.nowMs(), changedBy: actor.id };
    if (dryRun) return { outcome: 'planned', policy };
    if (before === null && (await access.countPolicies(organizationId)) >= bounds.policiesMax)
      throw new Fault('invalid_params', { reason: `there are ${bounds.policiesMax} policies already` });
    await access.putPolicy(organizationId, policy);
    const outcome = before === null ? 'created' : 'changed';
    await audit.insert(auditEvent(context, `policy.${outcome}`, data.name, { ...detailOf(data), version: policy.version }));
    return { outcome, policy };
  });
  if (result.outcome === 'created' || result.outcome === 'changed') {
    context.log.info('policy.changed', { policy: data.name, version: result.policy.version, actor: actor.id });
    await context.access.refresh();
  }
  return result;
}

/** The file's rules are those of the gateway's own organization. Faults: `managed_by_file`. */
export function requireRegistry({ config, organizationId }: Pick<ControlContext, 'config' | 'organizationId'>): void {
  if (config.policies !== null && organizationId === defaultOrganizationId)
    throw new Fault('managed_by_file', { what: 'list of policies', file: config.file ?? '(none)', setting: 'policies' });
}

/** Faults: `invalid_params`. */
export function requireWhole(context: Pick<ControlContext, 'config' | 'organizationId'>, { servers, when, resources, prompts }: PolicyData): void {
  const missing = servers.find((name) => !name.includes('*') && !ownServers(context).some((server) => server.name === name));
  if (missing !== undefined) throw new Fault('invalid_params', { reason: `there is no server ${missing.slice(0, 63)}; the rule would hold for nothing` });
  const fault = when === null ? null : conditionFault(when, { resources, prompts });
  if (fault !== null) throw new Fault('invalid_params', { reason: `the condition cannot serve: ${fault.text}` }, { extra: { field: 'when', ...fault.place } });
}

/** As it stands in the audit. */
export function detailOf(data: PolicyData): Readonly<Record<string, unknown>> {
  const { name: _name, ...rest } = writePolicy(data);
  return rest;
}

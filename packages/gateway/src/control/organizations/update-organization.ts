import { Fault } from '../../kernel/fault.ts';
import type { OrganizationRecord } from '../../store/registry/organization-store.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { auditBoth, organizationName } from './create-organization.ts';
import { requireVisible } from './list-organizations.ts';

export interface OrganizationPut {
  readonly outcome: 'changed' | 'unchanged';
  readonly organization: OrganizationRecord;
}

/**
 * Gives an organization another name: the caller's own, or any for whoever manages them. `expected`: the version that the caller has seen. Faults:
 * `invalid_params`, `unknown_object`, `forbidden`, `precondition_failed`, `unavailable`.
 */
export async function updateOrganization(
  context: ControlContext,
  { id, name: wanted, expected }: { readonly id: string; readonly name: string; readonly expected: number },
): Promise<OrganizationPut> {
  const { registry, clock, actor } = context;
  const known = requireVisible(context, id);
  if (known !== context.organizationId && !actor.can('organizations.manage'))
    throw new Fault('forbidden', { reason: 'its actions do not include organizations.manage' });
  const name = organizationName(wanted);
  const put = await registry.transaction(async ({ organizations, audit }): Promise<OrganizationPut> => {
    const before = await organizations.findForUpdate(known);
    if (before === null) throw unknownObject('organization', id);
    const { version } = before;
    if (version !== expected) throw new Fault('precondition_failed', { version }, { extra: { version } });
    if (before.name === name) return { outcome: 'unchanged', organization: before };
    const organization = { ...before, name, version: version + 1, changedAtMs: clock.nowMs(), changedBy: actor.id };
    await organizations.update(organization);
    await auditBoth(context, audit, 'changed', organization, { before: before.name });
    return { outcome: 'changed', organization };
  });
  if (put.outcome === 'changed') context.log.info('organization.changed', { organization_id: known, actor: actor.id });
  return put;
}

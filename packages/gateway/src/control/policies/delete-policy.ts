import { Fault } from '../../kernel/fault.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { detailOf, requireRegistry } from './put-policy.ts';

/** Takes a rule of access away, at once on this node. `expected`: the version that the caller has seen. Faults: `managed_by_file`, `unknown_object`, `precondition_failed`, `unavailable`. */
export async function deletePolicy(context: ControlContext, name: string, expected: number): Promise<void> {
  const { organizationId, registry } = context;
  requireRegistry(context);
  await registry.transaction(async ({ access, audit }) => {
    await access.begin(organizationId);
    const before = await access.findPolicy(organizationId, name);
    if (before === null) throw unknownObject('policy', name);
    if (before.version !== expected) throw new Fault('precondition_failed', { version: before.version }, { extra: { version: before.version } });
    await access.deletePolicy(organizationId, name);
    await audit.insert(auditEvent(context, 'policy.deleted', name, { ...detailOf(before.data), version: before.version }));
  });
  context.log.info('policy.deleted', { policy: name, actor: context.actor.id });
  await context.access.refresh();
}

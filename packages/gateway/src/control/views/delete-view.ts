import { Fault } from '../../kernel/fault.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { detailOf, requireMayChange } from './view-access.ts';

/** Takes a view away, from all who see it. Faults: `unknown_object`, `forbidden`, `precondition_failed`, `unavailable`. */
export async function deleteView(context: ControlContext, id: string, expected: number): Promise<void> {
  const { organizationId, registry } = context;
  const known = await requireMayChange(context, id, await registry.savedViews.find(organizationId, id));
  await registry.transaction(async ({ savedViews, audit }) => {
    const before = await savedViews.findForUpdate(organizationId, id);
    const version = before?.version ?? 0;
    if (before === null || version !== expected || known.version !== expected) throw new Fault('precondition_failed', { version }, { extra: { version } });
    await savedViews.delete(organizationId, id);
    await audit.insert(auditEvent(context, 'view.deleted', id, detailOf(before)));
  });
  context.log.info('view.deleted', { view: id });
}

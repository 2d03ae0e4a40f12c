import { isDeepStrictEqual } from 'node:util';
import { Fault } from '../../kernel/fault.ts';
import type { SavedViewRecord } from '../../store/registry/saved-view-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { detailOf, requireMayChange, requireMayShare, requireWhole } from './view-access.ts';

export interface UpdateViewInput {
  readonly id: string;
  /** What is left out stays as it is. */
  readonly change: Partial<Pick<SavedViewRecord, 'name' | 'state' | 'sharedWith'>>;
  /** The version that the caller has seen. */
  readonly expected: number;
}

export interface ViewPut {
  readonly outcome: 'changed' | 'unchanged';
  readonly view: SavedViewRecord;
}

/** Changes a view, for all who see it. Faults: `unknown_object`, `forbidden`, `invalid_params`, `precondition_failed`, `unavailable`. */
export async function updateView(context: ControlContext, { id, change, expected }: UpdateViewInput): Promise<ViewPut> {
  const { organizationId, registry, clock } = context;
  const known = await requireMayChange(context, id, await registry.savedViews.find(organizationId, id));
  const { sharedWith } = change;
  if (sharedWith !== undefined && sharedWith !== null && sharedWith !== known.sharedWith) await requireMayShare(context, sharedWith);
  const result = await registry.transaction(async ({ savedViews, audit }): Promise<ViewPut> => {
    const before = await savedViews.findForUpdate(organizationId, id);
    const version = before?.version ?? 0;
    // What was allowed above was allowed of this version.
    if (before === null || version !== expected || known.version !== expected) throw new Fault('precondition_failed', { version }, { extra: { version } });
    const same: SavedViewRecord = { ...before, ...change, name: (change.name ?? before.name).trim() };
    if (isDeepStrictEqual(same, before)) return { outcome: 'unchanged', view: before };
    requireWhole(same);
    if (same.owner === null && same.sharedWith === null)
      throw new Fault('invalid_params', { reason: 'whose it was is gone, so nobody could see it if it were private: delete it instead' });
    const view = { ...same, version: version + 1, changedAtMs: clock.nowMs() };
    await savedViews.update(organizationId, view);
    // That it was shared stays in the audit, also where it is no more.
    await audit.insert(
      auditEvent(context, 'view.changed', id, { ...detailOf(view), ...(before.sharedWith === null ? {} : { was_shared_with: before.sharedWith }) }),
    );
    return { outcome: 'changed', view };
  });
  if (result.outcome === 'changed') context.log.info('view.changed', { view: id, version: result.view.version });
  return result;
}

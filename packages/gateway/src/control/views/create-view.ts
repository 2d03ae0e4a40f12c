import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { newEntryId } from '../../kernel/id.ts';
import type { SavedViewRecord } from '../../store/registry/saved-view-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { detailOf, ownerOf, requireMayShare, requirePage, requireWhole, type ViewPage } from './view-access.ts';

export interface CreateViewInput extends Pick<SavedViewRecord, 'name' | 'state' | 'sharedWith'> {
  readonly page: ViewPage;
}

/** Saves a view; it is the caller's. Faults: `forbidden`, `invalid_params`, `unavailable`. */
export async function createView(context: ControlContext, { page, name, state, sharedWith }: CreateViewInput): Promise<SavedViewRecord> {
  const { organizationId, registry, clock } = context;
  requirePage(context, page);
  const owner = ownerOf(context);
  if (owner === null)
    throw new Fault('forbidden', { reason: 'views are kept for users, service accounts and keys, in the organization where they are at home' });
  if (sharedWith !== null) await requireMayShare(context, sharedWith);
  const nowMs = clock.nowMs();
  const view: SavedViewRecord = {
    id: newEntryId('view'),
    page,
    name: name.trim(),
    state,
    owner,
    sharedWith,
    version: 1,
    createdAtMs: nowMs,
    changedAtMs: nowMs,
  };
  requireWhole(view);
  await registry.transaction(async ({ access, savedViews, audit }) => {
    // Nobody counts while another adds.
    await access.lock(organizationId);
    const { ofOwner, all } = await savedViews.count(organizationId, owner);
    if (ofOwner >= bounds.savedViewsPerOwnerMax) throw new Fault('invalid_params', { reason: `you have ${bounds.savedViewsPerOwnerMax} views already` });
    if (all >= bounds.savedViewsMax) throw new Fault('invalid_params', { reason: `the organization has ${bounds.savedViewsMax} views already` });
    await savedViews.insert(organizationId, view);
    await audit.insert(auditEvent(context, 'view.created', view.id, detailOf(view)));
  });
  context.log.info('view.created', { view: view.id, page });
  return view;
}

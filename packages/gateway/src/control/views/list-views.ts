import type { SavedViewRecord } from '../../store/registry/saved-view-store.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { canSeePage, isMine, ownerOf, sharedWithCaller } from './view-access.ts';

export interface ListViewsInput {
  readonly page: string | null;
  /** Also what is shared with others, for who holds `views.write`. */
  readonly all: boolean;
}

/** The caller's own views and those that are shared with them, of pages that they may see, in no order. Faults: `unavailable`. */
export async function listViews(context: ControlContext, { page, all }: ListViewsInput): Promise<readonly SavedViewRecord[]> {
  const { registry, organizationId, actor } = context;
  const found = await registry.savedViews.list(organizationId, {
    owner: ownerOf(context),
    sharedWith: all && actor.can('views.write') ? null : await sharedWithCaller(context),
  });
  return found.filter((view) => view.page === (page ?? view.page) && canSeePage(context, view.page));
}

/** One that the caller may see. Faults: `unknown_object`, `unavailable`. */
export async function getView(context: ControlContext, id: string): Promise<SavedViewRecord> {
  const view = await context.registry.savedViews.find(context.organizationId, id);
  if (view === null || !canSeePage(context, view.page)) throw unknownObject('view', id);
  if (isMine(context, view)) return view;
  const { sharedWith } = view;
  const isSeen = sharedWith !== null && (context.actor.can('views.write') || (await sharedWithCaller(context)).includes(sharedWith));
  if (!isSeen) throw unknownObject('view', id);
  return view;
}

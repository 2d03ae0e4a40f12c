import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { SavedViewRecord, ViewOwner } from '../../store/registry/saved-view-store.ts';
import type { ControlContext } from '../context.ts';
import type { Permission } from '../permissions.ts';
import { unknownObject } from '../unknown-object.ts';

/** Lists whose views can be saved, with what one must hold to see the list: who may not see it sees no view of it. */
export const viewPages = { traces: 'traces.read' } as const satisfies Readonly<Record<string, Permission>>;

export type ViewPage = keyof typeof viewPages;

/** With whom a view is shared, as people of the organization: `everyone`, and their teams as `team:ID`. */
export const everyone = 'everyone';

/** Faults: `forbidden`. */
export function requirePage({ actor }: Pick<ControlContext, 'actor'>, page: ViewPage): void {
  if (!actor.can(viewPages[page])) throw new Fault('forbidden', { reason: `its actions do not include ${viewPages[page]}` });
}

/**
 * Whose views the caller's are; null: nobody's who keeps some. Administrators who came by a link are the operator: their sessions are gone tomorrow. In an
 * organization where the caller is not at home somebody else may have their id.
 */
export function ownerOf({ actor, organizationId }: Pick<ControlContext, 'actor' | 'organizationId'>): ViewOwner | null {
  const { kind, id, owner } = actor;
  if (actor.organizationId !== organizationId) return null;
  if (owner?.kind === 'user' || owner?.kind === 'service_account') return { kind: owner.kind, id: owner.id };
  if (kind === 'operator' || kind === 'session') return { kind: 'operator', id: 'operator' };
  return kind === 'key' ? { kind, id } : null;
}

export function isMine(context: Pick<ControlContext, 'actor' | 'organizationId'>, { owner }: Pick<SavedViewRecord, 'owner'>): boolean {
  const own = ownerOf(context);
  return own !== null && owner?.kind === own.kind && owner.id === own.id;
}

/** What views may be shared with for the caller to see them. */
export async function sharedWithCaller({ registry, organizationId, actor }: ControlContext): Promise<readonly string[]> {
  if (actor.owner === null || actor.organizationId !== organizationId) return [everyone];
  const above = await registry.directory.lineage(organizationId, [actor.owner]);
  return [everyone, ...above.filter(({ kind }) => kind === 'team').map(({ id }) => `team:${id}`)];
}

export function canSeePage({ actor }: Pick<ControlContext, 'actor'>, page: string): page is ViewPage {
  return page in viewPages && actor.can(viewPages[page as ViewPage]);
}

/** That the caller may change or delete it: what is private of others is not there for anybody. Faults: `unknown_object`, `forbidden`. */
export async function requireMayChange(context: ControlContext, id: string, view: SavedViewRecord | null): Promise<SavedViewRecord> {
  if (view === null || !canSeePage(context, view.page)) throw unknownObject('view', id);
  if (isMine(context, view)) return view;
  if (view.sharedWith === null) throw unknownObject('view', id);
  if (context.actor.can('views.write')) return view;
  if (!(await sharedWithCaller(context)).includes(view.sharedWith)) throw unknownObject('view', id);
  throw new Fault('forbidden', { reason: 'a view that is shared is changed by whose it is, or by who holds views.write' });
}

/** Faults: `forbidden`, `invalid_params`. */
export async function requireMayShare({ actor, registry, organizationId }: ControlContext, sharedWith: string): Promise<void> {
  if (!actor.can('views.share')) throw new Fault('forbidden', { reason: 'its actions do not include views.share' });
  if (sharedWith === everyone) return;
  const id = sharedWith.slice('team:'.length);
  if ((await registry.directory.find(organizationId, { kind: 'team', id })) === null)
    throw new Fault('invalid_params', { reason: `shared_with names the team ${id.slice(0, 128)}, which there is not` });
}

/** Faults: `invalid_params`. */
export function requireWhole({ name, state }: Pick<SavedViewRecord, 'name' | 'state'>): void {
  const invalid = (reason: string): Fault => new Fault('invalid_params', { reason });
  if (name === '' || name.length > bounds.savedViewNameCharsMax || /\p{Cc}/u.test(name))
    throw invalid(`name must have 1 to ${bounds.savedViewNameCharsMax} characters, and none that controls`);
  if (Object.keys(state).length > bounds.savedViewParametersMax) throw invalid(`state must have at most ${bounds.savedViewParametersMax} parameters`);
}

/** As it stands in the audit: what somebody keeps for themselves has no name there. */
export function detailOf({ name, page, sharedWith, version }: SavedViewRecord): Readonly<Record<string, unknown>> {
  return { page, ...(sharedWith === null ? {} : { name, shared_with: sharedWith }), version };
}

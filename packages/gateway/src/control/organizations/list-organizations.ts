import { organizationIdOf, type OrganizationId } from '../../kernel/id.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { OrganizationRecord } from '../../store/registry/organization-store.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';

export interface OrganizationPage {
  readonly organizations: readonly OrganizationRecord[];
  /** Where the next page begins, null at the end. */
  readonly cursor: string | null;
}

/** By id: the caller's own, and all others for whoever may enter or manage them. Faults: `unavailable`. */
export async function listOrganizations(
  context: ControlContext,
  { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
): Promise<OrganizationPage> {
  if (!seesAll(context)) {
    const own = await context.registry.organizations.find(context.organizationId);
    return { organizations: own === null ? [] : [own], cursor: null };
  }
  const size = Math.min(limit, bounds.directoryListMax);
  const found = await context.registry.organizations.list({ after: cursor, limit: size + 1 });
  const organizations = found.slice(0, size);
  return { organizations, cursor: found.length > size ? (organizations.at(-1)?.id ?? null) : null };
}

/** Faults: `unknown_object`, the same for one that is not there and one that the caller may not know of; `unavailable`. */
export async function getOrganization(context: ControlContext, id: string): Promise<OrganizationRecord> {
  const known = requireVisible(context, id);
  const found = await context.registry.organizations.find(known);
  if (found === null) throw unknownObject('organization', id);
  return found;
}

/** The id, where the caller may know of such an organization. Faults: `unknown_object`. */
export function requireVisible(context: ControlContext, id: string): OrganizationId {
  const known = organizationIdOf(id);
  if (known === null || (known !== context.organizationId && !seesAll(context))) throw unknownObject('organization', id);
  return known;
}

function seesAll({ actor }: ControlContext): boolean {
  return actor.can('organizations.manage') || actor.can('organizations.enter');
}

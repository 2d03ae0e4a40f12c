import type { Context } from 'hono';
import type { Actor, ControlDependencies } from '../control/context.ts';
import { unknownObject } from '../control/unknown-object.ts';
import { Fault } from '../kernel/fault.ts';
import { organizationIdOf, type OrganizationId } from '../kernel/id.ts';
import type { ApiEnvironment } from './route.ts';

/** Names the organization that a request is about, where it is not the caller's own. */
export const organizationHeader = 'GatewayOps-Organization';

/**
 * Whose rows a request sees and changes: the caller's own, or those of the organization that the header names. Whoever may not enter others hears the same
 * of one that is there and one that is not. Faults: `invalid_request` where the header is no id, or more than one; `forbidden`; `unknown_object`;
 * `unavailable`.
 */
export async function organizationOf(c: Context<ApiEnvironment>, actor: Actor, { registry }: Pick<ControlDependencies, 'registry'>): Promise<OrganizationId> {
  const named = c.req.header(organizationHeader);
  if (named === undefined) return actor.organizationId;
  const organizationId = organizationIdOf(named);
  if (organizationId === null) throw new Fault('invalid_request', { reason: `${organizationHeader} must be the id of one organization, such as org_acme` });
  if (organizationId === actor.organizationId) return organizationId;
  if (!actor.can('organizations.enter')) throw new Fault('forbidden', { reason: 'its actions do not include organizations.enter' });
  if ((await registry.organizations.find(organizationId)) === null) throw unknownObject('organization', named);
  return organizationId;
}

import type { Reference } from '../kernel/directory.ts';
import { defaultOrganizationId, newRequestId } from '../kernel/id.ts';
import type { PrincipalData } from '../snapshot/snapshot.ts';
import type { Actor, ControlContext, ControlDependencies } from './context.ts';
import { allGrants, covers, type Grants } from './permissions.ts';

/** An actor of what it holds. */
export function createActor(kind: Actor['kind'], id: string, grants: Grants, owner: Reference | null = null): Actor {
  return { kind, id, grants, owner, can: (permission) => grants.actions !== null && covers(grants.actions, permission) };
}

/** Whoever may open the owner-only socket in the state folder: the machine's own user. */
export const operator: Actor = createActor('operator', 'operator', allGrants);

/** The gateway itself, e.g. at its first start. */
export const system: Actor = createActor('system', 'system', allGrants);

export function keyActor(principal: PrincipalData): Actor {
  return createActor('key', principal.keyId, { actions: principal.actions, servers: principal.servers }, principal.owner);
}

/** What the gateway does by itself. */
export function systemContext(dependencies: ControlDependencies): ControlContext {
  return { ...dependencies, actor: system, organizationId: defaultOrganizationId, requestId: newRequestId(), peer: '' };
}

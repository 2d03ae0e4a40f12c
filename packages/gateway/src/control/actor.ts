import type { Reference } from '../kernel/directory.ts';
import { defaultOrganizationId, newRequestId, type OrganizationId } from '../kernel/id.ts';
import type { PrincipalData } from '../snapshot/snapshot.ts';
import type { SessionPlace } from './sessions/session.ts';
import type { Actor, ControlContext, ControlDependencies } from './context.ts';
import { allGrants, covers, isOfGateway, type Grants } from './permissions.ts';

/** An actor of what it holds. */
export function createActor(
  kind: Actor['kind'],
  id: string,
  grants: Grants,
  organizationId: OrganizationId,
  owner: Reference | null = null,
  session: SessionPlace | null = null,
  grantId: string | null = null,
): Actor {
  return {
    kind,
    id,
    grants,
    owner,
    session,
    grantId,
    token: null,
    organizationId,
    can: (permission) =>
      grants.actions !== null && covers(grants.actions, permission) && (organizationId === defaultOrganizationId || !isOfGateway(permission)),
  };
}

/** Whoever may open the owner-only socket in the state folder: the machine's own user. */
export const operator: Actor = createActor('operator', 'operator', allGrants, defaultOrganizationId);

/** The gateway itself, e.g. at its first start. */
export const system: Actor = createActor('system', 'system', allGrants, defaultOrganizationId);

export function keyActor(principal: PrincipalData): Actor {
  const { keyId, actions, servers, organizationId, owner } = principal;
  return createActor('key', keyId, { actions, servers }, organizationId as OrganizationId, owner);
}

/** A user of the directory who has signed in: known by the pseudonym wherever it is written down who acted, so that they can be erased. */
export function userActor(pseudonym: string, userId: string, actions: readonly string[], organizationId: OrganizationId, session: SessionPlace | null): Actor {
  return createActor('user', pseudonym, { actions, servers: null }, organizationId, { kind: 'user', id: userId }, session);
}

/** A user for whom a client acts, by a token for the control API. */
export function tokenActor({ keyId, userId, credentialId, actions, organizationId }: PrincipalData): Actor {
  return createActor(
    'user',
    keyId,
    { actions: actions ?? [], servers: null },
    organizationId as OrganizationId,
    { kind: 'user', id: userId },
    null,
    credentialId,
  );
}

/** Whoever shows a token of an issuer that ends then. */
export function issuerTokenActor(principal: PrincipalData, untilMs: number): Actor {
  const { keyId, issuer, actions, servers, owner, userId, serviceAccountId, agent, organizationId } = principal;
  const entry = entryOf(principal.kind, { userId, serviceAccountId, agent });
  const actor = createActor(entry.kind, keyId, { actions: actions ?? [], servers }, organizationId as OrganizationId, owner);
  return { ...actor, token: { issuer, entry, untilMs } };
}

function entryOf(
  kind: PrincipalData['kind'],
  { userId, serviceAccountId, agent }: Pick<PrincipalData, 'userId' | 'serviceAccountId' | 'agent'>,
): Reference & { readonly kind: 'user' | 'agent' | 'service_account' } {
  if (kind === 'user') return { kind, id: userId };
  return kind === 'agent' ? { kind, id: agent } : { kind: 'service_account', id: serviceAccountId };
}

/** What the gateway does by itself, for an organization or for its own. */
export function systemContext(dependencies: ControlDependencies, organizationId: OrganizationId = defaultOrganizationId): ControlContext {
  return { ...dependencies, actor: system, organizationId, requestId: newRequestId(), peer: '' };
}

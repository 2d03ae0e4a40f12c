import { Personal } from '../../chain/personal.ts';
import type { IdentityLink } from '../../store/registry/identity-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { endUserSessions, type EndedOfUser } from '../sessions/end-session.ts';
import { requireUser } from '../sessions/list-sessions.ts';
import { unknownObject } from '../unknown-object.ts';

/** By what a user signs in, oldest first. Faults: `unknown_object`, `unavailable`. */
export async function listUserIdentities(context: ControlContext, userId: string): Promise<readonly IdentityLink[]> {
  await requireUser(context, userId);
  return context.registry.identities.listOfUser(context.organizationId, userId);
}

/**
 * Whoever comes by the identity is the user no more: they come as for the first time, and are again the user only where their address makes them so. Every session of
 * the user ends, for who began it is not told apart. Faults: `unknown_object`, `unavailable`.
 */
export async function unlinkIdentity(context: ControlContext, { userId, digest }: { readonly userId: string; readonly digest: string }): Promise<EndedOfUser> {
  const { organizationId, registry } = context;
  await requireUser(context, userId);
  await registry.transaction(async ({ access, identities, people, audit }) => {
    await access.lock(organizationId);
    const link = await identities.delete(organizationId, userId, digest);
    if (link === null) throw unknownObject('identity', digest);
    // Nodes forget the tokens of its issuer that they know.
    await access.touchKeysOf(organizationId, [{ kind: 'user', id: userId }]);
    const { pseudonym } = await people.take(organizationId, userId);
    await audit.insert(auditEvent(context, 'user.unlinked', pseudonym, { user: new Personal(userId, { id: userId }), issuer: link.issuer }));
  });
  context.log.info('identity.unlinked', { actor: context.actor.id });
  await context.access.refresh();
  return await endUserSessions(context, userId);
}

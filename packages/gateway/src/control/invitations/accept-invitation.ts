import { Fault } from '../../kernel/fault.ts';
import type { Reference } from '../../kernel/directory.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import { createActor } from '../actor.ts';
import type { ControlContext } from '../context.ts';
import { auditEntry, requirePlace } from '../directory/entry-change.ts';
import { enforcedFor } from '../sign-in/provider-desk.ts';
import { invitationHash, userOf } from './invite-user.ts';

/**
 * Makes the user that an invitation speaks of: of any number who show its token at once one does. Teams and roles that are gone meanwhile are left
 * out. Faults: `invitation_over` for a token that is unknown, used or over; `provider_enforced`, `already_exists`, `unavailable`.
 */
export async function acceptInvitation(context: Omit<ControlContext, 'actor' | 'organizationId'>, token: string): Promise<EntryRecord> {
  const { registry, clock, expiryClock } = context;
  const known = await registry.invitations.findByToken(invitationHash(token));
  if (known === null || known.expiresAtMs <= expiryClock.nowMs()) throw new Fault('invitation_over');
  const { organizationId } = known;
  const enforced = enforcedFor(context.providers.list(), organizationId, known.email);
  if (enforced !== null) throw new Fault('provider_enforced', { provider: enforced.title });
  const own: ControlContext = { ...context, organizationId, actor: createActor('invitation', known.id, { actions: [], servers: [] }, organizationId) };
  const entry = await registry.transaction(async (writes): Promise<EntryRecord> => {
    const { access, directory, invitations } = writes;
    await access.lock(organizationId);
    const invitation = await invitations.take(organizationId, known.id);
    if (invitation === null) throw new Fault('invitation_over');
    const whole = userOf(invitation, invitation.id, clock.nowMs());
    const links: Record<string, readonly Reference[]> = {};
    for (const [member, to] of Object.entries(whole.links)) {
      const there: Reference[] = [];
      for (const one of to) if (await directory.hold(organizationId, one)) there.push(one);
      if (there.length > 0) links[member] = there;
    }
    const user = { ...whole, links };
    await requirePlace(own, writes, user);
    await directory.insert(organizationId, user);
    await access.touchKeysOf(organizationId, [user]);
    await auditEntry(own, writes, 'created', user);
    return user;
  });
  context.log.info('invitation.accepted', { invitation: known.id });
  await context.access.refresh();
  return entry;
}

import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { InvitationRecord } from '../../store/registry/directory-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { detailOf } from './invite-user.ts';

export interface InvitationPage {
  readonly invitations: readonly InvitationRecord[];
  /** Where the next page begins, null at the end. */
  readonly cursor: string | null;
}

/** Those that nobody has accepted yet, newest first; also those whose time is over, for a while. Faults: `invalid_params`, `unavailable`. */
export async function listInvitations(
  { registry, organizationId }: ControlContext,
  { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
): Promise<InvitationPage> {
  const size = Math.min(limit, bounds.directoryListMax);
  const found = await registry.invitations.list(organizationId, { after: cursor === null ? null : placeOf(cursor), limit: size + 1 });
  const invitations = found.slice(0, size);
  const last = invitations.at(-1);
  return { invitations, cursor: found.length > size && last ? Buffer.from(`${last.createdAtMs} ${last.id}`).toString('base64url') : null };
}

/** Faults: `unknown_object`, `unavailable`. */
export async function getInvitation({ registry, organizationId }: ControlContext, id: string): Promise<InvitationRecord> {
  const invitation = await registry.invitations.find(organizationId, id);
  if (invitation === null) throw unknownObject('invitation', id);
  return invitation;
}

/** Ends an invitation that nobody has accepted. Faults: `unknown_object`, `unavailable`. */
export async function revokeInvitation(context: ControlContext, id: string): Promise<void> {
  const { registry, organizationId } = context;
  await registry.transaction(async ({ invitations, audit }) => {
    const invitation = await invitations.take(organizationId, id);
    if (invitation === null) throw unknownObject('invitation', id);
    await audit.insert(auditEvent(context, 'invitation.revoked', id, detailOf(invitation)));
  });
  context.log.info('invitation.revoked', { invitation: id, actor: context.actor.id });
}

function placeOf(cursor: string): { readonly createdAtMs: number; readonly id: string } {
  const match = /^(\d{1,15}) (inv_[0-9A-Za-z]{1,64})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!match?.[1] || !match[2]) throw new Fault('invalid_params', { reason: 'the cursor is not one that this list gave' });
  return { createdAtMs: Number(match[1]), id: match[2] };
}

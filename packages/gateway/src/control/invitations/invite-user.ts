import { createHash } from 'node:crypto';
import { Personal } from '../../chain/personal.ts';
import { bounds } from '../../kernel/bounds.ts';
import { firstRoleId, foldText, type Reference } from '../../kernel/directory.ts';
import { newEntryId, randomBase62 } from '../../kernel/id.ts';
import type { InvitationRecord } from '../../store/registry/directory-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { changedEntry, invalid, requirePlace } from '../directory/entry-change.ts';
import { requireHeld } from '../roles/require-roles.ts';

export const invitationTokenPattern = /^invite_[0-9A-Za-z]{43}$/;

export interface InviteUserInput {
  readonly email: string;
  /** Null: the address, until it is changed. */
  readonly name: string | null;
  readonly teamIds: readonly string[];
  /** Null: the first role of every user. */
  readonly roleIds: readonly string[] | null;
  /** Null: a week from now. */
  readonly expiresAtMs: number | null;
}

/** An invitation and its token, which exists nowhere else and is never shown again. */
export interface InvitationWithToken {
  readonly invitation: InvitationRecord;
  readonly token: string;
}

/**
 * Invites somebody to become a user; an earlier invitation to the same address ends. Faults: `invalid_params`, `already_exists` where there is such a
 * user, `forbidden` where they would hold more than who invites, `unavailable`.
 */
export async function inviteUser(context: ControlContext, { email, name, teamIds, roleIds, expiresAtMs }: InviteUserInput): Promise<InvitationWithToken> {
  const { organizationId, registry, clock, actor } = context;
  const nowMs = clock.nowMs();
  const endsMs = expiresAtMs ?? nowMs + bounds.invitationMs;
  if (endsMs <= nowMs || endsMs > nowMs + bounds.invitationMsMax)
    throw invalid(`expires_at must lie within the next ${bounds.invitationMsMax / 86_400_000} days`);
  const roles = (roleIds ?? [firstRoleId]).map((id): Reference => ({ kind: 'role', id }));
  const token = `invite_${randomBase62(43)}`;
  const invitation: InvitationRecord = {
    organizationId,
    id: newEntryId('inv'),
    userId: newEntryId('usr'),
    email,
    name: name ?? email,
    teamIds,
    roleIds: roles.map(({ id }) => id),
    createdAtMs: nowMs,
    createdBy: actor.id,
    expiresAtMs: endsMs,
  };
  const entry = userOf(invitation, actor.id, nowMs);
  await requireHeld(context, roles);
  await registry.transaction(async (writes) => {
    const { access, invitations, audit } = writes;
    await access.lock(organizationId);
    await requirePlace(context, writes, entry);
    await invitations.deleteExpired(organizationId, nowMs - bounds.invitationKeptMs);
    await invitations.deleteOf(organizationId, { email: foldText(email) });
    if ((await invitations.count(organizationId)) >= bounds.invitationsMax) throw invalid(`there are ${bounds.invitationsMax} invitations already`);
    await invitations.insert(organizationId, { ...invitation, tokenHash: invitationHash(token) });
    await audit.insert(auditEvent(context, 'invitation.created', invitation.id, detailOf(invitation)));
  });
  context.log.info('invitation.created', { invitation: invitation.id, actor: actor.id });
  return { invitation, token };
}

/** The user that an invitation makes. Faults: `invalid_params`. */
export function userOf({ userId, email, name, teamIds, roleIds }: InvitationRecord, createdBy: string, nowMs: number) {
  const made = { createdAtMs: nowMs, createdBy, changedAtMs: nowMs, changedBy: createdBy };
  return changedEntry(
    { kind: 'user', id: userId, name: '', handle: null, attributes: {}, names: {}, links: {}, version: 1, ...made },
    {
      name,
      texts: { email },
      names: {},
      links: { team_ids: teamIds.map((id) => ({ kind: 'team', id })), role_ids: roleIds.map((id) => ({ kind: 'role', id })) },
    },
  );
}

/** As it stands in the audit: readable until the person is erased. */
export function detailOf({ userId, email, name, teamIds, roleIds, expiresAtMs }: InvitationRecord): Record<string, unknown> {
  return { user: new Personal(userId, { id: userId, email, name }), team_ids: teamIds, role_ids: roleIds, expires_at_ms: expiresAtMs };
}

/** What is kept of a token. */
export function invitationHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

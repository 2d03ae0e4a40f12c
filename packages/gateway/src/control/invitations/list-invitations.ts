import { z } from 'zod';
import { bounds } from '../../kernel/bounds.ts';
import { foldText } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import type { EntryPlace, InvitationQuery, InvitationRecord } from '../../store/registry/directory-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { detailOf } from './invite-user.ts';

export interface InvitationPage {
  readonly invitations: readonly InvitationRecord[];
  /** Where the next page begins, null at the end. */
  readonly cursor: string | null;
}

export interface ListInvitationsInput extends Pick<InvitationQuery, 'text' | 'teamId' | 'roleId' | 'sort' | 'descending'> {
  /** Null: whether its time is over or not. */
  readonly isOver: boolean | null;
  readonly cursor: string | null;
  readonly limit: number;
}

/** Those that nobody has accepted yet; also those whose time is over, for a while. Faults: `invalid_params`, `unavailable`. */
export async function listInvitations(
  { registry, organizationId, clock }: ControlContext,
  { text, isOver, cursor, limit, ...input }: ListInvitationsInput,
): Promise<InvitationPage> {
  const size = Math.min(limit, bounds.directoryListMax);
  const found = await registry.invitations.list(organizationId, {
    ...input,
    text: text === null ? null : foldText(text),
    over: isOver === null ? null : { is: isOver, nowMs: clock.nowMs() },
    after: cursor === null ? null : placeOf(cursor, input.sort),
    limit: size + 1,
  });
  const invitations = found.slice(0, size);
  const last = invitations.at(-1);
  return { invitations, cursor: found.length > size && last ? cursorOf(last, input.sort) : null };
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

function cursorOf({ email, createdAtMs, expiresAtMs, id }: InvitationRecord, sort: InvitationQuery['sort']): string {
  const value = sort === 'email' ? email.toLowerCase() : sort === 'expires_at' ? expiresAtMs : createdAtMs;
  return Buffer.from(JSON.stringify([sort, value, id])).toString('base64url');
}

const placeSchema = z.tuple([z.string(), z.union([z.string().max(254), z.number().int().min(0).max(8.64e15)]), z.string().max(100)]);

function placeOf(cursor: string, sort: InvitationQuery['sort']): EntryPlace {
  try {
    const [of, value, id] = placeSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (of === sort && typeof value === (sort === 'email' ? 'string' : 'number')) return { value, id };
  } catch {
    // Said below.
  }
  throw new Fault('invalid_params', { reason: 'the cursor is not one that this list, sorted so, gave' });
}

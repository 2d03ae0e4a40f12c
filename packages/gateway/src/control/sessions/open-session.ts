import { Personal } from '../../chain/personal.ts';
import { newSessionId } from '../../kernel/id.ts';
import { createActor } from '../actor.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { allGrants } from '../permissions.ts';
import { linkKey, linkRecordSchema, type SessionRecord } from './session.ts';
import { storeSession } from './store-session.ts';

/**
 * Redeems a one-time link: of any number of callers one gets the session's token, all others null. Faults: `unavailable`.
 */
export async function openSession(context: Omit<ControlContext, 'actor' | 'organizationId'>, linkToken: string, userAgent = ''): Promise<string | null> {
  const link = linkKey(linkToken);
  const stored = link === null ? null : await context.state.take(link);
  if (stored === null) return null;
  const { forOrganizationId: organizationId, ...openedBy } = linkRecordSchema.parse(JSON.parse(stored.toString()));
  const record: SessionRecord = {
    id: newSessionId(),
    organizationId,
    actions: [...(allGrants.actions ?? [])],
    servers: null,
    openedBy,
    user: null,
    peer: context.peer,
    userAgent,
    createdAtMs: context.clock.nowMs(),
    seenAtMs: 0,
  };
  const actor = createActor('session', record.id, allGrants, organizationId);
  const { kind, id } = openedBy;
  // The key that seals what is of a user is in their own organization.
  const opener = kind !== 'user' ? { kind, id } : openedBy.organizationId === organizationId ? new Personal(id, { kind, id }) : { kind };
  await context.registry.transaction(({ audit }) =>
    audit.insert(auditEvent({ ...context, actor, organizationId }, 'session.opened', record.id, { opened_by: opener })),
  );
  return await storeSession(context, record);
}

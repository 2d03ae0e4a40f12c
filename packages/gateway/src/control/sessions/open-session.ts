import { newSessionId } from '../../kernel/id.ts';
import { createActor } from '../actor.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { allGrants } from '../permissions.ts';
import { linkKey, linkRecordSchema, newSessionToken, sessionKey, sessionMs, type SessionRecord } from './session.ts';

/**
 * Redeems a one-time link: of any number of callers one gets the session's token, all others null. Faults: `unavailable`.
 */
export async function openSession(context: Omit<ControlContext, 'actor' | 'organizationId'>, linkToken: string): Promise<string | null> {
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
    createdAtMs: context.clock.nowMs(),
  };
  const token = newSessionToken();
  const key = sessionKey(token);
  if (key === null) throw new TypeError('a new session token has the wrong form');
  const actor = createActor('session', record.id, allGrants, organizationId);
  const opener = { kind: openedBy.kind, id: openedBy.id };
  await context.registry.transaction(({ audit }) =>
    audit.insert(auditEvent({ ...context, actor, organizationId }, 'session.opened', record.id, { opened_by: opener })),
  );
  await context.state.set(key, Buffer.from(JSON.stringify(record)), sessionMs);
  return token;
}

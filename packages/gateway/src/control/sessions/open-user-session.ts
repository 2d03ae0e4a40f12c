import { newSessionId, type OrganizationId } from '../../kernel/id.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import { userActor } from '../actor.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import type { SessionRecord } from './session.ts';
import { storeSession } from './store-session.ts';

export interface UserSessionInput {
  readonly organizationId: OrganizationId;
  readonly user: EntryRecord;
  /** By whom they signed in. */
  readonly provider: string;
  readonly userAgent: string;
}

/** Lets a user of the directory in; resolves with the session's token. Faults: `unavailable`. */
export async function openUserSession(context: Omit<ControlContext, 'actor' | 'organizationId'>, input: UserSessionInput): Promise<string> {
  const { organizationId, user, provider, userAgent } = input;
  const id = newSessionId();
  const pseudonym = await context.registry.transaction(async ({ people, audit }) => {
    const person = await people.take(organizationId, user.id);
    const actor = userActor(person.pseudonym, user.id, [], organizationId, null);
    await audit.insert(auditEvent({ ...context, actor, organizationId }, 'session.opened', id, { provider }));
    return person.pseudonym;
  });
  const record: SessionRecord = {
    id,
    organizationId,
    actions: [],
    servers: null,
    openedBy: { kind: 'user', id: user.id, organizationId },
    user: { id: user.id, pseudonym, provider },
    peer: context.peer,
    userAgent,
    createdAtMs: context.clock.nowMs(),
    seenAtMs: 0,
  };
  return await storeSession(context, record);
}

import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { sessionKey } from './session.ts';

/** Ends the session of a token: logout. Faults: `unavailable`. */
export async function endSession(context: ControlContext, token: string): Promise<void> {
  const key = sessionKey(token);
  if (key === null) return;
  await context.state.delete(key);
  await context.registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'session.ended', context.actor.id, {})));
}

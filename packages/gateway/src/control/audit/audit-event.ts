import { newAuditId } from '../../kernel/id.ts';
import type { AuditEvent } from '../../store/registry/registry-store.ts';
import type { ControlContext } from '../context.ts';

/** The record of a change, to be inserted in the transaction that makes it. `detail` holds public values only. */
export function auditEvent(context: ControlContext, action: string, objectId: string, detail: AuditEvent['detail']): AuditEvent {
  return {
    id: newAuditId(),
    organizationId: context.organizationId,
    atMs: context.clock.nowMs(),
    actorKind: context.actor.kind,
    actorId: context.actor.id,
    action,
    objectId,
    requestId: context.requestId,
    peer: context.peer,
    detail,
  };
}

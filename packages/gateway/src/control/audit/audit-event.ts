import type { AuditResult } from '../../chain/audit-record.ts';
import { newAuditId } from '../../kernel/id.ts';
import type { AuditEvent } from '../../store/registry/audit-store.ts';
import type { ControlContext } from '../context.ts';

/**
 * The record of a change, to be inserted in the transaction that makes it. `action` is noun and past participle
 * (`key.created`), the noun being the kind of `objectId`; `detail` holds public values only.
 */
export function auditEvent(
  context: Pick<ControlContext, 'organizationId' | 'clock' | 'actor' | 'requestId' | 'peer'>,
  action: string,
  objectId: string,
  detail: AuditEvent['detail'],
  result: AuditResult = 'success',
): AuditEvent {
  return {
    id: newAuditId(),
    organizationId: context.organizationId,
    atMs: context.clock.nowMs(),
    actorKind: context.actor.kind,
    actorId: context.actor.id,
    action,
    objectKind: action.slice(0, Math.max(0, action.indexOf('.'))),
    objectId,
    result,
    requestId: context.requestId,
    peer: context.peer,
    // Whoever acts in an organization that is not their own.
    detail:
      context.actor.organizationId === context.organizationId || context.actor.kind === 'system'
        ? detail
        : { ...detail, actor_organization_id: context.actor.organizationId },
  };
}

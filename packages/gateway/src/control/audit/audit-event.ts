import { Personal } from '../../chain/personal.ts';
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
    detail: { ...detail, ...actorDetail(context, objectId) },
  };
}

/** What the id of who acts does not say: whoever acts in an organization that is not their own, and a user, as long as they are not erased. */
function actorDetail({ actor, organizationId }: Pick<ControlContext, 'actor' | 'organizationId'>, objectId: string): AuditEvent['detail'] {
  const isAtHome = actor.organizationId === organizationId;
  return {
    ...(isAtHome || actor.kind === 'system' ? {} : { actor_organization_id: actor.organizationId }),
    // The key that seals what is theirs is in their own organization. Of what they do to themselves the object says who: an erasure must not make it anew.
    ...(actor.kind === 'user' && actor.owner !== null && isAtHome && actor.id !== objectId
      ? { actor: new Personal(actor.owner.id, { id: actor.owner.id }) }
      : {}),
  };
}

import { Personal } from '../../chain/personal.ts';
import type { RegistryWrites, SwitchRecord } from '../../store/registry/registry-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ScimContext } from './scim-context.ts';

/**
 * Switches a user off as the provider says, or on again, inside a transaction that has locked access. What an administrator has switched off stays off
 * whatever a provider says; a switch of theirs that would end by itself gives way to one that does not.
 */
export async function setActive(context: ScimContext, writes: RegistryWrites, userId: string, isActive: boolean): Promise<void> {
  const { organizationId, clock, provider } = context;
  const { access } = writes;
  const there = await access.findSwitch(organizationId, 'user', userId);
  const isOwn = there !== null && isSwitchOf(there, provider);
  if (isActive) {
    if (!isOwn) return;
    await access.begin(organizationId);
    await access.deleteSwitch(organizationId, 'user', userId);
    await audit(context, writes, 'user.switched_on', userId);
    return;
  }
  if (there !== null && (isOwn || there.untilMs === null)) return;
  const reason = `the identity provider ${provider} says that they are not active`;
  await access.begin(organizationId);
  await access.putSwitch(organizationId, { kind: 'user', name: userId, reason, untilMs: null, changedAtMs: clock.nowMs(), changedBy: switchMaker(provider) });
  await audit(context, writes, 'user.switched_off', userId, { reason });
}

/** Whether it was the provider who switched it off. */
export function isSwitchOf({ changedBy }: Pick<SwitchRecord, 'changedBy'>, provider: string): boolean {
  return changedBy === switchMaker(provider);
}

/** Ids of other actors have no colon. */
function switchMaker(provider: string): string {
  return `scim:${provider}`;
}

async function audit(
  context: ScimContext,
  writes: RegistryWrites,
  action: string,
  userId: string,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { pseudonym } = await writes.people.take(context.organizationId, userId);
  await writes.audit.insert(auditEvent(context, action, pseudonym, { user: new Personal(userId, { id: userId }), ...detail }));
}

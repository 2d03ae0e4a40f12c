import { defaultOrganizationId, randomBase62 } from '../../kernel/id.ts';
import type { ProviderData } from '../../identity/provider-data.ts';
import { createActor } from '../actor.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { countFailed } from './sign-in-attempts.ts';

export interface RefusedSignIn {
  readonly ok: false;
  /** What whoever tried is told, and an administrator finds the reason by in the audit. */
  readonly incident: string;
  /** When it is tried again what did not work; null: whenever somebody tries. */
  readonly retryAfterMs: number | null;
}

/**
 * Writes down which step of a sign-in failed and what mends it, for an administrator; whoever tried hears a number. Breakage that is nobody's doing is
 * thrown on. `isTried`: nobody was to be let in by it, so that it is not counted among those who were. Faults: `rate_limit_exceeded`, `unavailable`.
 */
export async function refuseSignIn(
  context: Omit<ControlContext, 'actor' | 'organizationId'>,
  provider: ProviderData | null,
  trouble: unknown,
  isTried: boolean,
): Promise<RefusedSignIn> {
  if (!isRefusal(trouble)) throw trouble;
  const { step, reason, fix } = trouble;
  if (!isTried) context.audit.signIns.person(provider?.name ?? '', 'refused');
  await countFailed(context, context.peer);
  const incident = `inc_${randomBase62(20)}`;
  const organizationId = provider?.organizationId ?? defaultOrganizationId;
  const actor = createActor('provider', provider?.name ?? '', { actions: [], servers: [] }, organizationId);
  await context.registry.transaction(({ audit }) =>
    audit.insert(auditEvent({ ...context, actor, organizationId }, 'sign_in.refused', incident, { step, reason, fix }, 'denied')),
  );
  context.log.warn('sign_in.refused', { provider: provider?.name ?? '', step, reason, incident });
  return { ok: false, incident, retryAfterMs: trouble.retryAfterMs ?? null };
}

/** A step that failed: `SignInTrouble` of a provider, or a decision of ours. */
export interface Refusal {
  readonly step: string;
  readonly reason: string;
  readonly fix: string;
  readonly retryAfterMs?: number | null;
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'step' in value && 'reason' in value && 'fix' in value;
}

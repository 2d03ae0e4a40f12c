import { bounds } from '../../kernel/bounds.ts';
import type { ControlContext } from '../context.ts';

/** Forgets requests whose answers are not given again any more. Faults: `unavailable`. */
export async function removeExpiredKeys({ registry, organizationId }: ControlContext): Promise<void> {
  await registry.transaction(({ idempotency }) => idempotency.deleteExpired(organizationId, bounds.idempotencyKeyMs, bounds.idempotencySweepMax));
}

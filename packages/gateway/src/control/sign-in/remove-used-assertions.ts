import { bounds } from '../../kernel/bounds.ts';
import type { ControlContext } from '../context.ts';

/** Forgets assertions that are over: nobody comes in by them anyway. Faults: `unavailable`. */
export async function removeUsedAssertions({ registry, organizationId }: ControlContext): Promise<void> {
  await registry.transaction(({ assertions }) => assertions.deleteExpired(organizationId, bounds.usedAssertionSweepMax));
}

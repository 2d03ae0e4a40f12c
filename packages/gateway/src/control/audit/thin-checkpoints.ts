import { bounds } from '../../kernel/bounds.ts';
import type { ControlContext } from '../context.ts';

/**
 * Of each day that is over for `auditThinMs` the last checkpoint of each node stays: it says all that those before it said, and a year of one a
 * minute would be half a million. The database lets go of no others. Returns how many are gone. Faults: `unavailable`.
 */
export async function thinCheckpoints({ registry, organizationId, clock }: Pick<ControlContext, 'registry' | 'organizationId' | 'clock'>): Promise<number> {
  // Whole days: a later checkpoint of the same day is not to come any more.
  const beforeMs = Math.floor((clock.nowMs() - bounds.auditThinMs) / dayMs) * dayMs;
  let gone = 0;
  for (let more = true; more;) {
    const count = await registry.transaction(({ audit }) => audit.deleteSuperseded(organizationId, beforeMs, bounds.auditPageRecords));
    gone += count;
    more = count === bounds.auditPageRecords;
  }
  return gone;
}

const dayMs = 86_400_000;

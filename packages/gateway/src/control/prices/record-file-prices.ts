import { samePrices, type PriceList } from '../../kernel/price-list.ts';
import type { PriceVersion } from '../../store/registry/registry-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';

/**
 * Makes what the file says of prices the version that holds, where it is not already: the history holds every list that was ever
 * served, whoever wrote it. Faults: `unavailable`.
 */
export async function recordFilePrices(
  context: Pick<ControlContext, 'registry' | 'organizationId' | 'clock' | 'actor' | 'requestId' | 'peer' | 'log'>,
  list: PriceList,
): Promise<PriceVersion> {
  const { organizationId, registry } = context;
  const nowMs = context.clock.nowMs();
  const holds = await registry.prices.inForce(organizationId, nowMs, 'file');
  if (holds !== null && samePrices(holds.list, list)) return holds;
  return registry.transaction(async ({ prices, audit }) => {
    const newest = await prices.lockNewest(organizationId);
    // Another node with the same file was faster.
    if (newest?.source === 'file' && samePrices(newest.list, list)) return newest;
    const number = (newest?.number ?? 0) + 1;
    const version: PriceVersion = { organizationId, number, source: 'file', list, effectiveFromMs: nowMs, createdAtMs: nowMs, createdBy: context.actor.id };
    await prices.insert(version);
    await audit.insert(
      auditEvent(context, 'prices.changed', `prices/${number}`, { source: 'file', currency: list.currency, overrides: list.overrides.length }),
    );
    context.log.info('prices.changed', { version: number, source: 'file' });
    return version;
  });
}

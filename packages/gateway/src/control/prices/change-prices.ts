import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { noPrices, samePrices, writePrices, type PriceList } from '../../kernel/price-list.ts';
import type { PriceVersion } from '../../store/registry/registry-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { compareLists, priceEffect, type PriceChange, type PriceEffect } from './price-effect.ts';

export interface PricesInput {
  readonly list: PriceList;
  /** Null: now. */
  readonly effectiveFromMs: number | null;
  /** The newest version that the caller has seen; 0: none. */
  readonly expected: number;
  readonly dryRun: boolean;
}

export interface PricesChanged {
  readonly outcome: 'changed' | 'unchanged' | 'planned';
  /** What it is, or would be. */
  readonly version: PriceVersion;
  readonly changes: readonly PriceChange[];
  /** Null where the ledger cannot say. */
  readonly effect: PriceEffect | null;
}

/**
 * Sets the price list of the organization, now or from a time to come; when it returns, every worker of this node goes by what holds now. Past
 * calls keep their prices. Faults: `managed_by_file`, `precondition_failed`, `invalid_params`, `unavailable`.
 */
export async function changePrices(context: ControlContext, { list, effectiveFromMs, expected, dryRun }: PricesInput): Promise<PricesChanged> {
  const { organizationId, registry, config } = context;
  if (config.pricing !== null) throw new Fault('managed_by_file', { what: 'price list', file: config.file ?? '(none)', setting: 'pricing' });
  const nowMs = context.clock.nowMs();
  requireWholeList(
    list,
    config.servers.map(({ name }) => name),
  );
  if (effectiveFromMs !== null && effectiveFromMs < nowMs)
    throw new Fault('invalid_params', { reason: 'effective_from lies in the past, and calls that were made keep their prices' });
  if (effectiveFromMs !== null && effectiveFromMs > nowMs + bounds.pricesAheadMsMax)
    throw new Fault('invalid_params', { reason: 'effective_from lies more than five years ahead' });

  const newest = await registry.prices.newest(organizationId);
  requireExpected(newest, expected);
  const holds = await registry.prices.inForce(organizationId, effectiveFromMs ?? nowMs, null);
  const before = holds?.list ?? noPrices;
  const changes = compareLists(before, list);
  const effect = await priceEffect(context, before, list);
  const planned: PriceVersion = {
    organizationId,
    number: (newest?.number ?? 0) + 1,
    source: 'api',
    list,
    effectiveFromMs: effectiveFromMs ?? nowMs,
    createdAtMs: nowMs,
    createdBy: context.actor.id,
  };
  if (holds !== null && effectiveFromMs === null && samePrices(holds.list, list)) return { outcome: 'unchanged', version: holds, changes, effect };
  if (dryRun) return { outcome: 'planned', version: planned, changes, effect };

  const version = await registry.transaction(async ({ prices, audit }) => {
    const last = await prices.lockNewest(organizationId);
    requireExpected(last, expected);
    await prices.insert(planned);
    await audit.insert(
      auditEvent(context, 'prices.changed', `prices/${planned.number}`, {
        source: 'api',
        effective_from: new Date(planned.effectiveFromMs).toISOString(),
        ...(list.overrides.length > bounds.priceChangesShownMax
          ? { currency: list.currency, overrides: list.overrides.length }
          : { prices: writePrices(list) }),
      }),
    );
    return planned;
  });
  context.log.info('prices.changed', { version: version.number, source: 'api', actor: context.actor.id });
  await context.prices.refresh();
  return { outcome: 'changed', version, changes, effect };
}

function requireExpected(newest: PriceVersion | null, expected: number): void {
  const version = newest?.number ?? 0;
  if (version !== expected) throw new Fault('precondition_failed', { version }, { extra: { version } });
}

/** Faults: `invalid_params`. */
export function requireWholeList({ overrides }: PriceList, servers: readonly string[]): void {
  if (overrides.length > bounds.priceOverridesMax) throw new Fault('invalid_params', { reason: `a list has at most ${bounds.priceOverridesMax} overrides` });
  const known = new Set(servers);
  const seen = new Set<string>();
  for (const { server, tool } of overrides) {
    if (!known.has(server)) throw new Fault('invalid_params', { reason: `there is no server "${server}"` });
    const name = tool === null ? server : `${server}/${tool}`;
    if (seen.has(name)) throw new Fault('invalid_params', { reason: `two overrides price ${name}, and only one can hold` });
    seen.add(name);
  }
}

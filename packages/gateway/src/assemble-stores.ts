/**
 * The stores of a node, opened as the configuration says: an engine of its own where it names no server. `assemble.ts` hands
 * them to whoever stands on them.
 */
import type { Config } from './config/config.ts';
import type { HealthProbe } from './control/health/read-health.ts';
import { spoolNote } from './control/health/spool-note.ts';
import type { Clock } from './kernel/clock.ts';
import { defaultOrganizationId } from './kernel/id.ts';
import type { Log } from './kernel/log.ts';
import type { Closers } from './node/closers.ts';
import { createServedPrices, type PriceKeeper } from './node/served-prices.ts';
import type { StateFolder } from './node/state-folder.ts';
import { createCallSink } from './store/ledger/calls.ts';
import type { LedgerStore } from './store/ledger/ledger-store.ts';
import { openLedger } from './store/ledger/open-ledger.ts';
import { createRollups } from './store/ledger/rollups.ts';
import { openEmbeddedState } from './store/state/embedded-state.ts';
import type { RegistryStore } from './store/registry/registry-store.ts';
import type { StateStore } from './store/state/state-store.ts';
import { openCallChain, type CallChain } from './telemetry/call-chain.ts';
import { startDrain, type Drain } from './telemetry/drain.ts';
import { startRollUp } from './telemetry/roll-up.ts';
import type { Tap } from './telemetry/tap.ts';

export interface StoreOptions {
  readonly config: Config;
  readonly folder: StateFolder;
  /** Sees calls on their way to the ledger. */
  readonly tap: Tap;
  readonly clock: Clock;
  readonly log: Log;
  readonly closers: Closers;
}

/** Opens the ledger in the background, and what brings calls into it and sums them up there. */
export function openLedgerOf({ config, folder, tap, clock, log, closers }: StoreOptions): {
  readonly ledger: LedgerStore;
  readonly drain: Drain;
  readonly chain: CallChain;
} {
  const { paths } = folder;
  const ledger = openLedger({
    at:
      config.stores.clickhouseUrl === null
        ? { folder: paths.ledger, socketPath: paths.ledgerSocket }
        : { url: config.stores.clickhouseUrl, cluster: config.stores.clickhouseCluster },
    retentionDays: config.retention.tracesDays,
    metricsDays: config.retention.metricsDays,
    log: log.child({ part: 'ledger' }),
  });
  closers.add('ledger', () => ledger.close());
  const telemetryLog = log.child({ part: 'telemetry' });
  const chain = openCallChain({ path: paths.callChain, node: folder.node, log: telemetryLog });
  const drain = startDrain({
    journalFolder: paths.journal,
    ledger: createCallSink(ledger),
    chain,
    tap,
    clock,
    log: telemetryLog,
    spoolBytesMax: config.journal.spoolBytesMax,
  });
  closers.add('drain', () => drain.stop());
  const rollUp = startRollUp({ rollups: createRollups(ledger), clock, log: telemetryLog });
  closers.add('roll-up', () => rollUp.stop());
  return { ledger, drain, chain };
}

export async function openStateOf({ config, folder, clock, log, closers }: StoreOptions): Promise<StateStore> {
  const stateLog = log.child({ part: 'state' });
  const state =
    config.stores.redisUrl === null
      ? await openEmbeddedState({ folder: folder.paths.state, clock, log: stateLog })
      : await (await import('./store/state/redis-state.ts')).openRedisState({ url: config.stores.redisUrl, clock, log: stateLog });
  closers.add('state', () => state.close());
  return state;
}

/** The price list of this node: at first that of its file, or the one that served last. */
export function servePrices({ config, folder, clock, log, closers }: StoreOptions, onChange: () => Promise<void>): PriceKeeper {
  const prices = createServedPrices({ file: folder.paths.prices, organizationId: defaultOrganizationId, clock, log, onChange });
  closers.add('prices', () => prices.close());
  void prices.configure(config.pricing);
  return prices;
}

/** What of the stores the health of the gateway is made of. */
export function storeProbes({
  registry,
  state,
  ledger,
}: {
  readonly registry: RegistryStore;
  readonly state: StateStore;
  readonly ledger: LedgerStore;
}): readonly HealthProbe[] {
  return [
    { name: 'registry', required: true, check: () => registry.ping().then(() => ({ state: 'ok', reason: null })) },
    {
      name: 'state',
      required: false,
      check: () => (state.status().ready ? { state: 'ok', reason: null } : { state: 'degraded', reason: state.status().reason }),
    },
    {
      name: 'ledger',
      required: false,
      check: () => ({ state: ledger.state() === 'ready' ? 'ok' : ledger.state() === 'opening' ? 'starting' : 'down', reason: ledger.reason() }),
    },
  ];
}

/** Whether calls are recorded; without it none are made. */
export function recordProbe({ drain, isBlocked, spoolBytesMax }: { readonly drain: Drain; isBlocked(): boolean; spoolBytesMax(): number }): HealthProbe {
  return {
    name: 'record',
    required: true,
    check() {
      if (isBlocked()) return { state: 'down', reason: 'calls cannot be recorded, so none are made' };
      const note = spoolNote(drain.status().bytesPerSecond, spoolBytesMax());
      return { state: 'ok', reason: null, ...(note === null ? {} : { note }) };
    },
  };
}

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { PriceDesk, ServedPrices } from '../control/prices/price-desk.ts';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { noPrices, readPrices, samePrices, writePrices, type PriceList } from '../kernel/price-list.ts';
import type { PriceReads } from '../store/registry/registry-store.ts';
import type { OrganizationId } from '../kernel/id.ts';

export interface ServedPricesOptions {
  /** Where the last list is kept: workers serve before the registry is open. */
  readonly file: string;
  readonly organizationId: OrganizationId;
  readonly clock: Clock;
  readonly log: Log;
  /** Hands the list to the workers; resolves when they go by it. */
  readonly onChange: () => Promise<void>;
}

export interface PriceKeeper extends PriceDesk {
  /** What the configuration says that serves now; null: nothing. Holds for the next snapshot from this call on; its number may follow. */
  configure(list: PriceList | null): Promise<void>;
  /** Begins to follow the registry; `shared`: other nodes may change it too. */
  follow(registry: PriceReads, shared: boolean): Promise<void>;
  close(): void;
}

/** Which price list holds on this node: that of its file, or the version of the registry whose time has come. */
export function createServedPrices({ file, organizationId, clock, log, onChange }: ServedPricesOptions): PriceKeeper {
  let ofFile: PriceList | null = null;
  let served: ServedPrices = readKept(file) ?? { version: 0, list: noPrices };
  let registry: PriceReads | null = null;
  let refreshing: Promise<void> = Promise.resolve();
  let nextTimer: NodeJS.Timeout | undefined;
  let pollTimer: NodeJS.Timeout | undefined;
  let failing = false;

  async function refreshOnce(): Promise<void> {
    if (registry === null) return;
    const nowMs = clock.nowMs();
    const holds = await registry.inForce(organizationId, nowMs, ofFile === null ? null : 'file');
    const nextMs = ofFile === null ? await registry.nextChangeMs(organizationId, nowMs) : null;
    clearTimeout(nextTimer);
    if (nextMs !== null) nextTimer = setTimeout(() => void keepUp(), Math.min(Math.max(0, nextMs - clock.nowMs()), bounds.pricesLookMs)).unref();
    const next = ofFile === null ? { version: holds?.number ?? 0, list: holds?.list ?? noPrices } : numbered(ofFile, holds);
    if (next.version === served.version && samePrices(next.list, served.list)) return;
    served = next;
    keep(file, served, log);
    await onChange();
  }

  function refresh(): Promise<void> {
    const mine = refreshing.then(refreshOnce);
    refreshing = mine.catch(() => undefined);
    return mine;
  }

  /** Tries again by itself. */
  async function keepUp(): Promise<void> {
    try {
      await refresh();
      failing = false;
    } catch (error) {
      if (!failing) log.warn('prices.unread', { reason: error instanceof Error ? error.message : String(error) });
      failing = true;
      clearTimeout(nextTimer);
      nextTimer = setTimeout(() => void keepUp(), bounds.pricesRetryMs).unref();
    }
  }

  return {
    served: () => served,
    refresh,
    configure(list) {
      ofFile = list;
      if (list !== null && !samePrices(list, served.list)) served = { version: 0, list };
      return keepUp();
    },
    async follow(reads, shared) {
      registry = reads;
      await refresh();
      if (shared) pollTimer = setInterval(() => void keepUp(), bounds.pricesPollMs).unref();
    },
    close() {
      clearTimeout(nextTimer);
      clearInterval(pollTimer);
      registry = null;
    },
  };
}

function numbered(list: PriceList, holds: { readonly number: number; readonly list: PriceList } | null): ServedPrices {
  return { version: holds !== null && samePrices(holds.list, list) ? holds.number : 0, list };
}

function readKept(file: string): ServedPrices | null {
  try {
    const { version, prices } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version?: unknown; readonly prices?: unknown };
    return typeof version === 'number' && Number.isSafeInteger(version) ? { version, list: readPrices(prices) } : null;
  } catch {
    // The first start; or it was lost: until the registry is open, calls are priced by the file, or by none.
    return null;
  }
}

function keep(file: string, { version, list }: ServedPrices, log: Log): void {
  try {
    writeFileSync(`${file}.new`, JSON.stringify({ version, prices: writePrices(list) }), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    log.warn('prices.unkept', { reason: error instanceof Error ? error.message : String(error) });
  }
}

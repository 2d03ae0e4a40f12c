/** The stores of a node that are filled from a backup, without a gateway: opened one after the other, filled, and closed. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import type { BackupFile } from './backup/open-backup.ts';
import { entriesOf, registryFolder } from './backup/verify-backup.ts';
import { assembleRegistry } from './assemble-registry.ts';
import { restoredAction, type LeftOut } from './chain/verify-events.ts';
import type { Config } from './config/config.ts';
import { operator } from './control/actor.ts';
import { auditEvent } from './control/audit/audit-event.ts';
import { systemClock } from './kernel/clock.ts';
import { Fault } from './kernel/fault.ts';
import { defaultOrganizationId, newRequestId } from './kernel/id.ts';
import type { Log } from './kernel/log.ts';
import { rememberRestored } from './node/audit-keys.ts';
import { createClosers, type Closers } from './node/closers.ts';
import type { StateFolder } from './node/state-folder.ts';
import { createLedgerRestore } from './store/ledger/ledger-backup.ts';
import { openLedger } from './store/ledger/open-ledger.ts';
import type { LedgerStore } from './store/ledger/ledger-store.ts';
import { startEmbeddedRegistry } from './store/registry/embedded-registry.ts';
import { openRegistryRestore, RegistryRefusal } from './store/registry/restore-registry.ts';
import { openCallChain } from './telemetry/call-chain.ts';

export interface RestoreOptions {
  readonly file: BackupFile;
  readonly config: Config;
  readonly folder: StateFolder;
  /** Embedded stores that are there are moved aside. */
  readonly replace: boolean;
  /** What the check of its audit has found and was restored nevertheless; 0: it was whole. */
  readonly findings: number;
  readonly log: Log;
  readonly onProgress: (text: string) => void;
}

export interface Restored {
  readonly rows: { readonly registry: number; readonly ledger: number };
  /** Folders that were moved aside. */
  readonly movedAside: readonly string[];
}

const ledgerOpenMs = 180_000;
const lookMs = 50;

/** Faults: `restore_refused`, those of the stores; `BackupDamaged`. */
export async function assembleRestore(options: RestoreOptions): Promise<Restored> {
  const closers = createClosers(options.log);
  const places = claimPlaces(options);
  try {
    const rows = await restore(options, closers);
    return { rows, movedAside: places.movedAside };
  } catch (error) {
    await closers.closeAll();
    places.giveBack();
    if (!(error instanceof RegistryRefusal)) throw error;
    throw new Fault('restore_refused', {
      reason: error.message,
      fix: 'Give it an empty database, and the version of the gateway that made the backup, or a later one.',
    });
  } finally {
    await closers.closeAll();
  }
}

interface Places {
  readonly movedAside: readonly string[];
  /** As it was before. */
  giveBack(): void;
}

/** What the embedded stores of the backup take. Faults: `restore_refused` where something is there. */
function claimPlaces({ file, config, folder: { paths }, replace }: RestoreOptions): Places {
  const isLedgerOurs = file.manifest.ledger.scope !== 'none' && config.stores.clickhouseUrl === null;
  const taken = [...(config.stores.databaseUrl === null ? [paths.registry] : []), ...(isLedgerOurs ? [paths.ledger] : [])];
  const occupied = taken.filter((path) => existsSync(path));
  if (occupied.length > 0 && !replace)
    throw new Fault('restore_refused', {
      reason: `${occupied.join(' and ')} ${occupied.length === 1 ? 'is' : 'are'} there already`,
      fix: 'Name a new state folder with --state DIR, or move what is there aside with --replace.',
    });
  // Calls that this node writes into another ledger are another chain.
  const chains = isLedgerOurs && existsSync(paths.callChain) ? [paths.callChain] : [];
  const suffix = `.replaced-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
  const moved = [...occupied, ...chains];
  for (const path of moved) renameSync(path, `${path}${suffix}`);
  return {
    movedAside: moved.map((path) => `${path}${suffix}`),
    giveBack() {
      for (const path of taken) rmSync(path, { recursive: true, force: true });
      for (const path of moved) renameSync(`${path}${suffix}`, path);
    },
  };
}

async function restore({ file, config, folder, findings, log, onProgress }: RestoreOptions, closers: Closers): Promise<Restored['rows']> {
  const { manifest } = file;
  const withLedger = manifest.ledger.scope !== 'none';
  const isLedgerKept = !withLedger && config.stores.clickhouseUrl === null && existsSync(folder.paths.ledger);
  const stores = createClosers(log);
  closers.add('stores', () => stores.closeAll());
  // Nothing is written before both stores have said that they can take it.
  onProgress('opening the registry');
  const registry = await openRegistryRestore(await registryAddress({ config, folder, log }, stores), manifest.registry.migrations, log);
  stores.add('registry', () => registry.close());
  let isFresh = !isLedgerKept;
  let ledgerRows = 0;
  if (withLedger || config.stores.clickhouseUrl !== null) {
    onProgress('opening the ledger');
    const target = createLedgerRestore(await openRestored({ config, folder, log }, stores));
    const table = await target.occupied();
    if (table !== null && withLedger)
      throw new Fault('restore_refused', { reason: `the ledger is not empty: ${table} has rows`, fix: 'Name an empty database in CLICKHOUSE_URL.' });
    isFresh = table === null;
    if (withLedger) ledgerRows = await fillLedger(file, target, onProgress);
  }
  const registryRows = await fillRegistry(file, registry, onProgress);
  await stores.closeAll();

  const anchors = manifest.audit.heads.map(({ organization_id: id, sequence, hash }) => [id, { sequence, hash, at: manifest.made_at }] as const);
  rememberRestored(folder, manifest.audit.trusted_keys, Object.fromEntries(anchors));
  onProgress('recording the restore');
  await record({ file, config, folder, findings, leftOut: isFresh ? leftOutOf(file) : [], log }, closers);
  return { registry: registryRows, ledger: ledgerRows };
}

type Place = Pick<RestoreOptions, 'config' | 'folder' | 'log'>;

async function registryAddress({ config, folder: { paths }, log }: Place, closers: Closers) {
  if (config.stores.databaseUrl !== null) return { url: config.stores.databaseUrl };
  const engine = await startEmbeddedRegistry({ folder: paths.registry, socketPath: paths.registrySocket, log });
  closers.add('registry engine', () => engine.close());
  return engine.address;
}

async function openRestored({ config, folder: { paths }, log }: Place, closers: Closers): Promise<LedgerStore> {
  const { clickhouseUrl: url, clickhouseCluster: cluster } = config.stores;
  const ledger = openLedger({
    at: url === null ? { folder: paths.ledger, socketPath: paths.ledgerSocket } : { url, cluster },
    retentionDays: config.retention.tracesDays,
    metricsDays: config.retention.metricsDays,
    log,
  });
  closers.add('ledger', () => ledger.close());
  const lateAt = performance.now() + ledgerOpenMs;
  while (ledger.state() !== 'ready') {
    if (performance.now() > lateAt) throw new Fault('unavailable', { reason: `the ledger does not open: ${ledger.reason() ?? 'it gives no reason'}` });
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
  return ledger;
}

async function fillLedger(file: BackupFile, target: ReturnType<typeof createLedgerRestore>, onProgress: (text: string) => void): Promise<number> {
  const { columns } = file.manifest.ledger;
  let rows = 0;
  for await (const entries of entriesOf(file)) await target.entries(entries);
  const parts = file.parts('ledger/').filter(({ name }) => name.endsWith('.native'));
  for (const [index, part] of parts.entries()) {
    const table = part.name.split('/')[1] ?? '';
    await target.part(table, columns[table] ?? [], await file.read(part));
    rows += part.rows;
    onProgress(`ledger: ${index + 1} of ${parts.length} parts`);
  }
  return rows;
}

async function fillRegistry(file: BackupFile, registry: Awaited<ReturnType<typeof openRegistryRestore>>, onProgress: (text: string) => void): Promise<number> {
  const parts = file.parts('registry/');
  const names = [...new Set(parts.map(({ name }) => name.split('/')[1] ?? ''))];
  onProgress(`registry: ${names.length} tables`);
  await registry.fill(names.map((name) => ({ name, rows: () => file.lines(registryFolder(name)) })));
  return parts.reduce((sum, { rows }) => sum + rows, 0);
}

/** What checkpoints of the backup speak of and a fresh ledger does not have. */
function leftOutOf({ manifest: { ledger } }: BackupFile): readonly LeftOut[] {
  const days = ledger.scope === 'all' ? { from: ledger.from, to: ledger.to } : null;
  if (days !== null && days.from === null && days.to === null) return [];
  return (ledger.heads[defaultOrganizationId] ?? []).map(({ chain, entry, sequence }) => ({ chain, entry, sequence, days }));
}

/** The node that restores has a key of its own: its first word in the chain is where the records before it come from. */
async function record(
  {
    file,
    config,
    folder,
    findings,
    leftOut,
    log,
  }: Pick<RestoreOptions, 'file' | 'config' | 'folder' | 'findings' | 'log'> & { readonly leftOut: readonly LeftOut[] },
  closers: Closers,
): Promise<void> {
  const clock = systemClock;
  const { manifest, signer } = file;
  const calls = openCallChain({ path: folder.paths.callChain, node: folder.node, log });
  const { registry } = await assembleRegistry({ config, folder, clock, log, closers, served: () => config, calls, ledger: () => null });
  const context = { organizationId: defaultOrganizationId, clock, actor: operator, requestId: newRequestId(), peer: '' };
  const detail = {
    made_at: manifest.made_at,
    signed_by: signer.keyId,
    events: manifest.audit.heads.find(({ organization_id: id }) => id === defaultOrganizationId)?.sequence ?? 0,
    ledger: manifest.ledger.scope,
    findings,
    left_out: leftOut,
  };
  await registry.transaction(({ audit }) => audit.insert(auditEvent(context, restoredAction, manifest.node, detail)));
}

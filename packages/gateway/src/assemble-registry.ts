/** The registry of a node, and the desk that signs what is written there. */
import type { StoreOptions } from './assemble-stores.ts';
import type { Config } from './config/config.ts';
import { startAuditDesk, type CallPlaces, type RunningAuditDesk } from './control/audit/start-audit-desk.ts';
import { createAuditStreams, type AuditStreams } from './jobs/siem/audit-streams.ts';
import { defaultOrganizationId } from './kernel/id.ts';
import { openAuditKeys } from './node/audit-keys.ts';
import { packageVersion } from './node/package-version.ts';
import type { LedgerReader } from './store/ledger/ledger-reader.ts';
import { startEmbeddedRegistry } from './store/registry/embedded-registry.ts';
import { openRegistry, type RegistryOptions } from './store/registry/open-registry.ts';
import type { RegistryStore } from './store/registry/registry-store.ts';

export interface RegistryParts extends Pick<StoreOptions, 'config' | 'folder' | 'clock' | 'log' | 'closers'> {
  /** What serves now. */
  readonly served: () => Config;
  readonly calls: CallPlaces;
  /** Null until it is open. */
  readonly ledger: () => LedgerReader | null;
}

/** Faults: `state_broken`, `disk_full`, `permission_denied`, `unavailable`. */
export async function assembleRegistry(
  parts: RegistryParts,
): Promise<{ readonly registry: RegistryStore; readonly audit: RunningAuditDesk; readonly streams: AuditStreams }> {
  const { folder, served, calls, clock, log, closers } = parts;
  const keys = openAuditKeys(folder);
  const registry = await openRegistry({ ...(await addressOf(parts)), auditKey: keys.key, log: log.child({ part: 'registry' }) });
  closers.add('registry', () => registry.close());
  const audit = await startAuditDesk({
    registry,
    organizationId: defaultOrganizationId,
    node: folder.node,
    keys,
    trusted: () => served().audit.trustedKeys,
    calls,
    callDays: () => served().retention.tracesDays,
    clock,
    log: log.child({ part: 'audit' }),
  });
  closers.add('audit', () => audit.stop());
  const streams = createAuditStreams({
    registry,
    ledger: parts.ledger,
    organizationId: defaultOrganizationId,
    node: folder.node,
    version: packageVersion(),
    clock,
    log: log.child({ part: 'audit' }),
  });
  closers.add('audit streams', () => streams.stop());
  return { registry, audit, streams };
}

async function addressOf({ config, folder, log, closers }: RegistryParts): Promise<Pick<RegistryOptions, 'address' | 'connectionsMax'>> {
  const { databaseUrl, databaseConnectionsMax } = config.stores;
  if (databaseUrl !== null) return { address: { url: databaseUrl }, connectionsMax: databaseConnectionsMax };
  const engine = await startEmbeddedRegistry({ folder: folder.paths.registry, socketPath: folder.paths.registrySocket, log: log.child({ part: 'registry' }) });
  closers.add('registry engine', () => engine.close());
  return { address: engine.address, connectionsMax: 1 };
}

/** The rules of access of a node: those of the registry, looked at for what other nodes change. Part of `assemble.ts`. */
import { defaultOrganizationId } from './kernel/id.ts';
import type { Log } from './kernel/log.ts';
import type { Closers } from './node/closers.ts';
import { openServedAccess, type ServedAccess } from './node/served-access.ts';
import type { RegistryStore } from './store/registry/registry-store.ts';

export interface AccessParts {
  readonly registry: Pick<RegistryStore, 'access'>;
  /** Resolves when every worker goes by another snapshot. */
  readonly serveAnew: () => Promise<void>;
  readonly log: Log;
  readonly closers: Closers;
}

/** How soon a node goes by what another has changed. */
const lookMs = 500;

/** Faults: those of the registry. */
export async function assembleAccess({ registry, serveAnew, log, closers }: AccessParts): Promise<ServedAccess> {
  const access = await openServedAccess({
    revision: () => registry.access.revision(defaultOrganizationId),
    read: async () => ({
      policies: (await registry.access.policies(defaultOrganizationId)).map(({ data }) => data),
      switches: await registry.access.switches(defaultOrganizationId),
    }),
    apply: serveAnew,
    log: log.child({ part: 'access' }),
    everyMs: lookMs,
  });
  closers.add('access', async () => access.close());
  return access;
}

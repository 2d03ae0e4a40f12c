import { bounds } from '../../kernel/bounds.ts';
import type { BackupRun } from '../../store/registry/registry-store.ts';
import type { ControlContext } from '../context.ts';

export interface BackupsPage {
  /** Newest first. */
  readonly runs: readonly BackupRun[];
  /** The number before which the next page begins, or null. */
  readonly before: number | null;
}

/** The backups that nodes took by themselves. Faults: `unavailable`. */
export async function listBackups(
  { registry, organizationId }: Pick<ControlContext, 'registry' | 'organizationId'>,
  page: { readonly before: number | null; readonly limit: number },
): Promise<BackupsPage> {
  const limit = Math.min(page.limit, bounds.backupsListMax);
  const rows = await registry.backupRuns.list(organizationId, { before: page.before, limit: limit + 1 });
  const runs = rows.slice(0, limit);
  return { runs, before: rows.length > limit ? (runs.at(-1)?.number ?? null) : null };
}

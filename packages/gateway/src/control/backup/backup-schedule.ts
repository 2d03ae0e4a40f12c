import type { BackupRun } from '../../store/registry/registry-store.ts';

/** The backups that nodes take by themselves, as this node sees them. */
export interface BackupScheduleDesk {
  /** Null where the configuration wants none. */
  status(): BackupScheduleStatus | null;
}

export interface BackupScheduleStatus {
  /** `starting`: nothing is known yet; `failing`: the last one failed, is late, or holds an audit that is not whole. */
  readonly state: 'starting' | 'ok' | 'failing';
  /** Why it is failing, for an administrator's eyes. */
  readonly reason: string | null;
  /** The last one that is whole. */
  readonly done: BackupRun | null;
  /** When the next one begins, or should have begun. */
  readonly nextAtMs: number;
}

/**
 * backups: those that nodes take by themselves, as `backup` of gateway.yaml says. Promises: of several nodes on one registry one takes each;
 * a file under its last name was read again and checked; where none is wanted nothing is asked of anybody.
 */
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupConfig } from '../../config/config.ts';
import { auditEvent } from '../../control/audit/audit-event.ts';
import type { BackupScheduleDesk, BackupScheduleStatus } from '../../control/backup/backup-schedule.ts';
import { takeBackup } from '../../control/backup/take-backup.ts';
import type { ControlContext } from '../../control/context.ts';
import type { HealthProbe } from '../../control/health/read-health.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { durationText } from '../../kernel/duration-text.ts';
import { Fault } from '../../kernel/fault.ts';
import { newBackupId } from '../../kernel/id.ts';
import { backupFileName, removeOldBackups, removeParts, writeBackupFile } from './backup-files.ts';
import { checkBackup } from './check-backup.ts';

export interface ScheduledBackups extends BackupScheduleDesk {
  /** Takes a backup where one is due and no other node takes it, and removes old ones. One at a time; a second look meanwhile does nothing. */
  look(): Promise<void>;
  probes(): readonly HealthProbe[];
  /** Ends one that is under way; it is then due as before. */
  stop(): Promise<void>;
}

export interface ScheduleOptions {
  /** That of the configuration that serves now. */
  readonly plan: () => BackupConfig | null;
  readonly clock: Clock;
  /** A new one each time, of the gateway itself. */
  readonly context: () => ControlContext;
}

export function createScheduledBackups({ plan: served, clock, context }: ScheduleOptions): ScheduledBackups {
  const stopping = new AbortController();
  let underWay: Promise<void> | null = null;
  let known: Awaited<ReturnType<ControlContext['registry']['backupRuns']['newest']>> | null = null;
  let removedAtMs = Number.NEGATIVE_INFINITY;
  let sinceMs: number | null = null;

  async function lookOnce(): Promise<void> {
    const plan = served();
    if (plan === null) {
      [known, sinceMs] = [null, null];
      return;
    }
    const now = context();
    const { registry, organizationId, ledger } = now;
    sinceMs ??= clock.nowMs();
    known = await registry.backupRuns.newest(organizationId);
    await removeOld(now, plan);
    const isDue = nextAtMs(plan, known.done?.startedAtMs ?? null, clock.nowMs()) <= clock.nowMs();
    if (!isDue || (plan.ledger !== 'none' && ledger() === null)) return;
    await take(now, plan);
    known = await registry.backupRuns.newest(organizationId);
  }

  async function removeOld({ registry, organizationId, log }: ControlContext, { folder, keepMs }: BackupConfig): Promise<void> {
    const nowMs = clock.nowMs();
    if (nowMs - removedAtMs < bounds.backupRetryMs) return;
    removedAtMs = nowMs;
    await registry.transaction(({ backupRuns }) => backupRuns.deleteBefore(organizationId, nowMs - keepMs));
    try {
      const removed = await removeOldBackups(folder, nowMs - keepMs);
      if (removed > 0) log.info('backup.removed', { files: removed, folder, older_than: durationText(keepMs) });
    } catch (error) {
      log.warn('backup.not_removed', { folder, error });
    }
  }

  async function take(now: ControlContext, plan: BackupConfig): Promise<void> {
    const { registry, organizationId, log, audit } = now;
    const startedAtMs = clock.nowMs();
    const id = newBackupId();
    const path = join(plan.folder, backupFileName(id, startedAtMs));
    const run = { id, organizationId, node: audit.node, ledger: plan.ledger, path, startedAtMs };
    const when = { holdMs: bounds.backupHoldMs, doneSinceMs: periodOf(plan, startedAtMs), failedSinceMs: startedAtMs - bounds.backupRetryMs };
    if (!(await registry.transaction(({ backupRuns }) => backupRuns.begin(run, when)))) return;
    log.info('backup.begun', { backup: id, file: path });
    const holding = setInterval(() => {
      registry
        .transaction(({ backupRuns }) => backupRuns.hold(id, bounds.backupHoldMs))
        .catch((error: unknown) => log.warn('backup.hold_failed', { backup: id, error }));
    }, bounds.backupHoldMs / 4);
    const part = `${path}.part`;
    try {
      await removeParts(plan.folder);
      await writeBackupFile(part, plan.folder, await takeBackup(now, { ledger: plan.ledger, from: null, to: null }), stopping.signal);
      // Of a restored gateway, and of several nodes, the audit is signed by others too.
      const { auditOk } = await checkBackup(part, audit.trustedKeys(), stopping.signal);
      await rename(part, path);
      const { size: bytes } = await stat(path);
      await registry.transaction(({ backupRuns }) => backupRuns.end(id, { outcome: 'done', endedAtMs: clock.nowMs(), reason: null, bytes, auditOk }));
      log.info('backup.done', { backup: id, file: path, bytes, audit_ok: auditOk });
    } catch (error) {
      await rm(part, { force: true }).catch(() => undefined);
      if (stopping.signal.aborted) await registry.transaction(({ backupRuns }) => backupRuns.delete(id));
      else await noteFailure(now, plan, id, error);
    } finally {
      clearInterval(holding);
    }
  }

  async function noteFailure(now: ControlContext, { folder }: BackupConfig, id: string, error: unknown): Promise<void> {
    const reason = reasonOf(error, folder);
    now.log.error('backup.failed', { backup: id, reason, error });
    const end = { outcome: 'failed', endedAtMs: clock.nowMs(), reason, bytes: null, auditOk: null } as const;
    await now.registry.transaction(async ({ backupRuns, audit }) => {
      await backupRuns.end(id, end);
      await audit.insert(auditEvent(now, 'backup.failed', id, { reason }, 'failed'));
    });
  }

  function status(): BackupScheduleStatus | null {
    const plan = served();
    if (plan === null) return null;
    const done = known?.done ?? null;
    const at = nextAtMs(plan, done?.startedAtMs ?? null, clock.nowMs());
    const reason = known === null ? null : failing(plan, known, clock.nowMs());
    return { state: known === null ? 'starting' : reason === null ? 'ok' : 'failing', reason, done, nextAtMs: at };
  }

  function failing({ everyMs }: BackupConfig, { done, ended }: NonNullable<typeof known>, nowMs: number): string | null {
    if (ended?.state === 'failed')
      return `the backup of ${timeOf(ended.startedAtMs)} by ${ended.node} failed: ${ended.reason ?? ''}; it is tried again every ${durationText(bounds.backupRetryMs)}`;
    const last = done?.startedAtMs ?? null;
    if (nowMs - (last ?? sinceMs ?? nowMs) > everyMs + bounds.backupLateMs)
      return last === null ? 'none has been made yet' : `the last one is of ${timeOf(last)}`;
    if (done?.auditOk === false) return `the audit in the backup of ${timeOf(done.startedAtMs)} is not whole: see gateway audit verify`;
    return null;
  }

  return {
    async look() {
      if (underWay !== null || stopping.signal.aborted) return;
      underWay = lookOnce().finally(() => (underWay = null));
      await underWay;
    },
    status,
    probes: () => (served() === null ? [] : [{ name: 'backup', required: false, check: () => healthOf(status()) }]),
    async stop() {
      stopping.abort();
      await underWay?.catch(() => undefined);
    },
  };
}

function healthOf(status: BackupScheduleStatus | null): ReturnType<HealthProbe['check']> {
  if (status?.state === 'failing') return { state: 'degraded', reason: status.reason };
  const done = status?.done ?? null;
  return { state: 'ok', reason: null, note: done === null ? 'none has been made yet' : `the last one is of ${timeOf(done.startedAtMs)}` };
}

/** Periods are those of UTC, on all nodes the same, so that backups do not wander through the day. */
function periodOf({ everyMs }: BackupConfig, atMs: number): number {
  return Math.floor(atMs / everyMs) * everyMs;
}

function nextAtMs(plan: BackupConfig, lastMs: number | null, nowMs: number): number {
  return lastMs === null ? nowMs : periodOf(plan, lastMs) + plan.everyMs;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** For an administrator's eyes; the log has all of it. */
function reasonOf(error: unknown, folder: string): string {
  if (error instanceof Fault) return error.message;
  if (error instanceof Error && 'code' in error && 'syscall' in error) return `${folder} cannot be written to (${String(error.code)})`;
  return error instanceof Error ? error.message : String(error);
}

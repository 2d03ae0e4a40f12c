/** Backups that nodes take by themselves. Holds go by the database's own clock: nodes' clocks may differ. */
import { sql, type Kysely, type Selectable } from 'kysely';
import type { OrganizationId } from '../../kernel/id.ts';
import type { BackupRun, BackupRunReads, BackupRunWrites } from './registry-store.ts';
import type { BackupRunsTable, Tables } from './tables.ts';

const nodeEnded = 'the node that took it ended before it was whole';

export function createBackupRunReads(database: Kysely<Tables>): BackupRunReads {
  return {
    async list(organizationId, { before, limit }) {
      let query = runsOf(database, organizationId);
      if (before !== null) query = query.where('number', '<', String(before));
      const rows = await query
        .orderBy('number', 'desc')
        .limit(limit)
        .modifyEnd(sql`/* backup-runs/list */`)
        .execute();
      return rows.map(runOf);
    },
    async newest(organizationId) {
      const ended = runsOf(database, organizationId).where((is) => is.or([is('outcome', 'is not', null), is('held_until', '<', sql<Date>`now()`)]));
      const done = runsOf(database, organizationId).where('outcome', '=', 'done');
      const [lastEnded, lastDone] = [
        await ended
          .orderBy('number', 'desc')
          .limit(1)
          .modifyEnd(sql`/* backup-runs/ended */`)
          .executeTakeFirst(),
        await done
          .orderBy('number', 'desc')
          .limit(1)
          .modifyEnd(sql`/* backup-runs/done */`)
          .executeTakeFirst(),
      ];
      return { ended: lastEnded ? runOf(lastEnded) : null, done: lastDone ? runOf(lastDone) : null };
    },
  };
}

export function createBackupRunWrites(transaction: Kysely<Tables>): BackupRunWrites {
  return {
    async begin({ id, organizationId, node, ledger, path, startedAtMs }, { holdMs, doneSinceMs, failedSinceMs }) {
      // One after the other: each sees what the one before has begun.
      await transaction
        .selectFrom('organizations')
        .select('id')
        .where('id', '=', organizationId)
        .forNoKeyUpdate()
        .modifyEnd(sql`/* backup-runs/lock */`)
        .execute();
      const inTheWay = await transaction
        .selectFrom('backup_runs')
        .select('id')
        .where('organization_id', '=', organizationId)
        .where((is) =>
          is.or([
            is.and([is('outcome', 'is', null), is('held_until', '>=', sql<Date>`now()`)]),
            is.and([is('outcome', '=', 'done'), is('started_at', '>=', new Date(doneSinceMs))]),
            is.and([is('outcome', '=', 'failed'), is('ended_at', '>=', new Date(failedSinceMs))]),
          ]),
        )
        .limit(1)
        .modifyEnd(sql`/* backup-runs/in-the-way */`)
        .executeTakeFirst();
      if (inTheWay !== undefined) return false;
      await transaction
        .updateTable('backup_runs')
        .set({ outcome: 'failed', reason: nodeEnded, ended_at: new Date(startedAtMs) })
        .where('organization_id', '=', organizationId)
        .where('outcome', 'is', null)
        .modifyEnd(sql`/* backup-runs/give-up */`)
        .execute();
      await transaction
        .insertInto('backup_runs')
        .values({
          id,
          organization_id: organizationId,
          node,
          ledger,
          path,
          started_at: new Date(startedAtMs),
          held_until: after(holdMs),
        })
        .modifyEnd(sql`/* backup-runs/begin */`)
        .execute();
      return true;
    },
    async hold(id, holdMs) {
      await transaction
        .updateTable('backup_runs')
        .set({ held_until: after(holdMs) })
        .where('id', '=', id)
        .where('outcome', 'is', null)
        .modifyEnd(sql`/* backup-runs/hold */`)
        .execute();
    },
    async end(id, { outcome, endedAtMs, reason, bytes, auditOk }) {
      await transaction
        .updateTable('backup_runs')
        .set({ outcome, ended_at: new Date(endedAtMs), reason, bytes: bytes === null ? null : String(bytes), audit_ok: auditOk })
        .where('id', '=', id)
        .modifyEnd(sql`/* backup-runs/end */`)
        .execute();
    },
    async delete(id) {
      await transaction
        .deleteFrom('backup_runs')
        .where('id', '=', id)
        .modifyEnd(sql`/* backup-runs/delete */`)
        .execute();
    },
    async deleteBefore(organizationId, startedMs) {
      await transaction
        .deleteFrom('backup_runs')
        .where('organization_id', '=', organizationId)
        .where('started_at', '<', new Date(startedMs))
        .where('outcome', 'is not', null)
        .where('number', '<', sql<string>`(select coalesce(max(number), 0) from backup_runs where organization_id = ${organizationId} and outcome = 'done')`)
        .modifyEnd(sql`/* backup-runs/delete-before */`)
        .execute();
    },
  };
}

function runsOf(database: Kysely<Tables>, organizationId: OrganizationId) {
  return database
    .selectFrom('backup_runs')
    .selectAll()
    .select(sql<boolean>`held_until >= now()`.as('is_held'))
    .where('organization_id', '=', organizationId);
}

function after(ms: number) {
  return sql<Date>`now() + ${ms} * interval '1 millisecond'`;
}

function runOf(row: Selectable<BackupRunsTable> & { readonly is_held: boolean }): BackupRun {
  const isGone = row.outcome === null && !row.is_held;
  return {
    number: Number(row.number),
    id: row.id,
    organizationId: row.organization_id as OrganizationId,
    node: row.node,
    ledger: row.ledger,
    path: row.path,
    startedAtMs: row.started_at.getTime(),
    endedAtMs: (isGone ? row.held_until : row.ended_at)?.getTime() ?? null,
    state: isGone ? 'failed' : row.outcome === null ? 'running' : row.outcome === 'done' ? 'done' : 'failed',
    reason: isGone ? nodeEnded : row.reason,
    bytes: row.bytes === null ? null : Number(row.bytes),
    auditOk: row.audit_ok,
  };
}

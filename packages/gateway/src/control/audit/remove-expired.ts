import { openCheckpoint, trustedKeys } from '../../chain/checkpoint.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { ControlContext } from '../context.ts';
import { auditEvent } from './audit-event.ts';
import { verifyAudit } from './verify-audit.ts';

const dayMs = 86_400_000;

/**
 * Removes the events whose retention is over: all up to the last checkpoint that is older than it, which is kept and says where the chain
 * begins from then on. Nothing is removed of a chain that is not whole: what was changed stays to be found. Returns the number of
 * places that are gone, 0 where there was nothing to remove. Faults: `unavailable`.
 */
export async function removeExpired(context: ControlContext, retentionDays: number): Promise<number> {
  const { registry, organizationId, audit: desk, clock, log } = context;
  const before = await registry.audit.lastCheckpointBefore(organizationId, clock.nowMs() - retentionDays * dayMs);
  const removed = (await registry.audit.lastRemoval(organizationId))?.throughSequence ?? 0;
  if (before === null || before.sequence <= removed) return removeRest(context, removed);
  const verdict = openCheckpoint(before, trustedKeys(desk.trustedKeys(), await registry.audit.keys()));
  if (!verdict.ok || verdict.body.events.sequence !== before.sequence || !(await verifyAudit(context, 'none')).ok) {
    log.error('audit.not_removed', { through: before.sequence, reason: 'the chain is not whole: see gateway audit verify' });
    return 0;
  }
  const { sequence, hash } = verdict.body.events;
  await registry.transaction(async ({ audit }) => {
    await audit.insertRemoval({ organizationId, throughSequence: sequence, throughHash: hash, checkpointId: before.id, removedAtMs: clock.nowMs() });
    await audit.insert(auditEvent(context, 'audit.expired', before.id, { through: sequence, hash, retention_days: retentionDays }));
  });
  log.info('audit.expired', { through: sequence });
  return removeRest(context, sequence);
}

/** Deletes what a removal speaks of, a few at a time; a process that is killed in between goes on here. */
async function removeRest({ registry, organizationId }: ControlContext, through: number): Promise<number> {
  let gone = 0;
  for (let more = through > 0; more;) {
    const count = await registry.transaction(({ audit }) => audit.deleteThrough(organizationId, through, bounds.auditPageRecords));
    gone += count;
    more = count === bounds.auditPageRecords;
  }
  return gone;
}

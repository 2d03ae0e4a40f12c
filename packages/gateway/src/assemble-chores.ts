/** What the control plane of a node does again and again in its own time. */
import { removeExpired } from './control/audit/remove-expired.ts';
import { thinCheckpoints } from './control/audit/thin-checkpoints.ts';
import type { ControlContext } from './control/context.ts';
import { removeExpiredKeys } from './control/idempotency/remove-expired-keys.ts';
import { finishErasures } from './control/privacy/erase-person.ts';
import { removeUsedAssertions } from './control/sign-in/remove-used-assertions.ts';
import type { ScheduledBackups } from './jobs/backups/scheduled-backups.ts';
import { bounds } from './kernel/bounds.ts';
import type { OrganizationId } from './kernel/id.ts';
import type { Closers } from './node/closers.ts';

/** `context`: a new one each time, of the gateway itself for an organization; absent: for its own. */
export function startChores(
  context: (organizationId?: OrganizationId) => ControlContext,
  auditDays: () => number,
  backups: ScheduledBackups,
  closers: Closers,
): void {
  const each = (name: string, everyMs: number, chore: () => Promise<unknown>): void => {
    const run = (): void => {
      chore().catch((error: unknown) => context().log.warn('chore_failed', { chore: name, error }));
    };
    const timer = setInterval(run, everyMs);
    closers.add(`chore ${name}`, () => clearInterval(timer));
    run();
  };
  /** One after the other; also for those that have been deleted, whose audit is kept. What fails for one is done for the others. */
  const forAll = (name: string, everyMs: number, chore: (context: ControlContext) => Promise<unknown>): void =>
    each(name, everyMs, async () => {
      for (const organizationId of await context().registry.organizations.ids()) {
        const now = context(organizationId);
        await chore(now).catch((error: unknown) => now.log.warn('chore_failed', { chore: name, organization_id: organizationId, error }));
      }
    });
  forAll('audit retention', bounds.auditRetentionMs, (now) => removeExpired(now, auditDays()));
  forAll('checkpoints', bounds.auditRetentionMs, thinCheckpoints);
  forAll('erasures', bounds.erasureLookMs, finishErasures);
  forAll('idempotency keys', bounds.idempotencySweepMs, removeExpiredKeys);
  forAll('used assertions', bounds.usedAssertionSweepMs, removeUsedAssertions);
  each('backups', bounds.backupLookMs, () => backups.look());
}

/** What the control plane of a node does again and again in its own time. */
import { removeExpired } from './control/audit/remove-expired.ts';
import { thinCheckpoints } from './control/audit/thin-checkpoints.ts';
import type { ControlContext } from './control/context.ts';
import { removeExpiredKeys } from './control/idempotency/remove-expired-keys.ts';
import { finishErasures } from './control/privacy/erase-person.ts';
import type { ScheduledBackups } from './jobs/backups/scheduled-backups.ts';
import { bounds } from './kernel/bounds.ts';
import type { Closers } from './node/closers.ts';

/** `context`: a new one each time, of the gateway itself. */
export function startChores(context: () => ControlContext, auditDays: () => number, backups: ScheduledBackups, closers: Closers): void {
  const each = (name: string, everyMs: number, chore: (context: ControlContext) => Promise<unknown>): void => {
    const run = (): void => {
      const now = context();
      chore(now).catch((error: unknown) => now.log.warn('chore_failed', { chore: name, error }));
    };
    const timer = setInterval(run, everyMs);
    closers.add(`chore ${name}`, () => clearInterval(timer));
    run();
  };
  each('audit retention', bounds.auditRetentionMs, (now) => removeExpired(now, auditDays()));
  each('checkpoints', bounds.auditRetentionMs, thinCheckpoints);
  each('erasures', bounds.erasureLookMs, finishErasures);
  each('idempotency keys', bounds.idempotencySweepMs, removeExpiredKeys);
  each('backups', bounds.backupLookMs, () => backups.look());
}

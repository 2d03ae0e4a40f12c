import { bounds } from '../../kernel/bounds.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';

/** Who acts in an organization that is not their own, as events of its audit. */
export interface EntryNotes {
  /**
   * Resolves when the audit of the context's organization says that its actor was in it: of one actor once in `organizationEnteredMs`, however much it
   * reads there. Faults: `unavailable`, so that nothing is read that nobody would hear of.
   */
  note(context: ControlContext): Promise<void>;
}

/** One a process. */
export function createEntryNotes(): EntryNotes {
  const noted = new Map<string, { readonly atMs: number; readonly written: Promise<void> }>();
  return {
    async note(context) {
      const { actor, organizationId, clock } = context;
      const name = `${actor.kind} ${actor.id} ${organizationId}`;
      const nowMs = clock.monotonicMs();
      const last = noted.get(name);
      if (last !== undefined && nowMs - last.atMs < bounds.organizationEnteredMs) return last.written;
      noted.delete(name);
      // Whoever is forgotten for want of room is written down anew: rather twice than not at all.
      for (const oldest of noted.size < bounds.organizationsEnteredMax ? [] : noted.keys().take(1)) noted.delete(oldest);
      const written = write(context);
      noted.set(name, { atMs: nowMs, written });
      try {
        await written;
      } catch (error) {
        if (noted.get(name)?.written === written) noted.delete(name);
        throw error;
      }
    },
  };
}

async function write(context: ControlContext): Promise<void> {
  await context.registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'organization.entered', context.organizationId, {})));
}

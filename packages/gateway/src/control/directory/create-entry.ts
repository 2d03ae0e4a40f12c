import { bounds } from '../../kernel/bounds.ts';
import { nouns, type NounKind } from '../../kernel/directory.ts';
import { newEntryId } from '../../kernel/id.ts';
import type { ControlContext } from '../context.ts';
import { alreadyExists, auditEntry, changedEntry, invalid, requirePlace, type EntryChange, type EntryPut } from './entry-change.ts';

export interface CreateEntryInput {
  readonly kind: NounKind;
  /** As keys carry it already, or shall; null: one is made. */
  readonly id: string | null;
  readonly change: EntryChange & { readonly name: string };
  readonly dryRun: boolean;
}

/**
 * Puts something into the directory. Keys that name its id are its own from now on, on every node within a second. Faults: `invalid_params`,
 * `already_exists`, `unavailable`.
 */
export async function createEntry(context: ControlContext, { kind, id, change, dryRun }: CreateEntryInput): Promise<EntryPut> {
  const { organizationId, registry, clock, actor } = context;
  const nowMs = clock.nowMs();
  const made = { createdAtMs: nowMs, createdBy: actor.id, changedAtMs: nowMs, changedBy: actor.id };
  const entry = changedEntry(
    { kind, id: id ?? newEntryId(nouns[kind].idPrefix), name: '', handle: null, attributes: {}, links: {}, version: 1, ...made },
    change,
  );
  await registry.transaction(async (writes) => {
    const { access, directory } = writes;
    if (!dryRun) await access.lock(organizationId);
    if (await directory.hold(organizationId, entry)) throw alreadyExists(kind, entry.id, entry.id);
    await requirePlace(context, writes, entry);
    if ((await directory.count(organizationId, kind)) >= bounds.directoryEntriesMax)
      throw invalid(`there are ${bounds.directoryEntriesMax} ${nouns[kind].title}s already`);
    if (dryRun) return;
    await directory.insert(organizationId, entry);
    await access.touchKeysOf(organizationId, [entry]);
    await auditEntry(context, writes, 'created', entry);
  });
  if (dryRun) return { outcome: 'planned', entry };
  context.log.info('directory.created', { kind, id: kind === 'user' ? '' : entry.id, actor: actor.id });
  await context.access.refresh();
  return { outcome: 'created', entry };
}

import { bounds } from '../../kernel/bounds.ts';
import { firstRoleId, nouns, ownerKinds, type NounKind, type Reference } from '../../kernel/directory.ts';
import { newEntryId } from '../../kernel/id.ts';
import type { ControlContext } from '../context.ts';
import { requireHeld, requireRole } from '../roles/require-roles.ts';
import { alreadyExists, auditEntry, changedEntry, invalid, requirePlace, type EntryChange, type EntryPut } from './entry-change.ts';

export interface CreateEntryInput {
  readonly kind: NounKind;
  /** As keys carry it already, or shall; null: one is made. */
  readonly id: string | null;
  readonly change: EntryChange & { readonly name: string };
  readonly dryRun: boolean;
}

const firstRole: Reference = { kind: 'role', id: firstRoleId };

/**
 * Puts something into the directory. Keys that name its id are its own from now on, on every node within a second. Faults: `invalid_params`,
 * `already_exists`, `forbidden` where it would be given more than its maker holds, `unavailable`.
 */
export async function createEntry(context: ControlContext, { kind, id, change, dryRun }: CreateEntryInput): Promise<EntryPut> {
  const { organizationId, registry, clock, actor } = context;
  const nowMs = clock.nowMs();
  const made = { createdAtMs: nowMs, createdBy: actor.id, changedAtMs: nowMs, changedBy: actor.id };
  const entry = changedEntry(
    { kind, id: id ?? newEntryId(nouns[kind].idPrefix), name: '', handle: null, attributes: {}, names: {}, links: {}, version: 1, ...made },
    ownerKinds.includes(kind) && change.links['role_ids'] === undefined ? { ...change, links: { ...change.links, role_ids: [firstRole] } } : change,
  );
  if (kind === 'role') requireRole(context, entry);
  await requireHeld(context, entry.links['role_ids'] ?? []);
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

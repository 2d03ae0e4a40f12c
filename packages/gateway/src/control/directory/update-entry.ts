import { isDeepStrictEqual } from 'node:util';
import type { Reference } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import type { ControlContext } from '../context.ts';
import { requireHeld, requireRole } from '../roles/require-roles.ts';
import { unknownObject } from '../unknown-object.ts';
import { auditEntry, changedEntry, requirePlace, type EntryChange, type EntryPut } from './entry-change.ts';

export interface UpdateEntryInput {
  readonly reference: Reference;
  readonly change: EntryChange;
  /** The version that the caller has seen. */
  readonly expected: number;
  readonly dryRun: boolean;
}

/**
 * Changes something in the directory. What keys inherit by it holds on this node when this returns, on every other within a second. Faults:
 * `unknown_object`, `invalid_params`, `already_exists`, `forbidden` where it has, or would get, more than the actor holds, `precondition_failed`, `unavailable`.
 */
export async function updateEntry(context: ControlContext, { reference, change, expected, dryRun }: UpdateEntryInput): Promise<EntryPut> {
  const { organizationId, registry, clock, actor } = context;
  const { kind, id } = reference;
  await requireMayChange(context, reference, change);
  const result = await registry.transaction(async (writes): Promise<EntryPut> => {
    const { access, directory } = writes;
    if (!dryRun) await access.lock(organizationId);
    const before = await directory.findForUpdate(organizationId, reference);
    if (before === null) throw unknownObject(kind, id);
    const { version } = before;
    if (version !== expected) throw new Fault('precondition_failed', { version }, { extra: { version } });
    const same = changedEntry(before, change);
    if (isDeepStrictEqual(same, before)) return { outcome: 'unchanged', entry: before };
    const entry = { ...same, version: version + 1, changedAtMs: clock.nowMs(), changedBy: actor.id };
    await requirePlace(context, writes, entry);
    if (dryRun) return { outcome: 'planned', entry };
    await directory.update(organizationId, entry);
    if (!isDeepStrictEqual([entry.links, entry.names], [before.links, before.names])) await access.touchKeysOf(organizationId, [entry]);
    await auditEntry(context, writes, 'changed', entry);
    return { outcome: 'changed', entry };
  });
  if (result.outcome === 'changed') {
    context.log.info('directory.changed', { kind, id: kind === 'user' ? '' : id, version: result.entry.version, actor: actor.id });
    await context.access.refresh();
  }
  return result;
}

/** What is read here may have changed when it is written; the version says so. */
async function requireMayChange(context: ControlContext, reference: Reference, change: EntryChange): Promise<void> {
  const known = await context.registry.directory.find(context.organizationId, reference);
  if (known === null) throw unknownObject(reference.kind, reference.id);
  const after = changedEntry(known, change);
  if (reference.kind === 'role') requireRole(context, after);
  await requireHeld(context, [...(known.links['role_ids'] ?? []), ...(after.links['role_ids'] ?? [])]);
}

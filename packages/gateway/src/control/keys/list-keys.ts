import { bounds } from '../../kernel/bounds.ts';
import type { Reference } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import type { KeyPlace } from '../../store/registry/registry-store.ts';
import type { ControlContext } from '../context.ts';
import { statusOf, type KeyStatus, type KeyWithUsage } from './get-key.ts';
import { readKeyUsage } from './read-key-usage.ts';

export interface KeyPage {
  readonly keys: readonly KeyWithUsage[];
  /** Where the next page begins, null at the end. */
  readonly cursor: string | null;
}

export interface ListKeysInput {
  readonly cursor: string | null;
  readonly limit: number;
  /** Only those that name all of these. */
  readonly named?: readonly Reference[];
  /** Somewhere in the name, in any letter case, or the whole prefix. */
  readonly text?: string | undefined;
  readonly status?: KeyStatus | undefined;
  readonly oldestFirst?: boolean;
  /** Only those that were made before that time and not used since. */
  readonly unusedSinceMs?: number | undefined;
}

/**
 * Keys, newest first or oldest, `limit` (1 to `keysListMax`) a page; of those that are unused a page may hold fewer, or none, though there are more.
 * Faults: `invalid_params` for a cursor that is not ours, `unavailable`.
 */
export async function listKeys(
  context: ControlContext,
  { cursor, limit, named, text, status, oldestFirst = false, unusedSinceMs }: ListKeysInput,
): Promise<KeyPage> {
  const nowMs = context.clock.nowMs();
  const size = Math.min(limit, bounds.keysListMax);
  const found = await context.registry.keys.list(context.organizationId, {
    after: cursor === null ? null : placeOf(cursor),
    limit: size + 1,
    ...(named === undefined ? {} : { named }),
    ...(text === undefined ? {} : { text }),
    ...(status === undefined ? {} : { status: { is: status, atMs: nowMs } }),
    oldestFirst,
  });
  const keys = found.slice(0, size);
  const usage = await readKeyUsage(
    context,
    keys.map(({ id }) => id),
  );
  const last = keys.at(-1);
  const listed = keys.map((key) => ({ key, status: statusOf(key, nowMs), usage: usage(key.id) }));
  return {
    keys: unusedSinceMs === undefined ? listed : listed.filter((one) => isUnused(one, unusedSinceMs)),
    cursor: found.length > size && last ? cursorOf(last) : null,
  };
}

/** Faults: `unavailable` where the ledger cannot say: a key that is used would be taken for one that is not. */
function isUnused({ key, usage }: KeyWithUsage, sinceMs: number): boolean {
  if (usage === null) throw new Fault('unavailable', { reason: 'the ledger does not say what keys were used for' });
  return key.createdAtMs < sinceMs && (usage.lastUsedMs ?? 0) < sinceMs;
}

function cursorOf({ createdAtMs, id }: KeyPlace): string {
  return Buffer.from(`${createdAtMs} ${id}`).toString('base64url');
}

function placeOf(cursor: string): KeyPlace {
  const match = /^(\d{1,15}) (key_[0-9A-Za-z]{1,64})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!match?.[1] || !match[2]) throw new Fault('invalid_params', { reason: 'the cursor is not one that this list gave' });
  return { createdAtMs: Number(match[1]), id: match[2] };
}

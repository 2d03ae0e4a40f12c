import type { KeyRecord } from '../../store/registry/registry-store.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { readKeyUsage, type KeyUsage } from './read-key-usage.ts';

export type KeyStatus = 'active' | 'expired' | 'revoked';

export interface KeyWithUsage {
  readonly key: KeyRecord;
  readonly status: KeyStatus;
  /** Null while the ledger cannot say. */
  readonly usage: KeyUsage | null;
}

/** One key with what it has been used for, as far as the ledger says it within `usageWaitMs`. Faults: `unknown_object`, `unavailable`. */
export async function getKey(context: ControlContext, id: string, usageWaitMs?: number): Promise<KeyWithUsage> {
  const key = await context.registry.keys.find(context.organizationId, id);
  if (key === null) throw unknownObject('key', id);
  const usage = await readKeyUsage(context, [key.id], usageWaitMs);
  return { key, status: statusOf(key, context.clock.nowMs()), usage: usage(key.id) };
}

export function statusOf(key: KeyRecord, nowMs: number): KeyStatus {
  if (key.revokedAtMs !== null) return 'revoked';
  return key.expiresAtMs !== null && key.expiresAtMs <= nowMs ? 'expired' : 'active';
}

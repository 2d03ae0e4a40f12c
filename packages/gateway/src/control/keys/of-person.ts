import { Personal } from '../../chain/personal.ts';
import type { KeyRecord } from '../../store/registry/registry-store.ts';

/** A value of a key for the audit: sealed where the key is a person's. */
export function ofPerson({ metadata }: Pick<KeyRecord, 'metadata'>, value: unknown): unknown {
  const userId = metadata['user_id'] ?? '';
  return userId === '' ? value : new Personal(userId, value);
}

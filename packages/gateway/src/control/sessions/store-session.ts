import type { ControlDependencies } from '../context.ts';
import { addPlace } from './session-list.ts';
import { holderOf, newSessionToken, sessionKey, sessionMs, type SessionRecord } from './session.ts';

/** Begins a session; the holder's oldest ends where there are too many. Resolves with its token. Faults: `unavailable`. */
export async function storeSession({ state }: Pick<ControlDependencies, 'state'>, record: SessionRecord): Promise<string> {
  const token = newSessionToken();
  const key = sessionKey(token);
  if (key === null) throw new TypeError('a new session token has the wrong form');
  // Listed before it is good: one that is not listed could not be ended.
  const over = await addPlace(state, record.organizationId, holderOf(record), { id: record.id, key });
  for (const { key: old } of over) await state.delete(old);
  await state.set(key, Buffer.from(JSON.stringify(record)), sessionMs);
  return token;
}

/** As a session keeps it: bounded, and nothing that a terminal would obey. */
export function plainUserAgent(text: string | undefined): string {
  return (text ?? '').replaceAll(/[^\x20-\x7e]/g, '').slice(0, 256);
}

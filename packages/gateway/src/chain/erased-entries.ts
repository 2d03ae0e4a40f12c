import { z } from 'zod';
import type { ChainedEntry } from './call-entry.ts';
import type { StoredRecord } from './verify-events.ts';

/** The action of events that say which calls were put under a pseudonym. */
export const callsErased = 'calls.erased';

/** Entries of the chain of calls, and the hash of their rows when a person is erased from them. */
export const erasedDetail = z.looseObject({
  entries: z.array(z.tuple([z.string(), z.int(), z.string().regex(/^[0-9a-f]{64}$/)])),
});

/** Which other hashes the rows of entries may have, by signed events: a person was erased from them. */
export class ErasedEntries {
  readonly #hashes = new Map<string, Set<string>>();

  /** Looks whether a record that is good speaks of such entries. */
  note({ action, detail }: Pick<StoredRecord, 'action' | 'detail'>): void {
    if (action !== callsErased) return;
    const parsed = erasedDetail.safeParse(detail);
    for (const [chain, entry, hash] of parsed.success ? parsed.data.entries : []) {
      const name = `${chain} ${entry}`;
      const known = this.#hashes.get(name) ?? new Set();
      this.#hashes.set(name, known.add(hash));
    }
  }

  allows({ chain, entry }: Pick<ChainedEntry, 'chain' | 'entry'>, hash: string): boolean {
    return this.#hashes.get(`${chain} ${entry}`)?.has(hash) === true;
  }
}

import { deserialize, serialize } from 'node:v8';
import type { KeptKey, KeptLists, KeptText } from './kept-lists.ts';

/** `KeptLists` as a worker reaches it. */
export interface KeptListsPort {
  note(read: Parameters<KeptLists['note']>[0]): Promise<number>;
  put(read: Parameters<KeptLists['put']>[0]): void;
  find(asked: Parameters<KeptLists['find']>[0]): Promise<KeptText | null>;
}

/** What all workers know of servers that are away. */
export interface LastGood<Value extends { readonly digest: string }> {
  /** It was read in good order. Nobody waits for this. */
  note(key: KeptKey, value: Value): void;
  /** What was last read in good order by whichever worker, but for `known`. Null: that, or nothing. Never rejects. */
  find(key: KeptKey, known: Value | null): Promise<Value | null>;
}

export function createLastGood<Value extends { readonly digest: string }>(port: KeptListsPort): LastGood<Value> {
  /** What is being told of each key, and what came since: one at a time, the last counts. */
  const telling = new Map<string, { readonly group: string; readonly done: Promise<void>; next: Value | null }>();

  async function tell(key: KeptKey, text: string, first: Value): Promise<void> {
    for (let value: Value | null = first; value !== null;) {
      const { digest } = value;
      try {
        const turn = await port.note({ ...key, digest });
        if (turn > 0) port.put({ ...key, digest, turn, value: serialize(value) });
      } catch {
        // A supervisor that does not answer knows less; the next reading is told again.
      }
      const entry = telling.get(text);
      value = entry?.next ?? null;
      if (entry) entry.next = null;
    }
    telling.delete(text);
  }

  return {
    note(key, value) {
      const text = textOf(key);
      const known = telling.get(text);
      if (known) known.next = value;
      else telling.set(text, { group: groupOf(key), done: Promise.resolve().then(() => tell(key, text, value)), next: null });
    },
    async find(key, known) {
      try {
        const group = groupOf(key);
        for (const entry of telling.values()) if (entry.group === group) await entry.done;
        const found = await port.find({ ...key, digest: known?.digest ?? null });
        return found?.value ? (deserialize(found.value) as Value) : null;
      } catch {
        return null;
      }
    },
  };
}

function groupOf({ server, place, kind }: KeptKey): string {
  return `${server} ${place} ${kind}`;
}

function textOf(key: KeptKey): string {
  return `${groupOf(key)} ${key.callers}`;
}

import { bounds } from '../kernel/bounds.ts';
import type { ListKind } from './drain-list.ts';

/** A list of a server, or what it says of itself. */
export type KeptKind = ListKind | 'facts';

export interface KeptKey {
  readonly server: string;
  /** Where the server is and as whom it is spoken to; two of one name at other places have nothing of each other. */
  readonly place: string;
  /** `CallerClass.key`. */
  readonly callers: string;
  readonly kind: KeptKind;
}

export interface KeptText {
  readonly digest: string;
  /** Null where the asker has it already. */
  readonly value: Uint8Array | null;
}

/**
 * What servers listed last in good order, whichever worker read it. It lives in the supervisor, so that a worker that begins tells of a server that
 * is away what the others tell. Bounded: what gives way is the oldest of the server that has the most.
 */
export interface KeptLists {
  /** It was just read with this digest. Returns a number for `put` where the text is wanted, 0 where it is kept already. */
  note(read: KeptKey & { readonly digest: string }): number;
  /** Ignored where a later reading has been put since `turn` was given. */
  put(read: KeptKey & { readonly digest: string; readonly turn: number; readonly value: Uint8Array }): void;
  /** What callers of this class were last told; where they never were, what those of another class were. */
  find(asked: KeptKey & { readonly digest: string | null }): KeptText | null;
}

interface Entry {
  readonly server: string;
  readonly group: string;
  digest: string;
  value: Uint8Array;
  turn: number;
}

export function createKeptLists(): KeptLists {
  /** By key, the one that was read the longest ago first. */
  const entries = new Map<string, Entry>();
  let bytes = 0;
  let turns = 0;

  const groupOf = ({ server, place, kind }: KeptKey): string => `${server} ${place} ${kind}`;
  const keyOf = (key: KeptKey): string => `${groupOf(key)} ${key.callers}`;

  function remove(key: string, entry: Entry): void {
    entries.delete(key);
    bytes -= entry.value.length;
  }

  function makeRoom(): void {
    while (entries.size > bounds.keptListsMax) giveWay(() => 1);
    while (bytes > bounds.keptListsBytesMax) giveWay(({ value }) => value.length);
  }

  /** The oldest of the server that has the most. */
  function giveWay(weightOf: (entry: Entry) => number): void {
    const weights = new Map<string, number>();
    for (const entry of entries.values()) weights.set(entry.server, (weights.get(entry.server) ?? 0) + weightOf(entry));
    const most = [...weights].reduce((one, other) => (other[1] > one[1] ? other : one), ['', 0])[0];
    for (const [key, entry] of entries) if (entry.server === most) return remove(key, entry);
  }

  return {
    note(read) {
      const key = keyOf(read);
      const turn = ++turns;
      const known = entries.get(key);
      if (known?.digest !== read.digest) return turn;
      known.turn = turn;
      entries.delete(key);
      entries.set(key, known);
      return 0;
    },
    put({ digest, turn, value, ...key }) {
      const text = keyOf(key);
      const known = entries.get(text);
      if (known !== undefined) {
        if (known.turn > turn) return;
        remove(text, known);
      }
      entries.set(text, { server: key.server, group: groupOf(key), digest, value, turn });
      bytes += value.length;
      makeRoom();
    },
    find({ digest, ...key }) {
      const group = groupOf(key);
      let found = entries.get(keyOf(key)) ?? null;
      if (found === null) for (const entry of entries.values()) if (entry.group === group && entry.turn > (found?.turn ?? 0)) found = entry;
      return found && { digest: found.digest, value: found.digest === digest ? null : found.value };
    },
  };
}

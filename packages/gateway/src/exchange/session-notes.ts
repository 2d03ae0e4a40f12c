import { createHash } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import type { Sealer } from '../kernel/seal.ts';
import type { Call } from './rail.ts';
import type { HeldSession } from './session-handle.ts';

/** What is remembered of a legacy client's session beside its handle. */
export interface SessionNotes {
  /** The client has ended it: it is not begun anew. */
  readonly ended: boolean;
  /** The server's id, with its target, of the session that took the place of the handle's; null: that one. */
  readonly placed: string | null;
  /** Grows with each session that takes the place of another; 0: none did. */
  readonly generation: number;
  /** Those that it had before, the newest last. */
  readonly replaced: readonly string[];
  /** Lists whose changes the server tells of: `tools`, `prompts`, `resources`. */
  readonly lists: readonly string[];
  readonly logLevel: string | null;
  readonly resourceUris: readonly string[];
}

/**
 * Notes of sessions in shared state, under their handles' digests: of all workers of all nodes that use one, and as long as that
 * remembers. A note that is lost costs a handshake, and what the client had set up in the session.
 */
export interface SessionNoteBook {
  /** Faults: `unavailable`. */
  read(handle: string): Promise<SessionNotes>;
  /**
   * Writes what `edit` makes of the notes, or nothing where that is null, and returns what then stands. Changes of one worker take effect
   * in the order of asking; none of another is overwritten. Faults: `unavailable`.
   */
  change(handle: string, edit: (notes: SessionNotes) => SessionNotes | null): Promise<SessionNotes>;
  /** The session is in use: its notes are kept on. Never rejects. */
  touch(handle: string): Promise<void>;
}

export interface SessionNoteState {
  get(key: string): Promise<Buffer | null>;
  replace(key: string, before: Uint8Array | null, after: Uint8Array, ttlMs: number): Promise<boolean>;
  touch(key: string, ttlMs: number): Promise<boolean>;
}

const blank: SessionNotes = { ended: false, placed: null, generation: 0, replaced: [], lists: [], logLevel: null, resourceUris: [] };
const attemptsMax = 16;

export function createSessionNotes({ state, sealer }: { readonly state: SessionNoteState; readonly sealer: Sealer }): SessionNoteBook {
  /** The last change under way of each session. */
  const changing = new Map<string, Promise<unknown>>();

  /** What cannot be opened was written with another key: it says nothing here. */
  function opened(key: string, bytes: Buffer | null): SessionNotes {
    const plain = bytes === null ? null : sealer.open(bytes, key);
    return plain === null ? blank : (JSON.parse(plain.toString('utf8')) as SessionNotes);
  }

  async function changeNow(key: string, edit: (notes: SessionNotes) => SessionNotes | null): Promise<SessionNotes> {
    for (let attempt = 0; ; attempt++) {
      const bytes = await state.get(key);
      const notes = opened(key, bytes);
      const next = edit(notes);
      if (next === null) return notes;
      if (await state.replace(key, bytes, sealer.seal(Buffer.from(JSON.stringify(next)), key), bounds.sessionNotesMs)) return next;
      // Another worker was faster.
      if (attempt >= attemptsMax) throw new Error('the notes of a session change too fast');
    }
  }

  return {
    async read(handle) {
      const key = keyOf(handle);
      return opened(key, await state.get(key));
    },
    change(handle, edit) {
      const key = keyOf(handle);
      const before = changing.get(key) ?? Promise.resolve();
      const change = before.catch(() => undefined).then(() => changeNow(key, edit));
      changing.set(key, change);
      return change.finally(() => {
        if (changing.get(key) === change) changing.delete(key);
      });
    },
    async touch(handle) {
      await state.touch(keyOf(handle), bounds.sessionNotesMs).catch(() => false);
    },
  };
}

/**
 * What the client has set up in its session by a message that went well is remembered for another one that may take its place. Nobody waits
 * for it.
 */
export function noteSetUp(call: Call, { handle }: HeldSession, method: string, message: unknown): void {
  if (call.record.status !== 'success' || (method !== 'logging/setLevel' && method !== 'resources/subscribe' && method !== 'resources/unsubscribe')) return;
  const params = (message as { readonly params?: Readonly<Record<string, unknown>> }).params ?? {};
  call.rail.sessionNotes
    .change(handle, (notes) => notesAfter(notes, method, params))
    .catch((error: unknown) => call.rail.log.warn('session.not_noted', { server: call.server?.data.name, request_id: call.requestId, error }));
}

/** Null where nothing is to be written. */
function notesAfter(notes: SessionNotes, method: string, params: Readonly<Record<string, unknown>>): SessionNotes | null {
  const { level, uri } = params;
  if (method === 'logging/setLevel') return typeof level === 'string' && level.length <= 32 ? { ...notes, logLevel: level } : null;
  if (typeof uri !== 'string') return null;
  const others = notes.resourceUris.filter((known) => known !== uri);
  if (method === 'resources/unsubscribe') return others.length === notes.resourceUris.length ? null : { ...notes, resourceUris: others };
  const resourceUris = [...others, uri];
  const chars = resourceUris.reduce((sum, { length }) => sum + length, 0);
  return resourceUris.length > bounds.sessionSubscriptionsMax || chars > bounds.sessionSubscriptionCharsMax ? null : { ...notes, resourceUris };
}

/** Bounded in length, and of no use to who reads it. */
function keyOf(handle: string): string {
  return `session-notes:${createHash('sha256').update(handle).digest('base64url')}`;
}

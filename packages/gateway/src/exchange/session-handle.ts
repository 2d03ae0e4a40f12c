import { createHmac, timingSafeEqual } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { looksSealed, type Sealer } from '../kernel/seal.ts';
import { refusedSession } from './session-refusals.ts';
import { readRun, runText, type SessionRun } from './session-run.ts';

/**
 * Session ids of legacy clients. What a client holds is a sealed handle: who opened the session, at which server, the server's own
 * session id, the run that it is and what `initialize` said, under authenticated encryption. Any worker of any node that has the key opens it; in another
 * principal's hands, or changed, it is an unknown session.
 */
export interface SessionHandles {
  /**
   * `placed`: the server's session id, with its target. `opening`: JSON text of the params of `initialize`, by which the session can be
   * begun anew; left out where the handle would become too long, and then the run. Faults: `upstream_invalid` where the id alone is too long.
   */
  seal(principalId: string, server: string, placed: string, opening: string | null, run?: SessionRun | null): string;
  /**
   * The same object for as long as this worker remembers the handle. Faults: `session_not_found`, to the caller the same for a forged, a foreign and an
   * unknown handle (session-refusals.ts).
   */
  open(handle: string, principalId: string, server: string): HeldSession;
  /** What `initialize` said, or null where the handle does not hold it. */
  openingOf(session: HeldSession): string | null;
  /** An event id that resumes a stream of this holder (`eventHolder`) and of no other. */
  signEventId(eventId: string, holder: string): string;
  /** The server's event id, or null where the signature is not of this holder. */
  openEventId(signed: string, holder: string): string | null;
}

/** A session of a legacy client as this worker knows it. */
export interface HeldSession {
  readonly handle: string;
  readonly principalId: string;
  readonly server: string;
  /** Null where the handle does not hold it. */
  readonly run: SessionRun | null;
  /** The server's session id, with its target: that of the handle, or of the session that took its place. */
  placed: string;
  /** Grows with each session that takes the place of another. */
  generation: number;
  /** Those that it had before, the newest last. */
  replaced: readonly string[];
  /** Events that tell of what may have changed when another session took its place; empty where none did. */
  notices: string;
  /** The handshake that is being made, or null. */
  renewing: Promise<boolean> | null;
  /** Handshakes since `renewalsSinceMs`, monotonic. */
  renewals: number;
  renewalsSinceMs: number;
  /** When shared state is told next that the session is in use, monotonic. */
  touchAtMs: number;
}

/** Whose events a stream carries. `session` is the server's session id, empty where it keeps none: then those of the principal. */
export function eventHolder(principalId: string, server: string, session: string): string {
  return `${principalId}\n${server}\n${session}`;
}

/** The same for the stream of what the server sends unasked, which may begin anew where that of one request may not. */
export function unaskedHolder(holder: string): string {
  return `${holder}\nunasked`;
}

interface Unsealed extends Pick<HeldSession, 'principalId' | 'server' | 'placed' | 'run'> {
  readonly opening: string;
}

const purpose = 'mcp-session';
const tagChars = 16;

/** Event ids are signed with the first key; what any of them signed is good. */
export function createSessionHandles(sealer: Sealer, eventKey: Buffer, ...earlier: readonly Buffer[]): SessionHandles {
  const held = new Map<string, HeldSession>();

  function remember(session: HeldSession): HeldSession {
    if (held.size >= bounds.sessionHandlesCachedMax) {
      const oldest = held.keys().next().value;
      if (oldest !== undefined) held.delete(oldest);
    }
    held.set(session.handle, session);
    return session;
  }

  function unseal(handle: string): Unsealed | null {
    if (handle.length > bounds.sessionHandleBytesMax) return null;
    const plain = sealer.openText(handle, purpose);
    if (plain === null) return null;
    const [principalId, server, placed, ...rest] = plain.split('\n');
    if (principalId === undefined || server === undefined || placed === undefined) return null;
    const run = readRun(rest[0]);
    // Handles of earlier versions have no line for it.
    return { principalId, server, placed, run, opening: (run !== null || rest[0] === '' ? rest.slice(1) : rest).join('\n') };
  }

  function sealed(parts: readonly string[]): string | null {
    try {
      return sealer.sealText(parts.join('\n'), purpose);
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  }

  const eventKeys = [eventKey, ...earlier];
  const tag = (key: Buffer, eventId: string, holder: string): Buffer =>
    Buffer.from(createHmac('sha256', key).update(`${holder}\n${eventId}`).digest('base64url').slice(0, tagChars));

  function isTag(text: string, eventId: string, holder: string): boolean {
    const given = Buffer.from(text);
    return given.length === tagChars && eventKeys.some((key) => timingSafeEqual(given, tag(key, eventId, holder)));
  }

  return {
    seal(principalId, server, placed, opening, run = null) {
      const named = [principalId, server, placed];
      const withRun = [...named, run === null ? '' : runText(run)];
      const handle = (opening === null ? null : sealed([...withRun, opening])) ?? sealed(withRun) ?? sealed(named);
      if (handle === null) throw new Fault('upstream_invalid', { server, reason: 'its session id is too long' });
      remember(newlyHeld(handle, { principalId, server, placed, run }));
      return handle;
    },
    open(handle, principalId, server) {
      let session = held.get(handle);
      if (!session) {
        const found = unseal(handle);
        if (!found) throw looksSealed(handle) ? refusedSession('forged') : new Fault('session_not_found');
        session = remember(newlyHeld(handle, found));
      }
      if (session.principalId !== principalId || session.server !== server) throw refusedSession('foreign');
      return session;
    },
    openingOf: ({ handle }) => unseal(handle)?.opening || null,
    signEventId: (eventId, holder) => `${eventId}.${tag(eventKey, eventId, holder).toString()}`,
    openEventId(signed, holder) {
      const dot = signed.length - tagChars - 1;
      const eventId = signed.slice(0, Math.max(dot, 0));
      return dot < 0 || signed[dot] !== '.' || !isTag(signed.slice(dot + 1), eventId, holder) ? null : eventId;
    },
  };
}

function newlyHeld(handle: string, { principalId, server, placed, run }: Omit<Unsealed, 'opening'>): HeldSession {
  const nowMs = performance.now();
  return {
    handle,
    principalId,
    server,
    run,
    placed,
    generation: 0,
    replaced: [],
    notices: '',
    renewing: null,
    renewals: 0,
    renewalsSinceMs: nowMs,
    touchAtMs: nowMs + bounds.sessionNotesTouchMs,
  };
}

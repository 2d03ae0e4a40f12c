import { createHmac, timingSafeEqual } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import type { Sealer } from '../kernel/seal.ts';

/**
 * Session ids of legacy clients. What a client holds is a sealed handle: who opened the session, at which server, and the
 * server's own session id, under authenticated encryption. Any worker of any node opens it; in another principal's hands, or
 * changed, it is an unknown session.
 */
export interface SessionHandles {
  seal(principalId: string, server: string, upstreamId: string): string;
  /** The server's session id. Faults: `session_not_found`, the same for a forged, a foreign and an unknown handle. */
  open(handle: string, principalId: string, server: string): string;
  /** An event id that resumes a stream of this holder (`eventHolder`) and of no other. */
  signEventId(eventId: string, holder: string): string;
  /** The server's event id. Faults: `invalid_request` where the signature is not of this holder. */
  openEventId(signed: string, holder: string): string;
}

/** Whose events a stream carries. `session` is the server's session id, empty where it keeps none: then those of the principal. */
export function eventHolder(principalId: string, server: string, session: string): string {
  return `${principalId}\n${server}\n${session}`;
}

interface Opened {
  readonly principalId: string;
  readonly server: string;
  readonly upstreamId: string;
}

const purpose = 'mcp-session';
const tagChars = 16;

export function createSessionHandles(sealer: Sealer, eventKey: Buffer): SessionHandles {
  const opened = new Map<string, Opened>();

  function remember(handle: string, value: Opened): void {
    if (opened.size >= bounds.sessionHandlesCachedMax) {
      const oldest = opened.keys().next().value;
      if (oldest !== undefined) opened.delete(oldest);
    }
    opened.set(handle, value);
  }

  function unseal(handle: string): Opened | null {
    if (handle.length > bounds.sessionHandleBytesMax) return null;
    const plain = sealer.openText(handle, purpose);
    if (plain === null) return null;
    const [principalId, server, upstreamId] = plain.split('\n');
    return principalId === undefined || server === undefined || upstreamId === undefined ? null : { principalId, server, upstreamId };
  }

  const tag = (eventId: string, holder: string): Buffer =>
    Buffer.from(createHmac('sha256', eventKey).update(`${holder}\n${eventId}`).digest('base64url').slice(0, tagChars));

  function isTag(text: string, eventId: string, holder: string): boolean {
    const given = Buffer.from(text);
    return given.length === tagChars && timingSafeEqual(given, tag(eventId, holder));
  }

  return {
    seal(principalId, server, upstreamId) {
      let handle: string;
      try {
        handle = sealer.sealText(`${principalId}\n${server}\n${upstreamId}`, purpose);
      } catch (cause) {
        throw new Fault('upstream_invalid', { server, reason: 'its session id is too long' }, { cause });
      }
      remember(handle, { principalId, server, upstreamId });
      return handle;
    },
    open(handle, principalId, server) {
      let session = opened.get(handle);
      if (!session) {
        const found = unseal(handle);
        if (!found) throw new Fault('session_not_found');
        remember(handle, found);
        session = found;
      }
      if (session.principalId !== principalId || session.server !== server) throw new Fault('session_not_found');
      return session.upstreamId;
    },
    signEventId: (eventId, holder) => `${eventId}.${tag(eventId, holder).toString()}`,
    openEventId(signed, holder) {
      const dot = signed.length - tagChars - 1;
      const eventId = signed.slice(0, Math.max(dot, 0));
      if (dot < 0 || signed[dot] !== '.' || !isTag(signed.slice(dot + 1), eventId, holder))
        throw new Fault('invalid_request', { reason: 'Last-Event-ID is not an event of this session' });
      return eventId;
    },
  };
}

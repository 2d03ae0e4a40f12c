import { createHmac } from 'node:crypto';
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
  /** An event id that resumes a stream of this session and no other. */
  signEventId(eventId: string, upstreamId: string): string;
  /** The server's event id, or a fault `invalid_request` where the signature is not of this session. */
  openEventId(signed: string, upstreamId: string): string;
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

  const tag = (eventId: string, upstreamId: string): string =>
    createHmac('sha256', eventKey).update(`${upstreamId}\n${eventId}`).digest('base64url').slice(0, tagChars);

  return {
    seal(principalId, server, upstreamId) {
      const handle = sealer.sealText(`${principalId}\n${server}\n${upstreamId}`, purpose);
      if (handle.length > bounds.sessionHandleBytesMax) throw new Fault('upstream_invalid', { server, reason: 'its session id is too long' });
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
    signEventId: (eventId, upstreamId) => `${eventId}.${tag(eventId, upstreamId)}`,
    openEventId(signed, upstreamId) {
      const dot = signed.length - tagChars - 1;
      const eventId = signed.slice(0, Math.max(dot, 0));
      if (dot < 0 || signed[dot] !== '.' || tag(eventId, upstreamId) !== signed.slice(dot + 1))
        throw new Fault('invalid_request', { reason: 'Last-Event-ID is not an event of this session' });
      return eventId;
    },
  };
}

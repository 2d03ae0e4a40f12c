import type { ServerResponse } from 'node:http';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import type { BridgeRequest } from './bridge-request.ts';
import type { BridgeLimits } from './bridge-options.ts';
import type { Source } from './event-writer.ts';
import { legacySession, type LegacySession } from './legacy-session.ts';

/** The process's half of legacy sessions: one process a session, or one for all. */
export interface LegacyBackend {
  /** Answers `initialize`, now or later, with the session's id in the reply's head. Faults before anything was answered. */
  initialize(session: LegacySession, request: BridgeRequest): Promise<void>;
  /** Any other message of a session. */
  post(session: LegacySession, request: BridgeRequest): void;
  /** Whose messages the session's GET stream carries; null where its process is gone. */
  source(session: LegacySession): Source | null;
  /** The session is over: releases what belongs to it. */
  end(session: LegacySession, reason: string): void;
  state(): { readonly ready: boolean; readonly reason: string | null };
}

/** Sessions by id: opened by `initialize`, ended by DELETE, by idleness, by the end of their process. */
export interface LegacyEndpoint {
  post(request: BridgeRequest, sessionId: string | null): Promise<void>;
  get(response: ServerResponse, sessionId: string | null, lastEventId: string | null): void;
  delete(response: ServerResponse, sessionId: string | null): void;
  /** The backend has lost the process of this session: its id is unknown from now on. */
  forget(session: LegacySession): void;
  readonly sessions: number;
  stop(): void;
}

export function legacyEndpoint(dependencies: { name: string; backend: () => LegacyBackend; limits: BridgeLimits; clock: Clock }): LegacyEndpoint {
  const { name, backend, limits, clock } = dependencies;
  const sessions = new Map<string, LegacySession>();
  const sweep = setInterval(endIdle, Math.min(60_000, Math.max(50, limits.sessionIdleMs / 4)));
  sweep.unref();

  function find(sessionId: string | null): LegacySession {
    if (sessionId === null) throw new Fault('invalid_request', { reason: 'the Mcp-Session-Id header is missing; a session begins with initialize' });
    const session = sessions.get(sessionId);
    if (session === undefined) throw new Fault('session_not_found');
    session.touch(clock.monotonicMs());
    return session;
  }

  function close(session: LegacySession, reason: string): void {
    sessions.delete(session.id);
    session.end(new Fault('session_not_found'));
    backend().end(session, reason);
  }

  function endIdle(): void {
    const now = clock.monotonicMs();
    for (const session of sessions.values()) if (session.idleMs(now) >= limits.sessionIdleMs) close(session, 'its session was idle');
  }

  /** Room for one more: where all places are taken, that of the session idle for longest, if it was so for long enough. */
  function makeRoom(): void {
    if (sessions.size < limits.sessionsMax) return;
    const now = clock.monotonicMs();
    const [longest] = [...sessions.values()].sort((a, b) => b.idleMs(now) - a.idleMs(now));
    if (longest !== undefined && longest.idleMs(now) >= limits.sessionEvictMs) return close(longest, 'its place was needed');
    throw new Fault('upstream_unavailable', { server: name, reason: `all ${limits.sessionsMax} sessions are in use` }, { extra: { retry_after: 10 } });
  }

  return {
    async post(request, sessionId) {
      if (request.message.method !== 'initialize' || request.message.kind !== 'request') return backend().post(find(sessionId), request);
      makeRoom();
      const session = legacySession(limits, clock.monotonicMs());
      sessions.set(session.id, session);
      try {
        await backend().initialize(session, request);
      } catch (error) {
        sessions.delete(session.id);
        throw error;
      }
    },
    get(response, sessionId, lastEventId) {
      const session = find(sessionId);
      const source = backend().source(session);
      if (source === null) throw new Fault('session_not_found');
      session.listen(response, lastEventId, source);
    },
    delete(response, sessionId) {
      close(find(sessionId), 'its client ended the session');
      response.writeHead(200, { 'content-length': 0 });
      response.end();
    },
    forget(session) {
      if (sessions.delete(session.id)) close(session, 'its session is over');
    },
    get sessions() {
      return sessions.size;
    },
    stop() {
      clearInterval(sweep);
      for (const session of sessions.values()) close(session, 'the bridge stops');
    },
  };
}

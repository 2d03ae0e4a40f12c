import { randomUUID } from 'node:crypto';
import type { Answer } from '../fabric/dialogue.ts';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import type { Sealer } from '../kernel/seal.ts';
import { refusedSession } from './session-refusals.ts';
import { readRun, runText, type SessionRun } from './session-run.ts';

/** What a handle says of its session: enough to take it up again where the worker that kept it is gone. */
export interface SessionTicket {
  /** The worker that keeps it. */
  readonly home: string;
  readonly id: string;
  readonly principalId: string;
  /** Name of the endpoint that it was opened at. */
  readonly endpoint: string;
  readonly version: string;
  /** JSON texts of what the client said in `initialize`. */
  readonly capabilities: string;
  readonly info: string | null;
  /** The run that the session is; null for one that an earlier version opened. */
  readonly run: SessionRun | null;
}

/** A legacy client's session at an endpoint whose servers know no sessions. Lives in one worker. */
export interface GatewaySession extends SessionTicket {
  /** `logging/setLevel`; a client that set none gets what most servers send unasked. */
  logLevel: string;
  /** Calls under way, by the text of their JSON-RPC id: how to cancel one. */
  readonly calls: Map<string, () => void>;
  /** What the client was asked, by the id of the question. */
  readonly asks: Map<string, (answer: Answer) => void>;
  readonly resourceUris: Set<string>;
  /** The client's GET streams, the newest last; `tune` says whether it is, and that what is watched has changed; `tell` sends a message. */
  readonly streams: { readonly tune: (isNewest: boolean) => void; readonly tell: (json: string) => void; readonly end: () => void }[];
  usedAtMs: number;
}

/** Sessions that the gateway itself keeps, bounded in number and idle time. */
export interface GatewaySessions {
  /** Returns the session's id for the client. Faults: `invalid_params` where the client says more of itself than a handle holds. */
  begin(opened: Omit<SessionTicket, 'home' | 'id' | 'run'> & { readonly run: SessionRun }): string;
  /** Null where it is no handle of a session that the gateway keeps. */
  read(handle: string): SessionTicket | null;
  /** Faults: `session_not_found`, the same for an ended, a foreign and an unknown one. */
  find(ticket: SessionTicket, principalId: string, endpoint: string): GatewaySession;
  end(session: GatewaySession): void;
  close(): void;
}

const purpose = 'mcp-gateway-session';
/** Tells these handles from those of a server's own sessions, which are base64url. */
const mark = 'g.';

export function isGatewaySession(handle: string | undefined): handle is string {
  return handle !== undefined && handle.startsWith(mark);
}

/** `home` names this worker. */
export function createGatewaySessions({ sealer, clock, home }: { readonly sealer: Sealer; readonly clock: Clock; readonly home: string }): GatewaySessions {
  const sessions = new Map<string, GatewaySession>();
  const counts = new Map<string, number>();
  /** Of other workers' sessions that were taken up here: an ended one is not taken up again. */
  const ended = new Set<string>();

  const sweep = setInterval(() => {
    const before = clock.monotonicMs() - bounds.gatewaySessionIdleMs;
    for (const session of sessions.values()) if (isIdle(session) && session.usedAtMs < before) end(session);
  }, bounds.gatewaySessionIdleMs / 10);
  sweep.unref();

  function add(ticket: SessionTicket): GatewaySession {
    const { principalId } = ticket;
    const isOver = (counts.get(principalId) ?? 0) >= bounds.gatewaySessionsPerPrincipalMax;
    if (isOver || sessions.size >= bounds.gatewaySessionsMax) {
      // Sessions stand in the order of their last use.
      for (const session of sessions.values()) {
        if (!isIdle(session) || (isOver && session.principalId !== principalId)) continue;
        end(session);
        break;
      }
      if (sessions.size >= bounds.gatewaySessionsMax) throw new Fault('unavailable', { reason: 'it keeps as many sessions as it can' });
    }
    const session = { ...ticket, logLevel: 'info', calls: new Map(), asks: new Map(), resourceUris: new Set<string>(), streams: [], usedAtMs: 0 };
    counts.set(principalId, (counts.get(principalId) ?? 0) + 1);
    return session;
  }

  function end(session: GatewaySession): void {
    if (!sessions.delete(session.id)) return;
    const left = (counts.get(session.principalId) ?? 1) - 1;
    if (left > 0) counts.set(session.principalId, left);
    else counts.delete(session.principalId);
    if (session.home !== home) {
      const [oldest] = ended;
      if (ended.size >= bounds.gatewaySessionsMax && oldest !== undefined) ended.delete(oldest);
      ended.add(session.id);
    }
    for (const stream of session.streams) stream.end();
    for (const cancel of session.calls.values()) cancel();
  }

  function use(session: GatewaySession): GatewaySession {
    session.usedAtMs = clock.monotonicMs();
    sessions.delete(session.id);
    sessions.set(session.id, session);
    return session;
  }

  return {
    begin(opened) {
      const session = add({ ...opened, home, id: randomUUID() });
      use(session);
      const { id, principalId, endpoint, version, capabilities, info } = session;
      const run = runText(opened.run);
      try {
        return mark + sealer.sealText(JSON.stringify([home, id, principalId, endpoint, version, capabilities, info, run]), purpose);
      } catch (cause) {
        end(session);
        throw new Fault('invalid_params', { reason: '`capabilities` or `clientInfo` is too long' }, { cause });
      }
    },
    read(handle) {
      const plain = isGatewaySession(handle) ? sealer.openText(handle.slice(mark.length), purpose) : null;
      if (plain === null) return null;
      const [ticketHome, id, principalId, endpoint, version, capabilities, info, run] = JSON.parse(plain) as [
        string,
        string,
        string,
        string,
        string,
        string,
        string | null,
        string | undefined,
      ];
      return { home: ticketHome, id, principalId, endpoint, version, capabilities, info, run: readRun(run) };
    },
    find(ticket, principalId, endpoint) {
      if (ticket.principalId !== principalId || ticket.endpoint !== endpoint) throw refusedSession('foreign');
      const session = sessions.get(ticket.id);
      if (session) return use(session);
      // One of this worker that is not here has ended; one of a worker that is gone goes on here.
      if (ticket.home === home || ended.has(ticket.id)) throw new Fault('session_not_found');
      return use(add(ticket));
    },
    end,
    close() {
      clearInterval(sweep);
      for (const session of sessions.values()) end(session);
    },
  };
}

function isIdle(session: GatewaySession): boolean {
  return session.calls.size === 0 && session.streams.length === 0;
}

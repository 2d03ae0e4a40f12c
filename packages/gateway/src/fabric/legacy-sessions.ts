import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import { isServedLegacy, legacyVersions } from '../protocol/versions.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { ClientFace } from './dialogue.ts';
import { memberTexts } from './edit-object.ts';
import { endSession, isModernError } from './eras.ts';
import { openLegacyStream, type LegacyStream } from './legacy-stream.ts';
import { requestOnce } from './request-once.ts';
import { codeOf, isMembers, type Members, type RpcMessage } from './rpc-message.ts';
import { safeInfo } from './safe-addresses.ts';
import { placeOf, type SendExchange } from './server-exchange.ts';
import { gatewayInfo, isFiner, legacyCapabilities } from './translate.ts';

/** A session at a server of before 2026-07-28. It belongs to one principal and one kind of client, and is shared by no other. */
export interface LegacySession {
  readonly key: string;
  readonly server: Server;
  /** Empty where the server keeps none. */
  readonly id: string;
  readonly version: string;
  /** ServerCapabilities, as the server wrote them and parsed. */
  readonly capabilitiesText: string;
  readonly capabilities: Members;
  readonly instructions: string | null;
  readonly info: string | null;
  /** Those of the face, parsed: what the server may ask. */
  readonly clientCapabilities: Members;
  /** The target that keeps it. */
  readonly target: string;
  readonly principalId: string;
  /** Headers of every request in it. */
  readonly headers: readonly string[];
  /** The finest log level that was asked for. */
  logLevel: string | null;
  usedAtMs: number;
  /** Who has something under way in it, in the order of coming: it is not ended under them. */
  readonly listeners: Set<SessionListener>;
  /** The session's GET stream, for what the server says outside of any request's stream; null until it is needed. */
  stream: LegacyStream | null;
  /** Whom to tell when all is done at the address of a question, by its id. */
  readonly elicitations: Map<string, () => void>;
}

/** One request, or one watch, in a session. */
export interface SessionListener {
  /** A list or a resource has changed. */
  changed(message: RpcMessage): void;
  /** A question or another notification that came on the session's own stream, and is told to nobody else. False: it is not for this one. */
  takes(message: RpcMessage): boolean;
  /** The session is lost, or its stream is away or back: changes may have been missed. */
  interrupted(isLost: boolean): void;
}

/** Thrown where `initialize` is answered by a server of another era: the caller finds the era anew. */
export class OtherEra extends Error {
  constructor() {
    super('it refuses the words of every era');
  }
}

export interface LegacySessions {
  /** The face's session, opened where there is none. Throws `OtherEra`; faults: those of the connection. */
  open(server: Server, face: ClientFace): Promise<LegacySession>;
  /** The server no longer knows it: the next `open` begins a new one. */
  lost(session: LegacySession): void;
  join(session: LegacySession, listener: SessionListener): void;
  leave(session: LegacySession, listener: SessionListener): void;
  /**
   * Opens the session's own stream, if it is not open; resolves when the server speaks there, or is not waited for any longer. A stream holds a
   * connection: those that are not `needed` leave half of the server's to its calls, and are not opened where it would be more.
   */
  listen(session: LegacySession, needed?: boolean): Promise<void>;
  /** Once, when the server says that all is done at the address of this question. */
  expect(session: LegacySession, elicitationId: string, onCompleted: () => void): void;
  /** The server says so. */
  completed(session: LegacySession, elicitationId: unknown): void;
  /** Unique in every session of this worker, as ids of requests and as progress tokens. */
  nextId(): string;
  /** Posts a notification or a response in a session. Faults: those of the connection; `upstream_invalid` where it is not taken. */
  post(session: LegacySession, body: string): Promise<void>;
  /** Asks the server for log messages from `level` on; never fails, for a server may not know the question. */
  askForLogs(session: LegacySession, level: string): Promise<void>;
  sweep(): void;
  /** Ends all of them; resolves when the servers know, or after a second. */
  close(): Promise<void>;
}

const farewellMs = 1_000;

export function createLegacySessions(sendExchange: SendExchange, clock: Clock): LegacySessions {
  const entries = new Map<string, { readonly opening: Promise<LegacySession>; session: LegacySession | null }>();
  let lastId = 0;
  const nextId = (): string => String(++lastId);

  function open(server: Server, face: ClientFace): Promise<LegacySession> {
    const key = [placeOf(server), face.principalId, face.capabilities, face.info ?? ''].join('\n');
    const known = entries.get(key);
    if (known) {
      // The least recently used is the first to make room.
      entries.delete(key);
      entries.set(key, known);
      return known.opening;
    }
    if (entries.size >= bounds.fabricSessionsMax) makeRoom(server);
    const entry = { opening: initialize(server, face, key), session: null as LegacySession | null };
    entries.set(key, entry);
    entry.opening.then(
      (session) => (entry.session = session),
      () => {
        if (entries.get(key) === entry) entries.delete(key);
      },
    );
    return entry.opening;
  }

  function makeRoom(server: Server): void {
    for (const [key, { session }] of entries) if (session?.listeners.size === 0) return void end(key);
    throw new Fault('upstream_unavailable', { server: server.data.name, reason: `all ${bounds.fabricSessionsMax} sessions are in use` });
  }

  async function initialize(server: Server, face: ClientFace, key: string): Promise<LegacySession> {
    const { name } = server.data;
    const caller = face.principalId;
    const capabilities = legacyCapabilities(face.capabilities);
    const params = `{"protocolVersion":"${legacyVersions[0] ?? ''}","capabilities":${capabilities},"clientInfo":${face.info ?? gatewayInfo}}`;
    const body = `{"jsonrpc":"2.0","id":${nextId()},"method":"initialize","params":${params}}`;
    const { status, sessionId, target, message } = await requestOnce(sendExchange, server, { headers: [], body, caller });
    if (message === null) throw new Fault('upstream_invalid', { server: name, reason: `it answered \`initialize\` with HTTP ${status} and no response` });
    if (message.kind === 'error') {
      if (isModernError(message.body)) throw new OtherEra();
      throw new Fault('mcp_error', { server: name }, { extra: { cause: { code: codeOf(message.body), message: message.body['message'] } } });
    }
    const version = message.body['protocolVersion'];
    if (typeof version !== 'string' || !isServedLegacy(version))
      throw new Fault('upstream_invalid', { server: name, reason: 'it speaks no version of the protocol that is served here' });
    const texts = memberTexts(message.bodyText);
    const serverCapabilities = message.body['capabilities'];
    const instructions = message.body['instructions'];
    const headers = ['mcp-protocol-version', version];
    if (sessionId !== '') headers.push('mcp-session-id', sessionId);
    const session: LegacySession = {
      key,
      server,
      id: sessionId,
      version,
      capabilitiesText: isMembers(serverCapabilities) ? (texts.get('capabilities') ?? '{}') : '{}',
      capabilities: isMembers(serverCapabilities) ? serverCapabilities : {},
      instructions: typeof instructions === 'string' ? instructions : null,
      info: isMembers(message.body['serverInfo']) ? safeInfo(texts.get('serverInfo') ?? '{}') : null,
      clientCapabilities: parsed(capabilities),
      target,
      principalId: caller,
      headers,
      logLevel: null,
      usedAtMs: clock.monotonicMs(),
      listeners: new Set(),
      stream: null,
      elicitations: new Map(),
    };
    // Whether it liked the notification does not matter: the next request says whether the session stands.
    await requestOnce(sendExchange, server, { headers, body: '{"jsonrpc":"2.0","method":"notifications/initialized"}', caller, target });
    // Many a server asks on the session's stream instead of the request's.
    if (asksAnything(session.clientCapabilities)) await listen(session);
    return session;
  }

  function listen(session: LegacySession, needed = false): Promise<void> {
    if (session.stream === null && !needed && !hasRoomForStream(session.server)) return Promise.resolve();
    session.stream ??= openLegacyStream(sendExchange, session, {
      answer: (body) => void post(session, body).catch(() => undefined),
      completed: (elicitationId) => completed(session, elicitationId),
      lost: () => lost(session),
    });
    return session.stream.ready;
  }

  /** The stream of a session in which nothing is under way gives way. */
  function hasRoomForStream(server: Server): boolean {
    const place = placeOf(server);
    const open = [...entries.values()].flatMap(({ session }) => (session?.stream && placeOf(session.server) === place ? [session] : []));
    if (open.length < Math.max(1, server.data.connectionsMax / 2)) return true;
    const idle = open.find(({ listeners }) => listeners.size === 0);
    if (idle === undefined) return false;
    idle.stream?.close();
    idle.stream = null;
    return true;
  }

  function completed({ elicitations }: LegacySession, elicitationId: unknown): void {
    if (typeof elicitationId !== 'string') return;
    const tell = elicitations.get(elicitationId);
    elicitations.delete(elicitationId);
    tell?.();
  }

  function lost(session: LegacySession): void {
    if (entries.get(session.key)?.session === session) entries.delete(session.key);
    session.stream?.close();
    const listeners = [...session.listeners];
    // Told once, however many requests find it out.
    session.listeners.clear();
    for (const listener of listeners) listener.interrupted(true);
  }

  async function post(session: LegacySession, body: string): Promise<void> {
    const { server, headers, target, principalId } = session;
    const { status } = await requestOnce(sendExchange, server, { headers, body, caller: principalId, target });
    if (status >= 400) throw new Fault('upstream_invalid', { server: server.data.name, reason: `it answered a message of its session with HTTP ${status}` });
  }

  async function end(key: string): Promise<void> {
    const session = entries.get(key)?.session;
    entries.delete(key);
    session?.stream?.close();
    if (session && session.id !== '') await endSession(sendExchange, session.server, session);
  }

  return {
    open,
    lost,
    join(session, listener) {
      session.listeners.add(listener);
    },
    leave(session, listener) {
      session.listeners.delete(listener);
      session.usedAtMs = clock.monotonicMs();
    },
    listen,
    expect(session, elicitationId, onCompleted) {
      const { elicitations } = session;
      const [oldest] = elicitations.keys();
      if (elicitations.size >= bounds.fabricElicitationsMax && oldest !== undefined) elicitations.delete(oldest);
      elicitations.set(elicitationId, onCompleted);
      void listen(session);
    },
    completed,
    nextId,
    post,
    async askForLogs(session, level) {
      if (!isMembers(session.capabilities['logging']) || !isFiner(level, session.logLevel)) return;
      session.logLevel = level;
      const body = `{"jsonrpc":"2.0","id":${nextId()},"method":"logging/setLevel","params":{"level":${JSON.stringify(level)}}}`;
      await post(session, body).catch(() => undefined);
    },
    sweep() {
      const before = clock.monotonicMs() - bounds.fabricSessionIdleMs;
      for (const [key, { session }] of entries) if (session?.listeners.size === 0 && session.usedAtMs < before) void end(key);
    },
    async close() {
      const farewells = Promise.all([...entries.keys()].map(end));
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, farewellMs);
      await Promise.race([farewells, late]);
      clearTimeout(timer);
    },
  };
}

function asksAnything(capabilities: Members): boolean {
  return isMembers(capabilities['elicitation']) || isMembers(capabilities['sampling']) || isMembers(capabilities['roots']);
}

function parsed(json: string): Members {
  const value: unknown = JSON.parse(json);
  return isMembers(value) ? value : {};
}

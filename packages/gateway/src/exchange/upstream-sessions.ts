import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import { legacyVersions, modernVersions } from '../protocol/versions.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import { encodeHeaderValue } from '../protocol/header-value.ts';
import type { Pools } from '../upstream/pools.ts';
import { send } from '../upstream/send.ts';
import { CollectReply, type CollectedReply } from './collect-reply.ts';

/** A request that the gateway itself makes of a server, for callers that do not speak MCP. */
export interface OwnRequest {
  readonly server: Server;
  /** Legacy sessions are never shared between principals. */
  readonly principalId: string;
  readonly method: string;
  /** Members of `params`, as JSON text without the braces; may be empty. */
  readonly members: string;
  /** What Mcp-Name mirrors, or empty. */
  readonly name: string;
  readonly traceparent: string;
  /** Aborted when the caller has left: the request is cancelled as its era says. */
  readonly signal: AbortSignal;
}

/** The gateway as an MCP client without capabilities: finds a server's era, keeps legacy sessions, makes single requests. */
export interface UpstreamSessions {
  /**
   * The server's JSON-RPC response. Faults: those of the connection; `mcp_error` where the server asks for input, which
   * nobody here can give, or answers without a response.
   */
  request(request: OwnRequest): Promise<Buffer>;
  close(): void;
}

interface Session {
  readonly id: string;
  readonly version: string;
  usedAtMs: number;
}

/** What a REST caller reads where a tool asks for input. */
export const needsInput = 'The tool asks for input, which a REST call cannot give. Call it over MCP.';

const eraKeptMs = 600_000;
const sessionIdleMs = 300_000;
const sessionsMax = 1_000;
const clientInfo = '{"name":"gatewayops","version":"0.1.0"}';
const newestModern = modernVersions[0] ?? '';
const newestLegacy = legacyVersions[0] ?? '';
const modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"${newestModern}","io.modelcontextprotocol/clientInfo":${clientInfo},"io.modelcontextprotocol/clientCapabilities":{}}`;

export function createUpstreamSessions(pools: Pools, clock: Clock): UpstreamSessions {
  const eras = new Map<string, { readonly era: Promise<'modern' | 'legacy'>; readonly untilMs: number }>();
  let lastId = 0;
  const sessions = new Map<string, { readonly server: Server; readonly opening: Promise<Session>; session: Session | null }>();

  const sweep = setInterval(() => {
    const before = clock.monotonicMs() - sessionIdleMs;
    for (const [key, entry] of sessions) if (entry.session !== null && entry.session.usedAtMs < before) endSession(key);
    for (const [key, { untilMs }] of eras) if (untilMs < clock.monotonicMs()) eras.delete(key);
  }, sessionIdleMs / 5);
  sweep.unref();

  async function request(own: OwnRequest): Promise<Buffer> {
    return (await eraOf(own.server)) === 'modern' ? modern(own) : legacy(own);
  }

  async function modern(own: OwnRequest): Promise<Buffer> {
    const params = own.members === '' ? modernMeta : `${own.members},${modernMeta}`;
    const headers = ['mcp-protocol-version', newestModern, 'mcp-method', own.method, 'traceparent', own.traceparent];
    if (own.name !== '') headers.push('mcp-name', encodeHeaderValue(own.name));
    // Closing the connection is how this era cancels.
    const reply = await post(own.server, headers, `{"jsonrpc":"2.0","id":${++lastId},"method":"${own.method}","params":{${params}}}`, own.signal);
    // A server of another era since: the next request finds out.
    if (reply.status >= 400 && reply.status < 500) eras.delete(placeOf(own.server));
    return responseOf(reply, own.server);
  }

  async function legacy(own: OwnRequest): Promise<Buffer> {
    const key = `${placeOf(own.server)}\n${own.principalId}`;
    for (let attempt = 0; ; attempt++) {
      const session = await sessionOf(key, own.server);
      session.usedAtMs = clock.monotonicMs();
      const headers = ['mcp-protocol-version', session.version, 'traceparent', own.traceparent];
      if (session.id !== '') headers.push('mcp-session-id', session.id);
      // Ids must differ among the requests in flight of one session.
      const id = ++lastId;
      const cancel = (): void =>
        void post(own.server, sessionHeaders(session), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`).catch(
          () => undefined,
        );
      own.signal.addEventListener('abort', cancel, { once: true });
      const reply = await post(own.server, headers, `{"jsonrpc":"2.0","id":${id},"method":"${own.method}","params":{${own.members}}}`, own.signal)
        .catch((thrown: unknown) => {
          if (thrown instanceof Fault && thrown.code === 'mcp_error') cancel();
          throw thrown;
        })
        .finally(() => own.signal.removeEventListener('abort', cancel));
      if (reply.status === 404 && session.id !== '' && attempt === 0) {
        // An unknown session did nothing: to begin anew and ask again is safe.
        if (sessions.get(key)?.session === session) sessions.delete(key);
        continue;
      }
      return responseOf(reply, own.server);
    }
  }

  function eraOf(server: Server): Promise<'modern' | 'legacy'> {
    const place = placeOf(server);
    const known = eras.get(place);
    const nowMs = clock.monotonicMs();
    if (known && nowMs < known.untilMs) return known.era;
    const era = discover(server);
    eras.set(place, { era, untilMs: nowMs + eraKeptMs });
    // A server that could not be reached has said nothing about its era.
    era.catch(() => eras.delete(place));
    return era;
  }

  async function discover(server: Server): Promise<'modern' | 'legacy'> {
    const headers = ['mcp-protocol-version', newestModern, 'mcp-method', 'server/discover'];
    const reply = await post(server, headers, `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{${modernMeta}}}`);
    if (reply.status >= 500) throw new Fault('upstream_invalid', { server: server.data.name, reason: `it answered HTTP ${reply.status}` });
    for (const json of reply.messages) {
      const message = parse(json);
      const versions = message?.result?.supportedVersions ?? message?.error?.data?.supported;
      if (Array.isArray(versions) && versions.includes(newestModern)) return 'modern';
    }
    return 'legacy';
  }

  function sessionOf(key: string, server: Server): Promise<Session> {
    const known = sessions.get(key);
    if (known) return known.opening;
    if (sessions.size >= sessionsMax) {
      const oldest = sessions.keys().next().value;
      if (oldest !== undefined) endSession(oldest);
    }
    const entry = { server, opening: initialize(server), session: null as Session | null };
    sessions.set(key, entry);
    entry.opening.then(
      (session) => (entry.session = session),
      () => {
        if (sessions.get(key) === entry) sessions.delete(key);
        eras.delete(placeOf(server));
      },
    );
    return entry.opening;
  }

  async function initialize(server: Server): Promise<Session> {
    const reply = await post(
      server,
      [],
      `{"jsonrpc":"2.0","id":${++lastId},"method":"initialize","params":{"protocolVersion":"${newestLegacy}","capabilities":{},"clientInfo":${clientInfo}}}`,
    );
    const message = parse(responseOf(reply, server));
    const version = message?.result?.protocolVersion;
    if (typeof version !== 'string')
      throw new Fault('mcp_error', { server: server.data.name }, { extra: { cause: message?.error ?? 'it did not answer `initialize`' } });
    const session: Session = { id: reply.sessionId, version: version.slice(0, 32), usedAtMs: clock.monotonicMs() };
    await post(server, sessionHeaders(session), '{"jsonrpc":"2.0","method":"notifications/initialized"}');
    return session;
  }

  function post(server: Server, more: string[], body: string, signal?: AbortSignal): Promise<CollectedReply> {
    const { timeoutMs, upstreamPath, credential, name } = server.data;
    const headers = [
      'accept',
      'application/json, text/event-stream',
      'accept-encoding',
      'identity',
      'content-type',
      'application/json',
      'user-agent',
      'gatewayops',
      ...more,
    ];
    if (credential) headers.push(credential.header, credential.value);
    const sink = new CollectReply(name, signal ? (json) => asksForInput(json, name) : null);
    const control = send(
      pools.poolOf(server.data),
      { server: name, method: 'POST', path: upstreamPath, headers, body: Buffer.from(body), firstByteMs: timeoutMs, idleMs: timeoutMs },
      sink,
    );
    if (signal) {
      const abort = (): void => control.abort();
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
      void sink.whole.catch(() => undefined).finally(() => signal.removeEventListener('abort', abort));
    }
    return sink.whole;
  }

  function endSession(key: string): void {
    const entry = sessions.get(key);
    sessions.delete(key);
    if (!entry?.session || entry.session.id === '') return;
    const { server, session } = entry;
    const headers = ['accept', 'application/json', ...sessionHeaders(session)];
    if (server.data.credential) headers.push(server.data.credential.header, server.data.credential.value);
    const sink = new CollectReply(server.data.name);
    send(
      pools.poolOf(server.data),
      {
        server: server.data.name,
        method: 'DELETE',
        path: server.data.upstreamPath,
        headers,
        body: null,
        firstByteMs: bounds.upstreamConnectTimeoutMs,
        idleMs: bounds.upstreamConnectTimeoutMs,
      },
      sink,
    );
    // Whoever is gone already needs no farewell.
    sink.whole.catch(() => undefined);
  }

  return {
    request,
    close() {
      clearInterval(sweep);
      for (const key of sessions.keys()) endSession(key);
    },
  };
}

/** An address, not a name: the server behind a name may be replaced. */
function placeOf({ data }: Server): string {
  return `${data.name} ${data.socketPath ?? ''} ${data.origin}${data.upstreamPath}`;
}

function sessionHeaders(session: Session): string[] {
  const headers = ['mcp-protocol-version', session.version];
  if (session.id !== '') headers.push('mcp-session-id', session.id);
  return headers;
}

interface Parsed {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly result?: { readonly supportedVersions?: unknown; readonly protocolVersion?: unknown };
  readonly error?: { readonly data?: { readonly supported?: unknown } };
}

function parse(json: Buffer): Parsed | null {
  try {
    const value: unknown = JSON.parse(json.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}

/** Where a server of before 2026-07-28 asks something on the stream of a call: it would wait for an answer that nobody gives. */
function asksForInput(json: Buffer, server: string): Fault | null {
  if (!json.includes('"method"')) return null;
  const message = parse(json);
  if (message === null || message.method === undefined || message.method === 'ping' || message.id === undefined) return null;
  return new Fault('mcp_error', { server }, { extra: { cause: { message: needsInput } } });
}

/** The response among the messages of a reply: the last that is not a request or notification of the server. */
function responseOf(reply: CollectedReply, server: Server): Buffer {
  const { name } = server.data;
  const last = reply.messages.at(-1);
  const message = last === undefined ? null : parse(last);
  if (last === undefined || message === null || message.method !== undefined) {
    if (reply.status >= 400) throw new Fault('upstream_invalid', { server: name, reason: `it answered HTTP ${reply.status}` });
    throw new Fault('upstream_invalid', { server: name, reason: 'it ended without a response' });
  }
  return last;
}

import type { IncomingHttpHeaders } from 'node:http';
import { findValues, splice } from '../kernel/splice-json.ts';
import { plainHeader, type ClientMessage } from './client-message.ts';
import type { HttpExchange, HttpRequest, StreamPlace } from './send-http.ts';

/**
 * The session of a legacy client (2025-11-25, transports): its id, its version and the stream of what the server sends unasked. The client
 * knows of none of them; where the server has lost the session, a new handshake is made in its name.
 */
export interface LegacySession {
  readonly id: string | null;
  /** Between the answer to `initialize` and the end. */
  readonly open: boolean;
  /** Grows with each handshake. */
  readonly generation: number;
  /** What a message of the session is sent with; those of `initialize` name no session. */
  headers(method: string): Record<string, string>;
  /** The client begins a session by these bytes; one that was there is ended. */
  begin(initialize: Buffer): Promise<void>;
  opened(id: string | string[] | undefined): void;
  /** The result of `initialize`; null where it was refused. */
  answered(result: Readonly<Record<string, unknown>> | null): void;
  /** The client has said `notifications/initialized`: the stream is opened. */
  initialized(): void;
  /** A request that the server has answered well: what it set up is set up again in a new session. */
  done(message: ClientMessage): void;
  /** Makes a new handshake, unless one was made since `generation`. False where none could be made. */
  renew(generation: number): Promise<boolean>;
  /** The handshake that is being made, or null. */
  readonly renewing: Promise<boolean> | null;
  /** Takes a broken reply up again where it ended, until `isOver`; false where that is not possible. */
  takeUp(place: StreamPlace, onEvent: (data: string) => void, isOver: () => boolean): Promise<boolean>;
  /** Tells the server that the session is over. Null where there is none. */
  end(): HttpExchange | null;
}

export interface LegacySessionDependencies {
  readonly exchange: (request: HttpRequest, onEvent: (data: string) => void, onHead?: (status: number, headers: IncomingHttpHeaders) => void) => HttpExchange;
  readonly deliver: (message: string) => void;
  readonly isClosed: () => boolean;
  readonly onUnauthorized: () => void;
}

const retryMs = { least: 100, otherwise: 1_000, most: 30_000 };
/** A stream that lived so long did not fail. */
const settledMs = 5_000;
/** How often a reply is taken up without anything new in it. */
const takeUpsMax = 60;
/** Requests that are repeated in a new session. */
const setUpMax = 256;
const handshakeHeaders = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
const initializedMessage = Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}');

export function createLegacySession({ exchange, deliver, isClosed, onUnauthorized }: LegacySessionDependencies): LegacySession {
  let id: string | null = null;
  let version = '';
  let initialize: Buffer | null = null;
  let open = false;
  let generation = 0;
  let stream: HttpExchange | null = null;
  const waking = new Set<() => void>();
  let renewing: Promise<boolean> | null = null;
  /** The requests that have set up what the session knows: its log level, and its subscriptions by URI. */
  const setUp = new Map<string, Buffer>();

  function headers(method: string): Record<string, string> {
    if (method === 'initialize') return {};
    return { ...(id === null ? {} : { 'mcp-session-id': id }), ...(version === '' ? {} : { 'mcp-protocol-version': version }) };
  }

  function answered(result: Readonly<Record<string, unknown>> | null): void {
    const named = result?.['protocolVersion'];
    open = result !== null;
    version = typeof named === 'string' ? plainHeader(named) : '';
    if (!open) id = null;
  }

  function end(): HttpExchange | null {
    const known = id;
    const sent = headers('');
    id = null;
    open = false;
    generation++;
    stream?.abort();
    stream = null;
    for (const wake of waking) wake();
    return known === null ? null : exchange({ method: 'DELETE', headers: sent, body: null }, () => undefined);
  }

  /** What the server sends unasked, for as long as this handshake holds and the server offers it. */
  async function listen(mine: number): Promise<void> {
    let lastEventId: string | null = null;
    let pauseMs = retryMs.otherwise;
    while (!isClosed() && generation === mine) {
      const startedAt = performance.now();
      const resume: Record<string, string> = lastEventId === null ? {} : { 'last-event-id': lastEventId };
      stream = exchange({ method: 'GET', headers: { ...headers(''), ...resume, accept: 'text/event-stream' }, body: null }, deliver);
      const outcome = await stream.outcome;
      if (isClosed() || generation !== mine) return;
      if (outcome.kind === 'stream') {
        lastEventId = outcome.place.lastEventId ?? lastEventId;
        pauseMs = performance.now() - startedAt > settledMs || outcome.place.events > 0 ? (outcome.place.retryMs ?? retryMs.otherwise) : pauseMs * 2;
      } else if (outcome.kind === 'body') {
        if (outcome.status === 401) return onUnauthorized();
        if (outcome.status === 404 && id !== null) return void renew(mine);
        // An id that the server no longer knows; all others that are refused have no stream at all.
        if (outcome.status === 400 && lastEventId !== null) lastEventId = null;
        else if (outcome.status < 500 && outcome.status !== 429) return;
        pauseMs *= 2;
      } else pauseMs *= 2;
      await pause(pauseMs);
    }
  }

  function renew(seen: number): Promise<boolean> {
    // Whoever comes while one is made waits for it.
    if (renewing !== null) return renewing;
    if (generation !== seen) return Promise.resolve(open);
    renewing = handshake().finally(() => (renewing = null));
    return renewing;
  }

  async function handshake(): Promise<boolean> {
    if (initialize === null || !open) return false;
    const before = ++generation;
    stream?.abort();
    const lost = id;
    id = null;
    let opened: string | null = null;
    let text = '';
    const first = exchange(
      { method: 'POST', headers: handshakeHeaders, body: initialize },
      (data) => (text = data),
      (_status, received) => (opened = textOf(received['mcp-session-id'])),
    );
    const outcome = await first.outcome;
    if (outcome.kind === 'body') text = outcome.body.toString('utf8');
    const result = resultOf(text);
    if (generation !== before) return false;
    if (result === null) {
      // It stays lost, and the next message tries again.
      id = lost;
      return false;
    }
    id = opened;
    answered(result);
    await exchange({ method: 'POST', headers: { ...headers(''), ...handshakeHeaders }, body: initializedMessage }, () => undefined).outcome;
    for (const [index, bytes] of [...setUp.values()].entries()) {
      if (generation !== before) return false;
      const edits = findValues(bytes, [['id']]).map(({ start, end }) => ({ start, end, text: `"link-${index}"` }));
      await exchange({ method: 'POST', headers: { ...headers(''), ...handshakeHeaders }, body: splice(bytes, edits) }, () => undefined).outcome;
    }
    if (generation !== before) return false;
    void listen(before);
    return true;
  }

  async function pause(ms: number): Promise<void> {
    const bounded = Math.min(retryMs.most, Math.max(retryMs.least, ms));
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, bounded);
    waking.add(resolve);
    await promise;
    waking.delete(resolve);
    clearTimeout(timer);
  }

  return {
    get id() {
      return id;
    },
    get open() {
      return open;
    },
    get generation() {
      return generation;
    },
    headers,
    async begin(bytes) {
      await end()?.outcome;
      initialize = bytes;
      version = '';
      setUp.clear();
    },
    opened(given) {
      id = textOf(given);
    },
    answered,
    initialized() {
      if (open) void listen(generation);
    },
    done({ method, params, bytes }) {
      const uri = params?.['uri'];
      if (method === 'logging/setLevel') setUp.set(method, bytes);
      else if (method === 'resources/unsubscribe') setUp.delete(`uri ${String(uri)}`);
      else if (method === 'resources/subscribe' && setUp.size < setUpMax) setUp.set(`uri ${String(uri)}`, bytes);
    },
    renew,
    get renewing() {
      return renewing;
    },
    async takeUp(from, onEvent, isOver) {
      let place = from;
      for (let attempt = 0; attempt < takeUpsMax && !isClosed() && !isOver(); attempt++) {
        await pause(place.retryMs ?? retryMs.otherwise);
        if (isClosed() || isOver()) return true;
        const { lastEventId } = place;
        const outcome = await exchange(
          { method: 'GET', headers: { ...headers(''), 'last-event-id': lastEventId ?? '', accept: 'text/event-stream' }, body: null },
          onEvent,
        ).outcome;
        if (isOver()) return true;
        if (outcome.kind === 'body' && outcome.status < 500) return false;
        if (outcome.kind === 'stream') {
          if (outcome.place.events > 0) attempt = 0;
          place = { ...outcome.place, lastEventId: outcome.place.lastEventId ?? lastEventId, retryMs: outcome.place.retryMs ?? place.retryMs };
        }
      }
      return isOver();
    },
    end,
  };
}

function textOf(value: string | string[] | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function resultOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value = JSON.parse(text) as { result?: unknown };
    return typeof value.result === 'object' && value.result !== null ? (value.result as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

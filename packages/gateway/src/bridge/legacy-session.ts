import type { ServerResponse } from 'node:http';
import { Fault } from '../kernel/fault.ts';
import { newSessionId, type SessionId } from '../kernel/id.ts';
import type { BridgeRequest } from './bridge-request.ts';
import type { BridgeLimits } from './bridge-options.ts';
import { eventLog, type EventLog } from './event-log.ts';
import { eventWriter, type EventWriter, type Source } from './event-writer.ts';
import { keyOf, objectOf } from './message.ts';
import { replyStream, type ReplyStream } from './reply-stream.ts';

/** One request of a legacy client that has no answer yet. */
export interface Exchange {
  /** The client's id, as a table key. */
  readonly key: string;
  readonly reply: ReplyStream;
  /** Number of its reply among the session's streams. */
  readonly stream: number;
  /** The progress token of the request as a table key; empty where it has none. */
  readonly tokenKey: string;
}

/**
 * The client's half of a legacy session: the requests in flight, the standing GET stream and what is kept for
 * resumption. Which process answers is not its business.
 */
export interface LegacySession {
  readonly id: SessionId;
  /** The negotiated version; empty until the answer to `initialize` is known. */
  protocolVersion: string;
  readonly exchanges: ReadonlyMap<string, Exchange>;
  /** Faults: `invalid_request` where the id is in use, `upstream_unavailable` where too many are in flight. */
  open(request: BridgeRequest, source: Source, onAbandoned: (exchange: Exchange) => void, headers?: () => Readonly<Record<string, string>>): Exchange;
  answer(exchange: Exchange, line: Buffer | string): void;
  /** The request was cancelled: its reply ends without an answer. */
  cancel(exchange: Exchange): void;
  /** The oldest request whose client still listens for events. */
  oldest(): Exchange | null;
  /** To the GET stream, or kept for it. */
  notify(line: Buffer): void;
  readonly listening: boolean;
  /** Opens the GET stream, or resumes the one that `lastEventId` names. Faults: `invalid_request` for an id that was never given out. */
  listen(response: ServerResponse, lastEventId: string | null, source: Source): void;
  touch(nowMs: number): void;
  /** Milliseconds since anything happened; 0 while a request or a stream is open. */
  idleMs(nowMs: number): number;
  /** Answers what is in flight with the fault and ends the streams. */
  end(fault: Fault): void;
}

const standing = 0;
/** The first version whose clients know an event without data. */
const primingVersion = '2025-11-25';

export function legacySession(limits: BridgeLimits, nowMs: number): LegacySession {
  const id = newSessionId();
  const exchanges = new Map<string, Exchange>();
  const streams = new Map<number, ReplyStream>();
  const log: EventLog = eventLog();
  let listener: { response: ServerResponse; writer: EventWriter } | null = null;
  let sentSequence = 0;
  let nextStream = 1;
  let usedAt = nowMs;

  function forget(exchange: Exchange): void {
    exchanges.delete(exchange.key);
    streams.delete(exchange.stream);
  }

  function makeRoom(): void {
    if (exchanges.size < limits.inFlightMax) return;
    for (const exchange of exchanges.values()) {
      if (exchange.reply.attached) continue;
      exchange.reply.close();
      return forget(exchange);
    }
    throw new Fault('upstream_unavailable', { reason: `${limits.inFlightMax} calls of this session are waiting` }, { extra: { retry_after: 1 } });
  }

  const session: LegacySession = {
    id,
    protocolVersion: '',
    exchanges,
    open(request, source, onAbandoned, headers = noHeaders) {
      const { message } = request;
      if (exchanges.has(message.idKey)) throw new Fault('invalid_request', { reason: 'a request with this id is in flight in this session' });
      makeRoom();
      const stream = nextStream++;
      const reply = replyStream({
        response: request.response,
        acceptsEvents: request.acceptsEvents,
        id: request.id,
        source,
        limits,
        log,
        stream,
        primed: session.protocolVersion >= primingVersion,
        headers,
        onDetached: () => onAbandoned(exchange),
      });
      const exchange: Exchange = { key: message.idKey, reply, stream, tokenKey: progressKey(request) };
      exchanges.set(exchange.key, exchange);
      streams.set(stream, reply);
      return exchange;
    },
    answer(exchange, line) {
      forget(exchange);
      exchange.reply.answer(line);
    },
    cancel(exchange) {
      forget(exchange);
      exchange.reply.close();
    },
    oldest() {
      for (const exchange of exchanges.values()) if (exchange.reply.acceptsEvents && exchange.reply.attached) return exchange;
      return null;
    },
    notify(line) {
      const event = log.append(standing, line);
      if (listener === null) return;
      sentSequence = event.sequence;
      listener.writer.write(event.frame);
    },
    get listening() {
      return listener !== null;
    },
    listen(response, lastEventId, source) {
      const from = lastEventId === null ? { stream: standing, sequence: sentSequence } : eventPlace(log, lastEventId);
      if (from.stream !== standing) return resume(response, from.stream, from.sequence, source);
      // The client has one standing stream; where it opens another, the first is one whose end it has not told us of.
      const previous = listener;
      listener = null;
      previous?.writer.end();
      const writer = eventWriter(response, noHeaders(), source, limits);
      const mine = { response, writer };
      listener = mine;
      for (const event of log.after(standing, from.sequence)) writer.write(event.frame);
      sentSequence = log.last(standing) ?? 0;
      response.on('close', () => {
        if (listener === mine) listener = null;
      });
    },
    touch(now) {
      usedAt = now;
    },
    idleMs(now) {
      if (listener !== null) return 0;
      for (const exchange of exchanges.values()) if (exchange.reply.attached) return 0;
      return now - usedAt;
    },
    end(fault) {
      for (const exchange of exchanges.values()) exchange.reply.refuse(fault);
      exchanges.clear();
      streams.clear();
      listener?.writer.end();
      listener = null;
    },
  };

  /** A reply whose connection broke: what is left of it, and the rest as it comes. */
  function resume(response: ServerResponse, stream: number, sequence: number, source: Source): void {
    const live = streams.get(stream);
    if (live !== undefined) return live.resume(response, sequence);
    const writer = eventWriter(response, noHeaders(), source, limits);
    for (const event of log.after(stream, sequence)) writer.write(event.frame);
    writer.end();
  }

  return session;
}

const noHeaders = (): Readonly<Record<string, string>> => ({});

function progressKey(request: BridgeRequest): string {
  return keyOf(objectOf(request.message.params?.['_meta'])?.['progressToken'], request.line, ['params', '_meta', 'progressToken']);
}

/** Where an event id points to; only an id that this session gave out is one. */
function eventPlace(log: EventLog, lastEventId: string): { stream: number; sequence: number } {
  const match = /^(\d{1,9})-(\d{1,9})$/.exec(lastEventId);
  const stream = Number(match?.[1]);
  const sequence = Number(match?.[2]);
  const last = match === null ? null : log.last(stream);
  if (match === null || sequence > (last ?? 0) || (last === null && stream !== standing)) {
    throw new Fault('invalid_request', { reason: 'Last-Event-ID names no event of this session' });
  }
  return { stream, sequence };
}

import { Fault } from '../kernel/fault.ts';
import { bounds } from '../kernel/bounds.ts';
import { GatheredBytes } from '../kernel/gathered-bytes.ts';
import { EventStream } from '../protocol/event-stream.ts';
import { splitBatch } from '../protocol/split-batch.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { ServerData } from '../snapshot/snapshot.ts';
import { reachOf } from '../upstream/reach.ts';
import type { ReplyControl, ReplyHeaders, ReplySink } from '../upstream/send.ts';
import type { Upstreams } from '../upstream/upstreams.ts';
import { bridgeFault } from './bridge-fault.ts';
import { readMessage, type RpcMessage } from './rpc-message.ts';

export interface ExchangeRequest {
  readonly method: 'POST' | 'GET' | 'DELETE';
  /** Beside those that every request has, flat. */
  readonly headers: readonly string[];
  readonly body: string | null;
  /** Whose request it is: the same always comes to the same target where a server's choice is sticky. */
  readonly caller: string;
  /** The target that keeps the session; empty: any. */
  readonly target?: string;
  /** Ends the wait for the reply sooner than the server's own limit. */
  readonly firstByteMsMax?: number;
  /** A stream that stays open for as long as it is wanted; it ends when its target is drained. */
  readonly longLived?: boolean;
  /** The reply may be silent for long: its reader watches the time. */
  readonly patient?: boolean;
  /** As in `DialogueRequest`. */
  readonly variant?: string | null;
  readonly onTarget?: ((sent: Pick<ReplyControl, 'target' | 'retries' | 'tries'>) => void) | undefined;
  /** It changes nothing, so it may be sent again though it may have arrived. */
  readonly repeatable?: boolean;
}

/** What comes of one HTTP request, in this order: `head`, any number of `message`, then `end` or `failed`; `failed` may come first. */
export interface ExchangeSink {
  head?(reply: ReplyStart): void;
  /** Bytes came, of a message or not. */
  alive?(): void;
  message(message: RpcMessage): void;
  end(reply: ReplyStart): void;
  failed(fault: Fault, reply: ReplyStart | null): void;
}

export interface ReplyStart {
  readonly status: number;
  readonly sessionId: string;
  /** The target that answered. */
  readonly target: string;
  readonly isStream: boolean;
  /** Where the stream stands: see `EventStream`. Null for other replies. */
  readonly events: EventStream | null;
}

export interface Exchange {
  /** Closes the connection. Nothing follows. */
  abort(): void;
  /** The rest is of no interest: the connection is kept for others where the reply is over soon. Nothing follows. */
  release(): void;
}

/** Sends one request to a server and reads the JSON-RPC messages of its reply as they come. Never throws. */
export type SendExchange = (server: Server, request: ExchangeRequest, sink: ExchangeSink) => Exchange;

// The server object is the same for the life of a snapshot.
const places = new WeakMap<ServerData, string>();

/** Where the server is reached and as whom: its addresses, not its name alone, for the server behind a name may be replaced. A key, never shown. */
export function placeOf({ data }: Server): string {
  let place = places.get(data);
  if (place === undefined) {
    place = [
      data.name,
      data.credential?.value ?? '',
      ...reachOf(data).targets.map(({ socketPath, origin, path }) => `${socketPath ?? ''} ${origin}${path}`),
    ].join(' ');
    places.set(data, place);
  }
  return place;
}

export function createSendExchange(upstreams: Upstreams): SendExchange {
  return (server, request, sink) => {
    const { credential } = server.data;
    const headers = ['accept', request.method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream', 'accept-encoding', 'identity'];
    if (request.body !== null) headers.push('content-type', 'application/json');
    headers.push('user-agent', 'gatewayops', ...request.headers);
    if (credential) headers.push(credential.header, credential.value);
    const reader = new ReplyReader(server, sink, request.onTarget);
    const { method, body, caller, target = '', firstByteMsMax = null, longLived = false, patient = false, repeatable = false, variant = null } = request;
    reader.control = upstreams.send(
      server.data,
      {
        method,
        headers,
        body: body === null ? null : Buffer.from(body),
        caller,
        pinned: target === '' ? null : target,
        variant,
        firstByteMsMax,
        longLived,
        patient,
        repeatable,
      },
      reader,
    );
    return reader;
  };
}

/** How long a reply may go on after the message that was waited for. */
const restMs = 1_000;
const batchMax = 1_000;

class ReplyReader implements ReplySink, Exchange {
  control: ReplyControl | null = null;
  private readonly server: Server;
  private readonly sink: ExchangeSink;
  private readonly onTarget: ExchangeRequest['onTarget'];
  private reply: ReplyStart | null = null;
  private isJson = false;
  /** Nothing more is told to the sink. */
  private over = false;
  /** The connection is free again or closed. */
  private complete = false;
  private restTimer: NodeJS.Timeout | null = null;
  private readonly body = new GatheredBytes();
  private bytes = 0;

  constructor(server: Server, sink: ExchangeSink, onTarget: ExchangeRequest['onTarget']) {
    this.server = server;
    this.sink = sink;
    this.onTarget = onTarget;
  }

  abort(): void {
    this.over = true;
    if (!this.complete) this.control?.abort();
  }

  release(): void {
    this.over = true;
    if (this.complete || this.restTimer !== null) return;
    this.restTimer = setTimeout(() => this.abort(), restMs);
    this.restTimer.unref();
  }

  head(status: number, headers: ReplyHeaders, control: ReplyControl): void {
    this.control = control;
    this.onTarget?.(control);
    if (this.over) return control.abort();
    const contentType = firstOf(headers['content-type']);
    const isStream = contentType.startsWith('text/event-stream');
    this.isJson = contentType.startsWith('application/json');
    const events = isStream ? new EventStream(bounds.fabricMessageBytesMax, (data) => this.event(data)) : null;
    this.reply = { status, sessionId: firstOf(headers['mcp-session-id']), target: control.target, isStream, events };
    this.sink.head?.(this.reply);
  }

  data(chunk: Buffer): boolean {
    if (this.over) return true;
    this.sink.alive?.();
    this.bytes += chunk.length;
    const events = this.reply?.events;
    if (events) events.feed(chunk);
    else if (this.bytes > bounds.fabricMessageBytesMax) this.tooLarge();
    else if (this.isJson) this.body.add(chunk);
    return true;
  }

  end(): void {
    this.finish();
    if (this.over || this.reply === null) return;
    if (this.isJson && this.bytes > 0) this.take(this.body.take(), this.reply.status);
    this.ended(this.reply);
  }

  failed(fault: Fault): void {
    this.finish();
    if (this.over) return;
    this.over = true;
    if (this.control) this.onTarget?.(this.control);
    this.sink.failed(fault, this.reply);
  }

  /** Unless the last message was all that was wanted. */
  private ended(reply: ReplyStart): void {
    if (this.over) return;
    this.over = true;
    this.sink.end(reply);
  }

  private finish(): void {
    this.complete = true;
    if (this.restTimer !== null) clearTimeout(this.restTimer);
  }

  private event(data: Buffer | null): void {
    if (this.over) return;
    if (data === null) this.tooLarge();
    else this.take(data, 200);
  }

  private take(json: Buffer, status: number): void {
    for (const one of messagesIn(json)) {
      // The one before may have been all that was wanted.
      if (this.over) return;
      const message = readMessage(one);
      const fault = message?.kind === 'error' ? bridgeFault(this.server, status, message.body) : null;
      if (fault) this.failed(fault);
      else if (message) this.sink.message(message);
      // What stands in a refusal need not be a message of MCP.
      else if (status < 400) this.giveUp('its response is not a valid JSON-RPC message');
    }
  }

  private tooLarge(): void {
    this.giveUp(`it is larger than ${bounds.fabricMessageBytesMax} bytes`);
  }

  private giveUp(reason: string): void {
    const { complete } = this;
    this.failed(new Fault('upstream_invalid', { server: this.server.data.name, reason }));
    if (!complete) this.control?.abort();
  }
}

/** One message, or those of a batch, which servers of 2025-03-26 may send. */
function messagesIn(json: Buffer): readonly Buffer[] {
  if (json.toString('latin1', 0, 16).trimStart()[0] !== '[') return [json];
  try {
    return splitBatch(json, batchMax);
  } catch {
    return [json];
  }
}

function firstOf(value: string | string[] | undefined): string {
  return (typeof value === 'string' ? value : value?.[0]) ?? '';
}

import type { Flight } from '../cache/result-cache.ts';
import { readMessage } from '../fabric/rpc-message.ts';
import { isSessionLost } from '../fabric/session-lost.ts';
import { bounds } from '../kernel/bounds.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import { GatheredBytes } from '../kernel/gathered-bytes.ts';
import { EventIdRewriter } from '../protocol/rewrite-event-ids.ts';
import { SseWatch } from '../protocol/sse-watch.ts';
import type { ReplyControl, ReplyHeaders, ReplySink } from '../upstream/send.ts';
import { AskWatch } from './ask-watch.ts';
import type { OpenStream } from './open-streams.ts';
import { notice, resultOf } from './cached-call.ts';
import { statusOf, type Call } from './rail.ts';
import { isEndless, listenMethod, type Relayed } from './relayed.ts';
import { replyHeaders, textOf } from './reply-headers.ts';
import { ReplyTap } from './reply-tap.ts';
import { ReplyWriter } from './reply-writer.ts';
import { resultRewrite } from './result-rewrite.ts';
import { parseReply, ResponseRewriter, tooLong } from './rewrite-response.ts';
import { eventHolder, unaskedHolder, type HeldSession } from './session-handle.ts';
import { idOfSession } from './session-place.ts';
import { settleReply } from './settle-reply.ts';
import { unfitReply } from './unfit-reply.ts';

const noMessage = Buffer.alloc(0);

/**
 * Relays a reply as it comes: bytes unchanged, nothing buffered but the last part of a reply of known length, which waits
 * until the outcome is with the kernel. Watches what passes for the record.
 */
export class RelayReply implements ReplySink, OpenStream {
  private readonly call: Call;
  private readonly relayed: Relayed;
  /** The session that the request came with, or null, and the server's id of it that the request was sent with. */
  readonly session: HeldSession | null;
  private readonly upstreamSession: string | null;
  /**
   * Set where another session may take the place of one that the server has lost. Called once, when nothing has been told to the client yet:
   * then `passOn`, `acceptAlone` or `giveWay` says what becomes of it.
   */
  onSessionLost: (() => void) | null = null;
  /** The stream is of what the server sends unasked. */
  isUnasked = false;
  private refusal: GatheredBytes | null = null;
  private lostFault: Fault | null = null;
  private control: ReplyControl | null = null;
  private readonly finished: () => void;

  private status = 0;
  private readonly writer: ReplyWriter;
  private watch: SseWatch | null = null;
  private rewriter: EventIdRewriter | ResponseRewriter | null = null;
  /** Changes the response as rules have it, or null where none do. */
  private readonly rewrite: ((json: Buffer) => Buffer) | null;
  /** Where the response goes that others may be given as well, or null. */
  private readonly flight: Flight | null;
  /** The chunks of a JSON reply for `flight`; null once there are too many. */
  private copy: Buffer[] | null = null;
  /** The response as rules have changed it. */
  private changed: Buffer | null = null;
  /** The chunks of a reply that is changed once it is whole. */
  private whole: Buffer[] | null = null;
  private statusOnly = false;
  private expectedBytes = -1;
  private held: Buffer | null = null;
  private tap: ReplyTap | null = null;
  private readonly asks: AskWatch | null;
  private done = false;

  /** `finished` runs once, when nothing of this call is under way any more. */
  constructor(call: Call, relayed: Relayed, session: HeldSession | null, flight: Flight | null, finished: () => void) {
    this.call = call;
    this.relayed = relayed;
    this.session = session;
    this.upstreamSession = session === null ? null : idOfSession(session.placed);
    this.finished = finished;
    this.asks = relayed.era === 'legacy' && relayed.kind === 'request' ? new AskWatch(call.record) : null;
    this.flight = flight;
    call.refuse = (fault) => {
      if (this.done) return;
      this.failed(fault);
      this.control?.abort();
    };
    const rewrite = resultRewrite(call, relayed);
    this.rewrite = rewrite && ((json) => (this.changed = rewrite(json)));
    this.writer = new ReplyWriter(
      call,
      () => this.control?.resume(),
      () => this.clientClosed(),
    );
  }

  get server(): string | undefined {
    return this.call.server?.data.name;
  }

  /** The control of the request under way; before the reply begins this is how a client's leaving reaches the server. */
  attach(control: ReplyControl): void {
    this.control = control;
    if (this.writer.isGone) this.clientClosed();
  }

  head(status: number, headers: ReplyHeaders, control: ReplyControl): void {
    const { call, relayed } = this;
    this.control = control;
    this.status = status;
    call.record.firstByteAt = performance.now();
    call.record.httpStatus = status;
    const contentType = textOf(headers['content-type']);
    call.record.replyContentType = contentType.slice(0, 100);
    const unfit = unfitReply(status, contentType, relayed, call.server?.data.name ?? '', textOf(headers['retry-after']));
    if (unfit) {
      this.failed(unfit);
      control.abort();
      return;
    }
    if ((status === 400 || status === 404 || status === 405) && call.server !== null) call.rail.servers.doubtEras(call.server);
    // The status of a refusal says what a client must know (404: the session is gone; 400: not this era); its prose stays here.
    // 202 and 204 have no body by definition: one that came all the same would be taken for the next reply.
    this.statusOnly = status === 202 || status === 204 || (status >= 400 && !contentType.startsWith('application/json'));
    const out = replyHeaders(call, relayed, headers, this.statusOnly ? '' : contentType, control.target);
    if (!this.statusOnly && contentType.startsWith('text/event-stream')) {
      out.push('X-Accel-Buffering', 'no');
      const { server } = call;
      const passes = server !== null && server.cache !== null && isEndless(relayed);
      this.watch = passes
        ? new SseWatch(bounds.replyTapBytesMax, (json) => notice(call, server, json))
        : new SseWatch(this.flight === null ? bounds.replyTapBytesMax : bounds.cacheEntryBytesMax);
      if (this.rewrite !== null) this.rewriter = new ResponseRewriter(this.server ?? '', this.rewrite);
      else if (relayed.era === 'legacy') {
        const holder = eventHolder(call.principal?.id ?? '', call.server?.data.name ?? '', this.upstreamSession ?? textOf(headers['mcp-session-id']));
        const own = this.isUnasked ? unaskedHolder(holder) : holder;
        this.rewriter = new EventIdRewriter((eventId) => call.rail.sessions.signEventId(eventId, own));
      }
      // What may have changed while the session was lost.
      this.writer.beginStream(status, out, this.isUnasked && this.session !== null ? this.session.notices : '');
      call.rail.streams.add(this);
      return;
    }
    if (this.onSessionLost !== null && (status === 404 || status === 400)) this.refusal = new GatheredBytes();
    if (this.flight !== null && status === 200) this.copy = [];
    if (this.rewrite !== null && !this.statusOnly) {
      this.whole = [];
      this.writer.head(status, out);
      return;
    }
    const length = this.statusOnly ? (status === 204 ? '' : '0') : textOf(headers['content-length']);
    if (length !== '') {
      this.expectedBytes = Number(length);
      out.push('Content-Length', length);
    }
    this.writer.head(status, out);
  }

  data(chunk: Buffer): boolean {
    const { call, watch } = this;
    if (this.done) return true;
    call.record.replyBytes += chunk.length;
    if (this.statusOnly) return true;
    if (this.refusal !== null) {
      this.refusal.add(chunk);
      // So much is said by no server that has lost a session.
      if (call.record.replyBytes <= bounds.sessionRefusalBytesMax) return true;
      chunk = this.refusal.take();
      this.refusal = null;
    }
    if (watch === null) return this.body(chunk);
    watch.feed(chunk);
    this.asks?.see(watch.lastData);
    if (watch.oversized) {
      this.giveUp(new Fault('upstream_invalid', { server: call.server?.data.name ?? '', reason: `an event is larger than ${bounds.sseEventBytesMax} bytes` }));
      return true;
    }
    let out = chunk;
    try {
      if (this.rewriter !== null) out = this.rewriter.transform(chunk);
    } catch (thrown) {
      this.giveUp(asFault(thrown));
      return true;
    }
    return out.length === 0 || this.writer.write(out);
  }

  /** A part of a reply that is no stream. */
  private body(chunk: Buffer): boolean {
    const { record } = this.call;
    this.tap ??= new ReplyTap();
    this.tap.feed(chunk);
    if (this.copy !== null && this.whole === null) {
      this.copy.push(chunk);
      if (record.replyBytes > bounds.cacheEntryBytesMax) this.copy = null;
    }
    if (this.whole !== null) {
      if (record.replyBytes > bounds.rewriteBytesMax) this.giveUp(tooLong(this.server ?? ''));
      else this.whole.push(chunk);
      return true;
    }
    if (this.expectedBytes >= 0 && record.replyBytes >= this.expectedBytes) {
      this.held = chunk;
      return true;
    }
    return this.writer.write(chunk);
  }

  /** The result as the client gets it, or null where there is none, or more than is kept. */
  private resultToKeep(): Buffer | null {
    const { watch, status } = this;
    if (status !== 200) return null;
    const message = this.changed ?? (watch === null ? this.copy && Buffer.concat(this.copy) : watch.lastIsWhole ? watch.lastData : null);
    return message === null ? null : resultOf(message);
  }

  /** The reply cannot go on: what is left of it is not waited for. */
  private giveUp(fault: Fault): void {
    this.failed(fault);
    this.control?.abort();
  }

  end(): void {
    if (this.done) return;
    if (this.refusal !== null && isSessionLost(this.status, readMessage(this.refusal.peek()), this.call.idText ?? '')) return this.leave(null);
    this.endWhole();
  }

  /** The session stays lost: its client is told what the server said. */
  passOn(): void {
    if (this.lostFault === null) this.endWhole();
    else this.failed(this.lostFault);
  }

  /** What the message was about was lost with the session: there is nothing to tell the server, and nothing to tell its client of. */
  acceptAlone(): void {
    this.status = this.call.record.httpStatus = 202;
    this.statusOnly = true;
    this.refusal = null;
    this.writer.head(202, ['X-Trace-ID', this.call.traceId, 'X-Request-ID', this.call.requestId, ...this.call.headers, 'Content-Length', '0']);
    this.endWhole();
  }

  /** Another reply takes the place of this one. */
  giveWay(): void {
    this.done = true;
  }

  private leave(fault: Fault | null): void {
    const { onSessionLost } = this;
    this.onSessionLost = null;
    this.lostFault = fault;
    onSessionLost?.();
  }

  private endWhole(): void {
    if (this.done) return;
    const { refusal } = this;
    this.refusal = null;
    if (refusal !== null && refusal.length > 0) this.body(refusal.peek());
    if (this.whole !== null && this.rewrite !== null) {
      const json = Buffer.concat(this.whole);
      try {
        parseReply(json.toString('utf8'), this.server ?? '');
        this.held = this.rewrite(json);
      } catch (thrown) {
        this.failed(asFault(thrown));
        return;
      }
      this.writer.addHeader('Content-Length', String(this.held.length));
    }
    this.close();
    const { call, relayed } = this;
    if (this.held !== null) call.bodies?.add(this.held);
    this.flight?.end(this.resultToKeep());
    const json = this.watch === null ? (this.tap?.json() ?? noMessage) : (this.watch.lastData ?? noMessage);
    void settleReply(call, relayed, this.status, json, this.isCancelled()).then(() => this.conclude(null));
  }

  failed(fault: Fault): void {
    if (this.done) return;
    // Its target was taken away, or drains: nothing was sent.
    if (this.onSessionLost !== null && fault.code === 'session_not_found') return this.leave(fault);
    this.close();
    const { call } = this;
    const { record, response } = call;
    const cancelled = this.isCancelled();
    record.fault = cancelled ? '' : fault.code;
    record.rpcErrorCode = cancelled ? 0 : fault.row.rpcCode;
    if (!response.headersSent) record.httpStatus = fault.row.status;
    if (!cancelled && call.revoked === null)
      call.rail.log.warn('upstream.failed', {
        server: call.server?.data.name,
        code: fault.code,
        ...call.logFields,
        reason: fault.cause instanceof Error ? fault.cause.message : undefined,
      });
    void call.settle(cancelled ? 'cancelled' : statusOf(fault), record.firstByteAt === 0 ? 'server' : 'reply').then(() => this.conclude(fault));
  }

  /** The last of the reply, once its outcome is recorded. What fails here fails for this call only. */
  private conclude(fault: Fault | null): void {
    const { call } = this;
    try {
      if (fault === null) this.writer.end(this.held ?? this.rewriter?.rest() ?? noMessage);
      // One that can be resumed is only cut: an error would be its answer.
      else this.writer.fail(fault, this.watch?.betweenEvents === true && this.rewriter?.resumable !== true);
    } catch (error) {
      call.rail.log.error('call.crashed', { ...call.logFields, reason: error instanceof Error ? error.stack : String(error) });
      call.response.destroy();
    }
    this.finished();
  }

  keepAlive(before: number): void {
    if (this.watch?.betweenEvents === true) this.writer.keepAlive(before);
  }

  drain(): void {
    const { call, relayed } = this;
    const { response } = call;
    if (this.done || this.watch === null || !isEndless(relayed)) return;
    this.close();
    // 2026-07-28, subscriptions: the graceful end of a listen is its result; a legacy stream just ends and is opened anew.
    if (relayed.method === listenMethod && call.idText !== null && this.watch.betweenEvents) {
      response.write(
        `event: message\ndata: {"jsonrpc":"2.0","id":${call.idText},"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":${call.idText}}}}\n\n`,
      );
    }
    void call.settle('success', 'reply').then(() => {
      response.end();
      this.finished();
    });
    this.control?.abort();
  }

  /** The client left. In the modern era that cancels the call; a legacy call goes on, its reply may be fetched by resuming. */
  private clientClosed(): void {
    if (this.done) return;
    if (this.isCancelled()) this.control?.abort();
    else this.writer.letGo();
  }

  /** A legacy request goes on without its client. */
  private isCancelled(): boolean {
    return this.writer.isGone && (this.relayed.era === 'modern' || this.relayed.kind !== 'request');
  }

  private close(): void {
    this.done = true;
    if (this.control !== null) this.call.record.noteTarget(this.control);
    this.writer.stopWaiting();
    if (this.watch !== null) this.call.rail.streams.delete(this);
  }
}

import { bounds } from '../kernel/bounds.ts';
import type { Fault } from '../kernel/fault.ts';
import { cutUnread, rpcErrorText } from '../listener/respond.ts';
import { eventText } from '../protocol/event-text.ts';
import type { OpenStream } from './open-streams.ts';
import type { Call } from './rail.ts';

/**
 * Answers one request of a client that the gateway's fronts serve: as JSON where the response comes first, as a stream of events from the
 * first message that comes before it. Once the client has left, or the reply is over, everything more is dropped.
 */
export class FrontReply implements OpenStream {
  /** True once a message went out as an event: a fault can only be said as another. */
  streaming = false;
  private readonly call: Call;
  private readonly onDrain: () => void;
  private lastWriteAt = 0;
  private over = false;

  /** `onLeft` runs when the client leaves before the reply is over; `onDrain` when the worker drains, for streams that would never end. */
  constructor(call: Call, onLeft: () => void, onDrain: () => void = () => undefined) {
    this.call = call;
    this.onDrain = onDrain;
    call.response.on('close', () => {
      if (this.over) return;
      this.close();
      onLeft();
    });
  }

  get server(): string | undefined {
    return this.call.server?.data.name ?? this.call.endpoint?.name;
  }

  /** True where nobody reads any more. */
  get left(): boolean {
    return this.call.response.destroyed;
  }

  /** False where an event cannot be sent: the client takes none, or is gone. */
  get takesEvents(): boolean {
    const { accept } = this.call.inbound;
    return !this.over && !this.left && (accept === undefined || accept.includes('text/event-stream') || accept.includes('*/*'));
  }

  /** Begins the stream, before its first event. */
  open(): void {
    const { call } = this;
    if (this.streaming || !this.takesEvents) return;
    this.streaming = true;
    this.begin(200, ['Content-Type', 'text/event-stream', 'Cache-Control', 'no-cache', 'X-Accel-Buffering', 'no']);
    call.response.flushHeaders();
    this.lastWriteAt = performance.now();
    call.rail.streams.add(this);
  }

  /** A message before the response. */
  event(json: string): void {
    const { response } = this.call;
    if (!this.takesEvents) return;
    this.open();
    this.call.bodies?.addMessage(json);
    // A reader so slow would have the gateway keep the whole stream for it.
    if (response.writableLength > bounds.streamBufferBytesMax) response.destroy();
    else this.write(eventText(json));
  }

  /** The response, and the end. `status` counts where nothing was sent yet. */
  finish(status: number, json: string, headers: readonly string[] = []): void {
    const { response } = this.call;
    if (this.over || this.left) return;
    if (this.streaming) this.write(eventText(json));
    else {
      const body = Buffer.from(json);
      this.begin(status, [...(body.length > 0 ? ['Content-Type', 'application/json'] : []), 'Content-Length', String(body.length), ...headers]);
      response.write(body);
      this.call.record.replyBytes += body.length;
    }
    this.end();
  }

  /** The end of a stream without a response, or with a fault. A fault without a stream is for the caller to answer. */
  end(fault: Fault | null = null): void {
    const { call } = this;
    const { response } = call;
    if (this.over || this.left) return;
    if (fault !== null && call.idText !== null) this.write(eventText(rpcErrorText(fault, call.requestId, call.idText)));
    this.close();
    response.end();
    if (response.writableLength > 0) cutUnread(response);
  }

  keepAlive(before: number): void {
    const { response } = this.call;
    if (this.over || this.lastWriteAt > before || response.writableNeedDrain) return;
    this.lastWriteAt = performance.now();
    response.write(':\n\n');
  }

  drain(): void {
    if (!this.over) this.onDrain();
  }

  private begin(status: number, headers: readonly string[]): void {
    const { call } = this;
    if (call.record.firstByteAt === 0) call.record.firstByteAt = performance.now();
    call.record.httpStatus = status;
    call.record.replyContentType = headers[0] === 'Content-Type' ? (headers[1] ?? '') : '';
    call.response.writeHead(status, ['X-Trace-ID', call.traceId, 'X-Request-ID', call.requestId, ...call.headers, ...headers]);
  }

  private write(text: string): void {
    this.lastWriteAt = performance.now();
    this.call.record.replyBytes += Buffer.byteLength(text);
    this.call.response.write(text);
  }

  private close(): void {
    this.over = true;
    if (this.streaming) this.call.rail.streams.delete(this);
  }
}

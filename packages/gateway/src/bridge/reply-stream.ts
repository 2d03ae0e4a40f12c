import type { ServerResponse } from 'node:http';
import type { Fault } from '../kernel/fault.ts';
import { eventFrame, type EventLog } from './event-log.ts';
import { eventWriter, type EventWriter, type EventWriterLimits, type Source } from './event-writer.ts';
import { respondFault, rpcError } from './rpc-error.ts';

/**
 * The reply to one POSTed request. It is plain JSON where the answer is the first that comes, and an event stream where
 * something comes before it or nothing comes for the keep-alive time.
 */
export interface ReplyStream {
  /** A message that belongs to the request and comes before its answer. */
  event(line: Buffer): void;
  /** The answer; the reply ends with it. `status` counts only while nothing was sent. */
  answer(line: Buffer | string, status?: number): void;
  refuse(fault: Fault): void;
  /** Ends the reply without an answer: the request was cancelled. */
  close(): void;
  /** The client, whose connection broke, is back: sends what came after `sequence` and goes on. */
  resume(response: ServerResponse, sequence: number): void;
  readonly attached: boolean;
  /** Whether events can reach the client here at all. */
  readonly acceptsEvents: boolean;
}

export interface ReplyOptions {
  readonly response: ServerResponse;
  readonly acceptsEvents: boolean;
  /** JSON text of the request's id. */
  readonly id: string;
  readonly source: Source;
  readonly limits: EventWriterLimits;
  /** Where events are kept for resumption, and the stream's number there; null: they are not. */
  readonly log: EventLog | null;
  readonly stream: number;
  /** An event with an id and no data comes first, so that the client can resume before anything has come (from 2025-11-25). */
  readonly primed: boolean;
  readonly headers: () => Readonly<Record<string, string>>;
  /** The connection is gone and the answer has not been sent. */
  readonly onDetached: () => void;
}

const onePieceBytesMax = 16 * 1024;

export function replyStream(options: ReplyOptions): ReplyStream {
  const { log, stream, limits } = options;
  let response: ServerResponse | null = null;
  let writer: EventWriter | null = null;
  let decided = false;
  let done = false;
  const firstComment = setTimeout(() => decide(), limits.keepAliveMs);
  attach(options.response);

  function attach(to: ServerResponse): void {
    response = to;
    to.on('close', () => {
      if (response !== to) return;
      response = null;
      writer = null;
      if (!done) options.onDetached();
    });
  }

  /** From here on the reply is an event stream. */
  function decide(): void {
    clearTimeout(firstComment);
    if (decided || done || response === null || !options.acceptsEvents) return;
    decided = true;
    writer = eventWriter(response, options.headers(), options.source, limits);
    if (options.primed && log !== null) writer.write(`id: ${stream}-0\ndata: \n\n`);
  }

  function finish(): void {
    done = true;
    clearTimeout(firstComment);
  }

  return {
    event(line) {
      decide();
      if (!decided) return;
      const frame = log === null ? eventFrame(line) : log.append(stream, line).frame;
      writer?.write(frame);
    },
    answer(line, status = 200) {
      if (done) return;
      finish();
      if (decided) {
        const frame = log === null ? eventFrame(line) : log.append(stream, line).frame;
        writer?.write(frame);
        writer?.end();
      } else if (response !== null) {
        response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(line), ...options.headers() });
        // As text of the same bytes a short answer leaves with its head in one piece.
        if (typeof line !== 'string' && line.length <= onePieceBytesMax) response.end(line.toString('latin1'), 'latin1');
        else response.end(line);
      }
    },
    refuse(fault) {
      if (decided) return this.answer(rpcError(fault, options.id));
      if (done) return;
      finish();
      if (response !== null) respondFault(response, fault, options.id);
    },
    close() {
      if (done) return;
      decide();
      finish();
      if (writer === null) response?.destroy();
      else writer.end();
    },
    resume(to, sequence) {
      response?.destroy();
      attach(to);
      decided = true;
      writer = eventWriter(to, options.headers(), options.source, limits);
      for (const event of log?.after(stream, sequence) ?? []) writer.write(event.frame);
    },
    get attached() {
      return response !== null;
    },
    acceptsEvents: options.acceptsEvents,
  };
}

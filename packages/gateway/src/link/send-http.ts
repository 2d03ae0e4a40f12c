import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import { bounds } from '../kernel/bounds.ts';

/** Opens a request to the endpoint, without its body. `content-length` is among the headers. */
export type OpenRequest = (method: HttpMethod, headers: Readonly<Record<string, string>>) => ClientRequest;
export type HttpMethod = 'POST' | 'GET' | 'DELETE';

export interface HttpRequest {
  readonly method: HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

/** What became of a request. `place`: where its event stream can be taken up again. */
export type HttpOutcome =
  /** A whole reply that is no event stream. */
  | { readonly kind: 'body'; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }
  /** An event stream that has ended, in order or not. */
  | { readonly kind: 'stream'; readonly place: StreamPlace }
  /** No reply. `sent`: whether some of the request may have reached the other side. */
  | { readonly kind: 'none'; readonly sent: boolean; readonly error: Error };

export interface StreamPlace {
  readonly lastEventId: string | null;
  /** What the server asks to wait before the stream is taken up, or null. */
  readonly retryMs: number | null;
  readonly events: number;
}

export interface HttpSink {
  head(status: number, headers: IncomingHttpHeaders): void;
  /** Data of one event. */
  event(data: string): void;
}

export interface HttpExchange {
  readonly outcome: Promise<HttpOutcome>;
  /** Closes the connection; the outcome follows. */
  abort(): void;
  /** Stops reading the reply until `resume`. */
  pause(): void;
  resume(): void;
}

/** Sends a request and reads its reply, of at most `bounds.facadeReplyBytesMax` bytes where it is no stream. Never throws. */
export function sendHttp(open: OpenRequest, { method, headers, body }: HttpRequest, sink: HttpSink): HttpExchange {
  const { promise, resolve } = Promise.withResolvers<HttpOutcome>();
  let response: IncomingMessage | null = null;
  let paused = false;
  let sent = false;
  let request: ClientRequest | null = null;

  try {
    request = open(method, { ...headers, ...(body === null ? {} : { 'content-length': String(body.length) }) });
    request.on('socket', (socket) => {
      // On a connection that is there already the request may be on its way; a new one has to be made first.
      if (!socket.connecting) sent = true;
      else socket.once('connect', () => (sent = true));
    });
    request.on('error', (error) => resolve({ kind: 'none', sent, error }));
    request.on('response', (answer) => {
      response = answer;
      if (paused) answer.pause();
      sink.head(answer.statusCode ?? 0, answer.headers);
      const isStream = answer.statusCode === 200 && (answer.headers['content-type'] ?? '').startsWith('text/event-stream');
      if (isStream) readStream(answer, sink, resolve);
      else readBody(answer, resolve);
    });
    request.end(body ?? undefined);
  } catch (error) {
    resolve({ kind: 'none', sent: false, error: error instanceof Error ? error : new Error(String(error)) });
  }

  return {
    outcome: promise,
    abort: () => void request?.destroy(),
    pause() {
      paused = true;
      response?.pause();
    },
    resume() {
      paused = false;
      response?.resume();
    },
  };
}

function readBody(answer: IncomingMessage, resolve: (outcome: HttpOutcome) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bounds.facadeReplyBytesMax) answer.destroy(new Error(`its reply is larger than ${bounds.facadeReplyBytesMax} bytes`));
    else chunks.push(chunk);
  });
  answer.on('end', () => resolve({ kind: 'body', status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }));
  answer.on('error', (error) => resolve({ kind: 'none', sent: true, error }));
  answer.on('close', () => resolve({ kind: 'none', sent: true, error: new Error('the reply was cut') }));
}

function readStream(answer: IncomingMessage, sink: HttpSink, resolve: (outcome: HttpOutcome) => void): void {
  let lastEventId: string | null = null;
  let retryMs: number | null = null;
  let events = 0;
  const parser = createParser({
    maxBufferSize: bounds.sseEventBytesMax,
    onEvent({ id, data, event }) {
      if (id !== undefined && id !== '') lastEventId = id;
      events++;
      if (data !== '' && (event === undefined || event === 'message')) sink.event(data);
    },
    onRetry: (value) => (retryMs = value),
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') answer.destroy();
    },
  });
  const over = (): void => resolve({ kind: 'stream', place: { lastEventId, retryMs, events } });
  answer.setEncoding('utf8');
  answer.on('data', (chunk: string) => {
    if (!answer.destroyed) parser.feed(chunk);
  });
  answer.on('end', over);
  answer.on('error', over);
  answer.on('close', over);
}

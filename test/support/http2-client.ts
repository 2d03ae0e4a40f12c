/** A client of HTTP/2 over TLS for tests: one connection, and each request with all that became of it. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type SecureClientSessionOptions,
} from 'node:http2';

export interface Http2Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The code of the reset that ended it, 0 where it ended in order. */
  readonly resetCode: number;
}

export interface Http2Client {
  readonly session: ClientHttp2Session;
  /** Sends a request: POST where there is a body. A `host` among the headers is sent as it is, beside `:authority`. */
  request(path: string, options?: Http2Options): { readonly stream: ClientHttp2Stream; readonly answer: Promise<Http2Answer> };
  close(): void;
}

export interface Http2Options {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Written as JSON unless it is text. */
  readonly body?: unknown;
  /** False: the body stays open. */
  readonly end?: boolean;
  readonly onText?: (text: string) => void;
}

export async function connectHttp2(url: string, options: SecureClientSessionOptions): Promise<Http2Client> {
  const session = connect(url, options);
  await new Promise<void>((resolve, reject) => {
    session.once('connect', () => resolve());
    session.once('error', reject);
  });
  session.on('error', () => undefined);
  return {
    session,
    request(path, { method, headers = {}, body, end = true, onText } = {}) {
      const payload = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
      const stream = session.request(
        {
          ':path': path,
          ':method': method ?? (payload === null ? 'GET' : 'POST'),
          accept: 'application/json, text/event-stream',
          ...(payload === null ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        { endStream: payload === null && end },
      );
      const answer = new Promise<Http2Answer>((resolve) => {
        let received: IncomingHttpHeaders & IncomingHttpStatusHeader = {};
        let text = '';
        stream.on('response', (given) => (received = given));
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          onText?.(chunk);
        });
        stream.on('error', () => undefined);
        stream.on('close', () => resolve({ status: received[':status'] ?? 0, headers: received, text, resetCode: stream.rstCode }));
      });
      if (payload !== null) {
        stream.write(payload);
        if (end) stream.end();
      }
      return { stream, answer };
    },
    close: () => session.destroy(),
  };
}

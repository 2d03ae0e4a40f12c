/** A TCP client that writes exactly the bytes it is given and reads replies as they come: for what no HTTP library would send. */
import { connect } from 'node:net';
import { until } from './poll.ts';

export interface RawReply {
  readonly status: number;
  /** As written, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The value of the first header of that name, in any case; null without one. */
  header(name: string): string | null;
  readonly body: Buffer;
  /** False while more of the body is to come, or when the connection ended before it did. */
  readonly complete: boolean;
}

export interface RawConnection {
  write(bytes: string | Buffer): void;
  /** Half-closes: nothing more will be written, replies are still read. */
  end(): void;
  /** Leaves with a reset instead of an orderly close. */
  reset(): void;
  /** Stops and starts reading; the kernel's buffers fill meanwhile. */
  pause(): void;
  resume(): void;
  /** All that was read so far. */
  bytes(): Buffer;
  /** What was read, taken as HTTP/1.1 replies, interim ones (1xx) included. Throws on what is not HTTP. */
  replies(): RawReply[];
  /** Waits for so many complete replies (1xx not counted), or for the end of the connection, whichever is first. */
  reply(count?: number, timeoutMs?: number): Promise<RawReply>;
  /** Waits until the peer closed or reset the connection. */
  closed(timeoutMs?: number): Promise<'ended' | 'reset'>;
  readonly isClosed: boolean;
  destroy(): void;
}

/** Resolves when connected. Text is written as Latin-1, so that each character is one byte. */
export async function openRaw(port: number, host = '127.0.0.1'): Promise<RawConnection> {
  const socket = connect({ port, host, noDelay: true, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  let ending: 'ended' | 'reset' | null = null;
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('end', () => (ending ??= 'ended'));
  socket.on('close', () => (ending ??= 'ended'));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => (ending ??= 'reset'));

  const connection: RawConnection = {
    write: (bytes) => void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    bytes: () => Buffer.concat(chunks),
    replies: () => parseReplies(Buffer.concat(chunks), ending !== null),
    async reply(count = 1, timeoutMs = 30_000) {
      const final = (): RawReply[] => connection.replies().filter((reply) => reply.status >= 200);
      // Of a reply of many mebibytes each look costs as much as what has come of it: looks take at most a fifth of the time.
      let lookAt = 0;
      const isThere = (): boolean => {
        const from = performance.now();
        if (ending !== null || from < lookAt) return ending !== null;
        const found = final().filter((reply) => reply.complete).length >= count;
        lookAt = performance.now() + 4 * (performance.now() - from);
        return found;
      };
      await until(isThere, { timeoutMs, what: `reply ${count}` });
      const reply = final()[count - 1];
      if (!reply)
        throw new Error(
          `the connection ${ending ?? 'stands'} after ${final().length} replies: ${JSON.stringify(connection.bytes().toString('latin1').slice(0, 200))}`,
        );
      return reply;
    },
    async closed(timeoutMs = 30_000) {
      return until(() => ending, { timeoutMs, what: 'the peer to close' });
    },
    get isClosed() {
      return ending !== null;
    },
    destroy: () => void socket.destroy(),
  };
  return connection;
}

/** Sends the bytes on a new connection and returns the first reply. */
export async function sendRaw(port: number, bytes: string | Buffer, timeoutMs = 30_000): Promise<RawReply> {
  const connection = await openRaw(port);
  try {
    connection.write(bytes);
    return await connection.reply(1, timeoutMs);
  } finally {
    connection.destroy();
  }
}

/** A request as it stands on the wire, with just these header lines; Content-Length is the caller's to write. */
export function requestBytes(line: string, headers: readonly string[], body: string | Buffer = ''): Buffer {
  return Buffer.concat([Buffer.from(`${[line, ...headers].join('\r\n')}\r\n\r\n`, 'latin1'), typeof body === 'string' ? Buffer.from(body) : body]);
}

/** RFC 9112, 6.3: where the body of each reply ends. The reply to a HEAD request is not handled. */
function parseReplies(bytes: Buffer, ended: boolean): RawReply[] {
  const replies: RawReply[] = [];
  for (let at = 0; at < bytes.length;) {
    const headEnd = bytes.indexOf('\r\n\r\n', at);
    if (headEnd < 0) break;
    const [statusLine = '', ...lines] = bytes.toString('latin1', at, headEnd).split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]);
    if (!Number.isInteger(status)) throw new Error(`not a reply of HTTP/1: ${statusLine.slice(0, 100)}`);
    const headers = lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
    const header = (name: string): string | null => headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? null;
    const { body, next, complete } = takeBody(bytes, headEnd + 4, status, header, ended);
    replies.push({ status, headers, header, body, complete });
    if (!complete) break;
    at = next;
  }
  return replies;
}

interface TakenBody {
  readonly body: Buffer;
  readonly next: number;
  readonly complete: boolean;
}

function takeBody(bytes: Buffer, start: number, status: number, header: (name: string) => string | null, ended: boolean): TakenBody {
  if (status < 200 || status === 204 || status === 304) return { body: Buffer.alloc(0), next: start, complete: true };
  if (header('transfer-encoding')?.toLowerCase() === 'chunked') return takeChunks(bytes, start);
  const length = header('content-length');
  if (length === null) return { body: bytes.subarray(start), next: bytes.length, complete: ended };
  const end = start + Number(length);
  return { body: bytes.subarray(start, end), next: end, complete: bytes.length >= end };
}

function takeChunks(bytes: Buffer, start: number): TakenBody {
  const parts: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return { body: Buffer.concat(parts), next: bytes.length, complete: false };
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (!Number.isInteger(size)) throw new Error('not a chunk size');
    const data = lineEnd + 2;
    if (size === 0) {
      const end = bytes.indexOf('\r\n', data) === data ? data + 2 : endOfTrailers(bytes, data);
      return { body: Buffer.concat(parts), next: end, complete: end > 0 };
    }
    parts.push(bytes.subarray(data, data + size));
    at = data + size + 2;
    if (at > bytes.length) return { body: Buffer.concat(parts), next: bytes.length, complete: false };
  }
}

/** 0 where they have not ended yet. */
function endOfTrailers(bytes: Buffer, start: number): number {
  const end = bytes.indexOf('\r\n\r\n', start);
  return end < 0 ? 0 : end + 4;
}

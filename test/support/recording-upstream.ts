/**
 * An HTTP/1.1 server for tests that keeps what it was sent, byte by byte, and answers as scripted, well or badly. It is
 * written on sockets, since a library would neither show the raw bytes nor send a broken reply.
 */
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { defaultReply, json, type Reply } from './replies.ts';
import { until } from './poll.ts';

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  /** As written, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** All values of the headers of that name, in any case. */
  header(name: string): string[];
  /** Decoded from chunks where it came in chunks. */
  readonly body: Buffer;
  /** The request line, the header lines and the body, just as they came. */
  readonly raw: Buffer;
  /** Which connection it came on, from 1. */
  readonly connection: number;
  /** True once the peer left before the reply was over. */
  readonly abandoned: boolean;
}

export interface RecordingUpstream {
  /** `http://127.0.0.1:{port}/mcp` */
  readonly url: string;
  readonly port: number;
  /** Requests that came whole. */
  readonly requests: readonly RecordedRequest[];
  readonly hits: number;
  /** Connections accepted so far, and those open now. */
  readonly connections: number;
  readonly openConnections: number;
  /** Every byte that was read on any connection, in order of arrival, at most 64 MiB: for canaries. */
  allBytes(): Buffer;
  /** How all further requests are answered. */
  reply: Reply;
  /** How the next request is answered; more calls queue up. */
  next(reply: Reply): void;
  forget(): void;
  /** Waits until so many requests have come. */
  received(count: number, timeoutMs?: number): Promise<RecordedRequest>;
  stop(): Promise<void>;
}

const keptBytesMax = 64 * 1024 * 1024;

/** @param reply how requests are answered; by default with an MCP result that repeats the request's id */
export async function startRecordingUpstream(reply: Reply = defaultReply, port = 0): Promise<RecordingUpstream> {
  const requests: MutableRequest[] = [];
  const queue: Reply[] = [];
  const sockets = new Set<Socket>();
  const kept: Buffer[] = [];
  let keptBytes = 0;
  let connections = 0;

  const server = createServer({ noDelay: true }, (socket) => {
    connections += 1;
    const connection = connections;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    let buffered: Buffer = Buffer.alloc(0);
    let busy = false;

    socket.on('data', (chunk) => {
      if (keptBytes < keptBytesMax) kept.push(chunk);
      keptBytes += chunk.length;
      buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
      void serve();
    });

    async function serve(): Promise<void> {
      // One after the other, as HTTP/1.1 has it.
      if (busy) return;
      busy = true;
      for (let parsed = parseRequest(buffered); parsed !== null && !socket.destroyed; parsed = parseRequest(buffered)) {
        buffered = buffered.subarray(parsed.raw.length);
        if (upstream.reply.scriptsEras !== true && isEraQuestion(parsed)) {
          await eraAnswer(parsed, socket);
          continue;
        }
        const request: MutableRequest = { ...parsed, connection, abandoned: false };
        const onClose = (): void => {
          request.abandoned = true;
        };
        socket.once('close', onClose);
        requests.push(request);
        try {
          await (queue.shift() ?? upstream.reply)(request, socket);
        } catch (error) {
          // A reply that waits for its reader (`once(socket, 'drain')`) is told so that the reader has gone.
          if (!socket.destroyed) throw error;
        }
        socket.off('close', onClose);
      }
      busy = false;
    }
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo;

  const upstream: RecordingUpstream = {
    url: `http://127.0.0.1:${address.port}/mcp`,
    port: address.port,
    requests,
    get hits() {
      return requests.length;
    },
    get connections() {
      return connections;
    },
    get openConnections() {
      return sockets.size;
    },
    allBytes: () => Buffer.concat(kept),
    reply,
    next: (one) => void queue.push(one),
    forget() {
      requests.length = 0;
      kept.length = 0;
      keptBytes = 0;
    },
    received: (count, timeoutMs = 10_000) => until(() => requests[count - 1], { timeoutMs, what: `request ${count} at the upstream` }),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return upstream;
}

/** What the gateway asks of a server before its first call, to know its eras; not recorded where the test scripts no answer to it. */
function isEraQuestion({ body }: ParsedRequest): boolean {
  if (!body.includes('{"name":"gatewayops"')) return false;
  return body.includes('"server/discover"') || body.includes('"initialize"');
}

const discovered = { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: {}, ttlMs: 0, cacheScope: 'private' };
const initialized = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'recording', version: '1' } };
const eraAnswer = (request: ParsedRequest, socket: Socket): void | Promise<void> =>
  json({ jsonrpc: '2.0', id: 1, result: request.body.includes('"server/discover"') ? discovered : initialized })(
    { ...request, connection: 0, abandoned: false },
    socket,
  );

type MutableRequest = RecordedRequest & { abandoned: boolean };
type ParsedRequest = Omit<RecordedRequest, 'connection' | 'abandoned'>;

/** Null while the request is not whole. */
function parseRequest(bytes: Buffer): ParsedRequest | null {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const [requestLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const [method = '', path = ''] = requestLine.split(' ');
  const headers = lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
  const header = (name: string): string[] => headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  const start = headEnd + 4;

  const taken =
    header('transfer-encoding').at(-1)?.toLowerCase() === 'chunked'
      ? takeChunked(bytes, start)
      : takeCounted(bytes, start, Number(header('content-length')[0] ?? 0));
  return taken && { method, path, headers, header, body: taken.body, raw: bytes.subarray(0, taken.end) };
}

function takeCounted(bytes: Buffer, start: number, length: number): { body: Buffer; end: number } | null {
  return bytes.length < start + length ? null : { body: bytes.subarray(start, start + length), end: start + length };
}

function takeChunked(bytes: Buffer, start: number): { body: Buffer; end: number } | null {
  const parts: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const data = lineEnd + 2;
    if (bytes.length < data + size + 2) return null;
    // The gateway writes no trailers.
    if (size === 0) return { body: Buffer.concat(parts), end: data + 2 };
    parts.push(bytes.subarray(data, data + size));
    at = data + size + 2;
  }
}

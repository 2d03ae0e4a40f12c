/**
 * One keep-alive connection of the load generator: sends the same bytes again and again, one request at a time, and reads
 * just as much HTTP/1.1 (RFC 9112) as it takes to know where a reply ends. A client of a library costs more than the
 * server that is measured.
 */
import { connect, type Socket } from 'node:net';

export interface Lane {
  /** Sends the request; the lane must be idle. */
  send(): void;
  close(): void;
}

export interface LaneEvents {
  onReply(status: number, bodyBytes: number): void;
  /** Broken, and of no more use: refused, reset, closed between two requests, or not HTTP/1.1. */
  onBroken(reason: Error): void;
}

/** Resolves when the connection stands. */
export function openLane(port: number, request: Buffer, events: LaneEvents): Promise<Lane> {
  const { promise, resolve, reject } = Promise.withResolvers<Lane>();
  let closed = false;
  const reader = createReplyReader(events.onReply);
  const socket: Socket = connect({
    host: '127.0.0.1',
    port,
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafe(64 * 1024),
      callback(bytes, buffer) {
        try {
          reader.read(buffer as Buffer, bytes);
        } catch (error) {
          fail(error as Error);
        }
        return true;
      },
    },
  });

  function fail(reason: Error): void {
    if (closed) return;
    closed = true;
    socket.destroy();
    reject(reason);
    events.onBroken(reason);
  }

  socket.on('connect', () => resolve({ send: () => socket.write(request), close }));
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the peer closed the connection')));

  function close(): void {
    closed = true;
    socket.destroy();
  }
  return promise;
}

/** Calls back once a reply, when its last byte was read. Handles Content-Length and chunked; replies to POST have a body. */
function createReplyReader(onReply: (status: number, bodyBytes: number) => void): { read(buffer: Buffer, bytes: number): void } {
  let state: 'head' | 'counted' | 'chunk-size' | 'chunk' | 'trailer' = 'head';
  let rest = '';
  let status = 0;
  let left = 0;
  let bodyBytes = 0;

  function finish(): void {
    state = 'head';
    onReply(status, bodyBytes);
  }

  return {
    read(buffer, bytes) {
      let at = 0;
      while (at < bytes) {
        if (state === 'counted' || state === 'chunk') {
          const taken = Math.min(left, bytes - at);
          at += taken;
          left -= taken;
          if (left > 0) return;
          if (state === 'chunk') state = 'chunk-size';
          else finish();
          continue;
        }
        const mark = state === 'head' ? '\r\n\r\n' : '\r\n';
        // What came before may end within the mark, so it is searched together with what is new.
        const text = rest + buffer.toString('latin1', at, bytes);
        const end = text.indexOf(mark);
        if (end < 0) {
          rest = text;
          return;
        }
        at += end + mark.length - rest.length;
        rest = '';
        if (state === 'head') readHead(text.slice(0, end));
        else if (state === 'chunk-size') readChunkSize(text.slice(0, end));
        else if (end === 0) finish();
      }
    },
  };

  function readHead(head: string): void {
    status = Number(head.slice(9, 12));
    if (!head.startsWith('HTTP/1.1 ') || !Number.isInteger(status)) throw new Error(`not a reply of HTTP/1.1: ${head.slice(0, 40)}`);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length !== undefined) {
      left = Number(length);
      bodyBytes = left;
      state = 'counted';
      if (left === 0) finish();
    } else if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      bodyBytes = 0;
      state = 'chunk-size';
    } else throw new Error('a reply without a length');
  }

  function readChunkSize(line: string): void {
    // The line end after a chunk's data reads as an empty size line.
    if (line === '') return;
    const size = Number.parseInt(line, 16);
    if (!Number.isInteger(size)) throw new Error(`not a chunk size: ${line.slice(0, 40)}`);
    bodyBytes += size;
    left = size;
    state = size === 0 ? 'trailer' : 'chunk';
  }
}

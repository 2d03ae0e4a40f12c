import { request, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import type { OpenRequest } from './send-http.ts';

/**
 * Requests to an HTTP server of this process, over a pair of streams instead of a socket: nothing listens anywhere, and the server reads them
 * with its own parser and bounds. `peer` is the address of the client in whose name they are made.
 */
export function openLocal(server: Server, peer: string, path: string): OpenRequest {
  return (method, headers) => {
    const near = new LocalSocket(peer);
    const far = new LocalSocket(peer);
    near.other = far;
    far.other = near;
    server.emit('connection', far);
    return request({ method, path, headers, setHost: false, createConnection: () => near });
  };
}

/** One end of the pair, with the few things of a `net.Socket` that node's http asks of one. */
class LocalSocket extends Duplex {
  other: LocalSocket | null = null;
  readonly remoteAddress: string;
  readonly connecting = false;
  private taken: (() => void) | null = null;

  constructor(remoteAddress: string) {
    super({ allowHalfOpen: false });
    this.remoteAddress = remoteAddress;
  }

  override _read(): void {
    const { taken } = this;
    this.taken = null;
    taken?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const { other } = this;
    if (other === null || other.destroyed) return done(new Error('the other end is closed'));
    // What is written waits until the other end wants more: a slow reader slows the writer.
    if (other.push(chunk)) done();
    else other.taken = done;
  }

  override _final(done: (error?: Error | null) => void): void {
    this.other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other, taken } = this;
    this.other = null;
    this.taken = null;
    taken?.();
    // As with a socket, the other end learns it in a later turn.
    if (other !== null && !other.destroyed) process.nextTick(() => other.destroy());
    done(error);
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else {
      this.once('finish', () => this.destroy());
      this.end();
    }
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

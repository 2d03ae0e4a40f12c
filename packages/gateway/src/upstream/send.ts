import type { Dispatcher, Pool } from 'undici';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { upstreamFault } from './upstream-fault.ts';

/** One HTTP request to a server. `headers` is a flat list of names and values: all that is sent. */
export interface UpstreamRequest {
  readonly server: string;
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly path: string;
  readonly headers: string[];
  readonly body: Buffer | null;
  /** Time to the first byte of the reply. */
  readonly firstByteMs: number;
  /** Time between two parts of the reply's body; 0: as long as the client waits. */
  readonly idleMs: number;
}

/** Where a reply goes, in this order: `head`, any number of `data`, then `end` or `failed`; `failed` may also come first. */
export interface ReplySink {
  head(status: number, headers: ReplyHeaders, control: ReplyControl): void;
  /** Returns false to pause until `control.resume()`. */
  data(chunk: Buffer): boolean;
  end(): void;
  failed(fault: Fault): void;
}

export type ReplyHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface ReplyControl {
  resume(): void;
  /** Gives up: closes the connection, which is how the modern era cancels. `failed` follows once. */
  abort(): void;
}

/** Sends a request; the returned control works before the reply begins as well. Never throws: `sink.failed` says what is wrong. */
export function send(pool: Pool, request: UpstreamRequest, sink: ReplySink): ReplyControl {
  const exchange = new Exchange(request, sink);
  try {
    const hasRoom = pool.dispatch(
      {
        method: request.method,
        path: request.path,
        headers: request.headers,
        body: request.body,
        headersTimeout: request.firstByteMs,
        bodyTimeout: request.idleMs,
      },
      exchange,
    );
    if (!hasRoom) exchange.wait(pool.stats.queued, request.firstByteMs);
  } catch (error) {
    exchange.fail(error);
  }
  return exchange;
}

const cancelled = new Error('cancelled');

/** undici's handler of one request: a class, so that a call allocates one object and no closures. */
class Exchange implements Dispatcher.DispatchHandler, ReplyControl {
  private readonly request: UpstreamRequest;
  private readonly sink: ReplySink;
  private controller: Dispatcher.DispatchController | null = null;
  private waiting: NodeJS.Timeout | null = null;
  private aborted = false;
  private ended = false;

  constructor(request: UpstreamRequest, sink: ReplySink) {
    this.request = request;
    this.sink = sink;
  }

  /** A request that finds no free connection waits for one: not behind too many others, and no longer than for the reply. */
  wait(queued: number, waitMs: number): void {
    if (this.controller !== null || this.ended) return;
    if (queued > bounds.upstreamQueueMax) this.giveUp('too many calls wait for a connection to it');
    else this.waiting = setTimeout(() => this.giveUp('no connection to it was free in time'), waitMs);
  }

  private giveUp(reason: string): void {
    this.aborted = true;
    this.fail(new Fault('upstream_unavailable', { server: this.request.server, reason }));
  }

  resume(): void {
    this.controller?.resume();
  }

  abort(): void {
    this.aborted = true;
    if (this.controller) this.controller.abort(cancelled);
    // It has not begun, and will not.
    else this.fail(cancelled);
  }

  fail(error: unknown): void {
    if (this.ended) return;
    this.ended = true;
    if (this.waiting) clearTimeout(this.waiting);
    this.sink.failed(upstreamFault(error, this.request.server));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.waiting) clearTimeout(this.waiting);
    if (this.aborted) controller.abort(cancelled);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ReplyHeaders): void {
    if (status < 200 || this.ended) return;
    const fault = refuse(status, headers, this.request.server);
    if (fault) {
      this.fail(fault);
      controller.abort(cancelled);
      return;
    }
    this.sink.head(status, headers, this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.ended && !this.sink.data(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.ended) return;
    this.ended = true;
    this.sink.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }
}

/** Replies that are never relayed: redirects, refusals of the gateway's own credential, encodings that were not asked for. */
function refuse(status: number, headers: ReplyHeaders, server: string): Fault | null {
  if (status >= 300 && status < 400) return new Fault('upstream_redirect', { server });
  if (status === 401 || status === 407) return new Fault('upstream_refused', { server });
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    return new Fault('upstream_invalid', { server, reason: 'its body has a content encoding that was not asked for' });
  return null;
}

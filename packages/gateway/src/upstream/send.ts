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
  /** The target that the message went to; empty until one is chosen. */
  readonly target: string;
  /** Further tries that were made. */
  readonly retries: number;
  /** Each try, the first among them; null where there was but one. */
  readonly tries: readonly Try[] | null;
  resume(): void;
  /** Gives up: closes the connection, which is how the modern era cancels. `failed` follows once. */
  abort(): void;
}

/** One try of several to send a message. Times are milliseconds of the monotonic clock. */
export interface Try {
  readonly target: string;
  readonly at: number;
  /** 0 of the last one: it ends as the call does. */
  untilAt: number;
  /** Why another one followed: the code of the fault, or `http_` and the status; empty of the last one. */
  outcome: string;
}

/** Sends a request; the returned control works before the reply begins as well. Never throws: `sink.failed` says what is wrong. */
export function send(pool: Pool, request: UpstreamRequest, sink: ReplySink): ReplyControl {
  const exchange = new Exchange(request.server, sink);
  exchange.dispatch(pool, request.path, request, request.firstByteMs, request.idleMs, bounds.upstreamQueueMax);
  return exchange;
}

const cancelled = new Error('cancelled');

/**
 * undici's handler of one request: a class, so that a call allocates one object and no closures. What is made of an attempt's end is the
 * subclass's to say.
 */
export class Exchange implements Dispatcher.DispatchHandler, ReplyControl {
  target = '';
  retries = 0;
  tries: Try[] | null = null;
  protected readonly server: string;
  protected readonly sink: ReplySink;
  /** Set once the first byte of the attempt may have left. */
  protected controller: Dispatcher.DispatchController | null = null;
  protected aborted = false;
  protected ended = false;
  private waiting: NodeJS.Timeout | null = null;

  constructor(server: string, sink: ReplySink) {
    this.server = server;
    this.sink = sink;
  }

  dispatch(
    pool: Pool,
    path: string,
    { method, headers, body }: Pick<UpstreamRequest, 'method' | 'headers' | 'body'>,
    firstByteMs: number,
    idleMs: number,
    queueMax: number,
  ): void {
    this.controller = null;
    try {
      const hasRoom = pool.dispatch({ method, path, headers, body, headersTimeout: firstByteMs, bodyTimeout: idleMs }, this);
      if (!hasRoom) this.wait(pool.stats.queued, firstByteMs, queueMax);
    } catch (error) {
      this.fail(error);
    }
  }

  /** The head of a reply has come; true: it is not wanted, for the message is sent anew. */
  protected refusesHead(_status: number, _headers: ReplyHeaders): boolean {
    return false;
  }

  /** An attempt ended badly; true: another one follows. */
  protected triesAgain(_fault: Fault): boolean {
    return false;
  }

  /** Nothing more comes. */
  protected finish(): void {
    this.ended = true;
  }

  /** A request that finds no free connection waits for one: not behind too many others, and no longer than for the reply. */
  private wait(queued: number, waitMs: number, queueMax: number): void {
    if (this.controller !== null || this.ended) return;
    if (queued > queueMax) this.giveUp('too many calls wait for a connection to it');
    else this.waiting = setTimeout(() => this.giveUp('no connection to it was free in time'), waitMs);
  }

  private giveUp(reason: string): void {
    this.aborted = true;
    this.fail(new Fault('upstream_unavailable', { server: this.server, reason }));
  }

  resume(): void {
    this.controller?.resume();
  }

  abort(): void {
    this.stop(cancelled);
  }

  /** Ends it for this reason, whether or not it has begun. */
  protected stop(reason: Error): void {
    this.aborted = true;
    if (this.controller) this.controller.abort(reason);
    // It has not begun, and will not.
    else this.fail(reason);
  }

  protected fail(error: unknown): void {
    if (this.ended) return;
    if (this.waiting) clearTimeout(this.waiting);
    const fault = upstreamFault(error, this.server, this.controller === null && !this.aborted);
    if (this.triesAgain(fault)) return;
    this.finish();
    this.sink.failed(fault);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.waiting) clearTimeout(this.waiting);
    if (this.aborted) controller.abort(cancelled);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ReplyHeaders): void {
    if (status < 200 || this.ended) return;
    const fault = refuse(status, headers, this.server);
    if (fault) {
      this.fail(fault);
      controller.abort(cancelled);
      return;
    }
    if (this.refusesHead(status, headers)) {
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
    this.finish();
    this.sink.end();
  }

  onResponseError(controller: Dispatcher.DispatchController | null | undefined, error: Error): void {
    // What is said of an attempt that another one has replaced is of no interest; before it begins it has no controller.
    if ((controller ?? null) === this.controller) this.fail(error);
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

import { bounds } from '../kernel/bounds.ts';
import type { Fault } from '../kernel/fault.ts';
import { cutUnread, respondRpc, rpcErrorText } from '../listener/respond.ts';
import type { Call } from './rail.ts';

const onePieceBytesMax = 16 * 1024;

/**
 * The client's end of a relayed reply: bytes go out as they are given, at the pace at which the client reads. The head waits for the first
 * of them, so that until then another answer can take its place; that of a stream goes out at once.
 */
export class ReplyWriter {
  private readonly call: Call;
  private readonly resume: () => void;
  private status = 0;
  private headers: string[] | null = null;
  private isStream = false;
  private lastWriteAt = 0;
  private waitingForDrain = false;
  private stallTimer: NodeJS.Timeout | null = null;
  /** The client has left. */
  isGone: boolean;

  /** `resume` runs when the client has read what `write` asked to wait for; `left` once, when the client has left. */
  constructor(call: Call, resume: () => void, left: () => void) {
    this.call = call;
    this.resume = resume;
    // Whoever left while the call waited at a stop is not announced again.
    this.isGone = call.response.destroyed;
    call.response.on('close', () => {
      this.isGone = true;
      this.stopWaiting();
      left();
    });
  }

  /** What the reply begins with, as long as nothing of it has gone out. */
  head(status: number, headers: string[]): void {
    this.status = status;
    this.headers = headers;
  }

  addHeader(name: string, value: string): void {
    this.headers?.push(name, value);
  }

  /** Begins a stream of events: its head and `before` go out now. */
  beginStream(status: number, headers: string[], before: string): void {
    const { response } = this.call;
    this.isStream = true;
    response.writeHead(status, headers);
    response.flushHeaders();
    if (before !== '') response.write(before);
    this.lastWriteAt = performance.now();
  }

  /** False: no more until `resume`. */
  write(chunk: Buffer): boolean {
    const { response, bodies } = this.call;
    bodies?.add(chunk);
    if (this.isGone) return true;
    this.sendHead();
    if (this.isStream) this.lastWriteAt = performance.now();
    if (response.write(chunk) || this.waitingForDrain) return !this.waitingForDrain;
    this.waitingForDrain = true;
    // A reader that takes nothing for so long holds a connection of the server: end both.
    this.stallTimer = setTimeout(() => response.destroy(), bounds.requestTimeoutMs);
    response.once('drain', () => {
      this.waitingForDrain = false;
      this.stopWaiting();
      this.resume();
    });
    return false;
  }

  /** Writes a comment where nothing was written since `before`. The stream stands between two events. */
  keepAlive(before: number): void {
    if (this.lastWriteAt > before || this.waitingForDrain || this.isGone) return;
    this.lastWriteAt = performance.now();
    this.call.response.write(':\n\n');
  }

  /** Nobody reads any more: what was asked to wait goes on. */
  letGo(): void {
    if (!this.waitingForDrain) return;
    this.waitingForDrain = false;
    this.resume();
  }

  /** A slow reader is not waited for any more. */
  stopWaiting(): void {
    if (this.stallTimer) clearTimeout(this.stallTimer);
  }

  /** The end of the reply, with what is left of it. */
  end(rest: Buffer): void {
    const { response } = this.call;
    if (response.destroyed) return;
    this.sendHead();
    // As text that has the bytes for characters it goes out in one piece with the head: less work than two pieces, up to some size.
    if (rest.length > 0 && rest.length <= onePieceBytesMax) response.end(rest.toString('latin1'), 'latin1');
    else if (rest.length > 0) response.end(rest);
    else response.end();
    if (response.writableLength > 0) cutUnread(response);
  }

  /** The end of a reply that failed. `mayTell`: what was written so far lets the client read a further event. */
  fail(fault: Fault, mayTell: boolean): void {
    const { call } = this;
    const { response } = call;
    if (!response.headersSent) {
      respondRpc(response, fault, call, call.idText);
    } else if (mayTell && call.idText !== null && !response.destroyed) {
      // The stream is cut, not ended: the error says why, the missing end says that the reply is not whole.
      response.write(`event: message\ndata: ${rpcErrorText(fault, call.requestId, call.idText)}\n\n`, () => response.destroy());
      cutUnread(response);
    } else {
      response.destroy();
    }
  }

  private sendHead(): void {
    if (this.headers === null) return;
    this.call.response.writeHead(this.status, this.headers);
    this.headers = null;
  }
}

import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { SseWatch } from '../protocol/sse-watch.ts';
import type { ReplyControl, ReplyHeaders, ReplySink } from '../upstream/send.ts';

export interface CollectedReply {
  readonly status: number;
  readonly sessionId: string;
  readonly contentType: string;
  /** The JSON-RPC messages of the reply, in order: one of a JSON body, one an event of a stream. */
  readonly messages: readonly Buffer[];
}

/** Takes a reply in whole, up to a bound, for answers that cannot be streamed on. */
export class CollectReply implements ReplySink {
  readonly whole: Promise<CollectedReply>;
  private readonly server: string;
  private readonly refuse: ((json: Buffer) => Fault | null) | null;
  private readonly bytesMax: number;
  private resolve: (reply: CollectedReply) => void = () => undefined;
  private reject: (fault: Fault) => void = () => undefined;
  private control: ReplyControl | null = null;
  private status = 0;
  private sessionId = '';
  private contentType = '';
  private watch: SseWatch | null = null;
  private readonly chunks: Buffer[] = [];
  private readonly messages: Buffer[] = [];
  private bytes = 0;

  /** `refuse` sees each event of a stream as it comes, and says where the reply is of no use any more. */
  constructor(server: string, refuse: ((json: Buffer) => Fault | null) | null = null, bytesMax: number = bounds.facadeReplyBytesMax) {
    this.server = server;
    this.refuse = refuse;
    this.bytesMax = bytesMax;
    this.whole = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  head(status: number, headers: ReplyHeaders, control: ReplyControl): void {
    this.control = control;
    this.status = status;
    this.sessionId = firstOf(headers['mcp-session-id']);
    this.contentType = firstOf(headers['content-type']);
    if (this.contentType.startsWith('text/event-stream')) {
      this.watch = new SseWatch(this.bytesMax, (data) => {
        if (data === null) return this.tooLarge();
        const fault = this.refuse?.(data) ?? null;
        if (fault) this.giveUp(fault);
        else this.messages.push(data);
      });
    }
  }

  data(chunk: Buffer): boolean {
    this.bytes += chunk.length;
    if (this.bytes > this.bytesMax) this.tooLarge();
    else if (this.watch) this.watch.feed(chunk);
    else this.chunks.push(chunk);
    return true;
  }

  end(): void {
    const messages = this.watch ? this.messages : this.contentType.startsWith('application/json') ? [Buffer.concat(this.chunks)] : [];
    this.resolve({ status: this.status, sessionId: this.sessionId, contentType: this.contentType, messages });
  }

  failed(fault: Fault): void {
    this.reject(fault);
  }

  private tooLarge(): void {
    this.giveUp(new Fault('upstream_invalid', { server: this.server, reason: `it is larger than ${this.bytesMax} bytes` }));
  }

  private giveUp(fault: Fault): void {
    this.reject(fault);
    this.control?.abort();
  }
}

function firstOf(value: string | string[] | undefined): string {
  return (typeof value === 'string' ? value : value?.[0]) ?? '';
}

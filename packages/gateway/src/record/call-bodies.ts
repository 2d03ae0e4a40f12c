import { GatheredBytes } from '../kernel/gathered-bytes.ts';

/** The bodies of one call as they pass, bounded; handed on when the call is settled. */
export class CallBodies {
  /** Whether they are kept; else their tokens are counted only. */
  readonly isKept: boolean;
  readonly request: Buffer;
  readonly isRequestCut: boolean;
  isReplyCut = false;
  private readonly bytesMax: number;
  /** The whole reply where it came as one, which is most often so; else a part of `gathered`. */
  private first: Buffer | null = null;
  private gathered: GatheredBytes | null = null;
  private messages = 0;

  constructor(isKept: boolean, bytesMax: number, request: Buffer) {
    this.isKept = isKept;
    this.bytesMax = bytesMax;
    this.isRequestCut = request.length > bytesMax;
    // A part of a large body would keep the whole of it.
    this.request = request.length <= bytesMax ? request : Buffer.from(request.subarray(0, bytesMax));
  }

  /** Bytes of the reply, as the caller gets them. */
  add(chunk: Buffer): void {
    const room = this.bytesMax - this.reply.length;
    if (chunk.length > room) this.isReplyCut = true;
    if (room <= 0) return;
    const part = chunk.length <= room ? chunk : chunk.subarray(0, room);
    if (this.first === null) this.first = part;
    else {
      this.gathered ??= gatheredFrom(this.first);
      this.gathered.add(part);
    }
  }

  /** A whole message of the reply; several become a stream of events. */
  addMessage(json: string): void {
    if (this.messages === 1) {
      const first = Buffer.from(this.reply);
      this.first = null;
      this.gathered = null;
      this.add(Buffer.from('data: '));
      this.add(first);
      this.add(Buffer.from('\n\n'));
    }
    this.add(Buffer.from(this.messages === 0 ? json : `data: ${json}\n\n`));
    this.messages++;
  }

  /** Empty where the reply's own type holds. */
  get replyType(): string {
    return this.messages === 0 ? '' : this.messages === 1 ? 'application/json' : 'text/event-stream';
  }

  /** So far; good until more of it comes. */
  get reply(): Buffer {
    return this.gathered?.peek() ?? this.first ?? nothing;
  }

  get length(): number {
    return this.request.length + this.reply.length;
  }
}

const nothing = Buffer.alloc(0);

function gatheredFrom(first: Buffer): GatheredBytes {
  const gathered = new GatheredBytes();
  gathered.add(first);
  return gathered;
}

import { bounds } from '../kernel/bounds.ts';
import { ReplyDigest } from './reply-digest.ts';

/**
 * Watches server-sent events go by (https://html.spec.whatwg.org/multipage/server-sent-events.html): keeps the data of the last event
 * up to `keepBytesMax`, a digest of a longer one, knows whether the stream stands between two events, and how large the event under way is.
 * The bytes themselves are relayed as they came.
 */
export class SseWatch {
  /** Data of the last whole event, or its digest where it was longer than is kept; null before the first. */
  lastData: Buffer | null = null;
  /** Whether `lastData` is the data itself. */
  lastIsWhole = false;
  /** True where a comment may be put in without breaking an event. */
  betweenEvents = true;
  /** True once an event is larger than `bounds.sseEventBytesMax`: the stream must be cut. */
  oversized = false;

  private readonly keepBytesMax: number;
  private readonly onEvent: ((data: Buffer | null) => void) | null;
  private eventBytes = 0;
  private kept: Buffer[] = [];
  private keptBytes = 0;
  private overflow = false;
  private hasData = false;
  private partial: Buffer[] = [];
  private partialBytes = 0;
  private digest: ReplyDigest | null = null;
  /** The line under way is data that goes into the digest as it comes. */
  private digesting = false;

  /** `onEvent` gets the data of each event, null where it was longer than is kept (no digest is made then); events without data are passed over. */
  constructor(keepBytesMax: number, onEvent: ((data: Buffer | null) => void) | null = null) {
    this.keepBytesMax = keepBytesMax;
    this.onEvent = onEvent;
  }

  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const newline = chunk.indexOf(0x0a, at);
      const end = newline < 0 ? chunk.length : newline;
      this.take(chunk.subarray(at, end));
      if (newline < 0) break;
      this.line();
      at = newline + 1;
    }
  }

  private take(part: Buffer): void {
    if (part.length === 0) return;
    this.betweenEvents = false;
    this.eventBytes += part.length;
    if (this.eventBytes > bounds.sseEventBytesMax) this.oversized = true;
    // The part belongs to a pooled chunk of the socket: what outlives this call is bounded by what is kept.
    const fitted = this.partialBytes <= this.keepBytesMax;
    if (fitted) this.partial.push(part);
    this.partialBytes += part.length;
    if (this.digesting) this.digest?.feed(part);
    else if (fitted && this.partialBytes > this.keepBytesMax && this.onEvent === null) this.digestLine();
  }

  /** The line under way is longer than is kept: if it is data, it goes into the digest from here on as it comes. */
  private digestLine(): void {
    const line = Buffer.concat(this.partial);
    if (!startsWithData(line)) return;
    this.digestData(line.subarray(5));
    this.digesting = true;
  }

  private digestData(data: Buffer): void {
    if (this.digest === null) {
      this.digest = new ReplyDigest();
      for (const part of this.kept) this.digest.feed(part);
    }
    this.digest.feed(data);
  }

  private line(): void {
    const first = this.partial[0];
    const whole = this.partial.length === 1 && first ? first : Buffer.concat(this.partial);
    const overflow = this.partialBytes > this.keepBytesMax;
    const content = whole.length > 0 && whole[whole.length - 1] === 0x0d ? whole.subarray(0, -1) : whole;
    const { digesting } = this;
    this.partial = [];
    this.partialBytes = 0;
    this.digesting = false;
    if (content.length === 0) {
      this.dispatch();
      return;
    }
    if (!startsWithData(content)) return;
    const value = content.subarray(content[5] === 0x20 ? 6 : 5);
    this.hasData = true;
    this.keptBytes += value.length;
    if (overflow || this.keptBytes > this.keepBytesMax) {
      if (!digesting && this.onEvent === null) this.digestData(value);
      this.overflow = true;
      this.kept = [];
    } else {
      this.kept.push(value);
    }
  }

  private dispatch(): void {
    if (this.hasData) {
      const first = this.kept[0];
      if (this.overflow) this.lastData = this.digest?.json() ?? null;
      // Several data lines of one event join with a newline.
      else this.lastData = this.kept.length === 1 && first ? Buffer.from(first) : Buffer.from(this.kept.map((part) => part.toString('utf8')).join('\n'));
      this.lastIsWhole = !this.overflow;
      this.onEvent?.(this.lastData);
    }
    this.digest = null;
    this.kept = [];
    this.keptBytes = 0;
    this.eventBytes = 0;
    this.overflow = false;
    this.hasData = false;
    this.betweenEvents = true;
  }
}

function startsWithData(line: Buffer): boolean {
  return line.length >= 5 && line[0] === 0x64 && line[1] === 0x61 && line[2] === 0x74 && line[3] === 0x61 && line[4] === 0x3a;
}

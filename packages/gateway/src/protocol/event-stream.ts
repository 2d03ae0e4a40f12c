import { GatheredBytes } from '../kernel/gathered-bytes.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const retryMsMax = 60_000;

/**
 * Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) for a reader of our own: the data of each event,
 * where the stream can be resumed, and how long to wait before that. `SseWatch` is for what is relayed.
 */
export class EventStream {
  /** The id of the last whole event that had one; empty: nothing to resume after. */
  lastEventId = '';
  /** What the server asks to wait before a stream is resumed, at most a minute; null where it says nothing. */
  retryMs: number | null = null;

  private readonly eventBytesMax: number;
  private readonly onData: (data: Buffer | null) => void;
  private readonly partial = new GatheredBytes();
  private readonly data = new GatheredBytes();
  private hasData = false;
  private eventBytes = 0;
  private eventId = '';

  /** `onData` gets the data of each event that has any, and null once an event is longer than the bound: nothing follows. */
  constructor(eventBytesMax: number, onData: (data: Buffer | null) => void) {
    this.eventBytesMax = eventBytesMax;
    this.onData = onData;
  }

  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const newline = chunk.indexOf(lineFeed, at);
      const end = newline < 0 ? chunk.length : newline;
      this.eventBytes += end - at;
      if (this.eventBytes > this.eventBytesMax) {
        this.partial.clear();
        this.data.clear();
        return this.onData(null);
      }
      const rest = chunk.subarray(at, end);
      if (newline < 0) return this.partial.add(rest);
      if (this.partial.length === 0) this.line(rest);
      else {
        this.partial.add(rest);
        this.line(this.partial.take());
      }
      at = newline + 1;
    }
  }

  private line(whole: Buffer): void {
    const line = whole.at(-1) === carriageReturn ? whole.subarray(0, -1) : whole;
    if (line.length === 0) return this.dispatch();
    const colon = line.indexOf(0x3a);
    const field = line.toString('latin1', 0, colon < 0 ? line.length : colon);
    const value = colon < 0 ? nothing : line.subarray(line[colon + 1] === 0x20 ? colon + 2 : colon + 1);
    if (field === 'data') {
      if (this.hasData) this.data.add(newline);
      this.data.add(value);
      this.hasData = true;
    } else if (field === 'id' && !value.includes(0)) this.eventId = value.toString('utf8');
    else if (field === 'retry' && /^\d{1,9}$/.test(value.toString('latin1'))) this.retryMs = Math.min(retryMsMax, Number(value.toString('latin1')));
  }

  private dispatch(): void {
    this.lastEventId = this.eventId;
    this.eventBytes = 0;
    this.hasData = false;
    // The first event of a stream may carry no more than its id (2025-11-25, polling).
    if (this.data.length > 0) this.onData(this.data.take());
  }
}

const newline = Buffer.from('\n');
const nothing = Buffer.alloc(0);

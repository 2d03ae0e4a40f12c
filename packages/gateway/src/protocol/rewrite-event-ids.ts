const lineFeed = 0x0a;
const idField = Buffer.from('id:');

/**
 * Rewrites the `id:` lines of a stream of server-sent events as it passes; every other byte leaves as it came. Only the
 * beginning of a line that may still become an `id:` line is held back, and an `id:` line until its end.
 */
export class EventIdRewriter {
  /** True once an event had an id: the stream may be resumed after it. */
  resumable = false;
  private readonly rewrite: (eventId: string) => string;
  private held: Buffer = Buffer.alloc(0);
  private inLine = false;

  constructor(rewrite: (eventId: string) => string) {
    this.rewrite = rewrite;
  }

  transform(chunk: Buffer): Buffer {
    const input = this.held.length > 0 ? Buffer.concat([this.held, chunk]) : chunk;
    this.held = Buffer.alloc(0);
    const out: Buffer[] = [];
    let copied = 0;
    let at = 0;
    while (at < input.length) {
      const newline = input.indexOf(lineFeed, at);
      if (!this.inLine && maybeIdLine(input, at)) {
        if (newline < 0 && input.length - at <= idLineBytesMax) {
          if (at > copied) out.push(input.subarray(copied, at));
          this.held = Buffer.from(input.subarray(at));
          return out.length === 1 && out[0] ? out[0] : Buffer.concat(out);
        }
        if (newline >= 0 && isIdLine(input, at)) {
          out.push(input.subarray(copied, at), this.idLine(input.subarray(at, newline)));
          copied = newline;
        }
      }
      if (newline < 0) {
        this.inLine = true;
        break;
      }
      this.inLine = false;
      at = newline + 1;
    }
    if (copied === 0) return input;
    out.push(input.subarray(copied));
    return Buffer.concat(out);
  }

  /** What is still held when the stream ends: an unfinished line, which no reader dispatches. */
  rest(): Buffer {
    return this.held;
  }

  private idLine(line: Buffer): Buffer {
    const carriage = line[line.length - 1] === 0x0d;
    const text = line.toString('utf8', idField.length, carriage ? line.length - 1 : line.length);
    const eventId = text.startsWith(' ') ? text.slice(1) : text;
    // An empty id resets the last event id (HTML, 9.2.6): there is nothing to resume from, so nothing to sign.
    if (eventId === '') return line;
    this.resumable = true;
    return Buffer.from(`id: ${this.rewrite(eventId)}${carriage ? '\r' : ''}`);
  }
}

/** Longer event ids are relayed as they came: they cannot be resumed through the gateway. */
const idLineBytesMax = 2048;

function isIdLine(input: Buffer, at: number): boolean {
  return input[at] === 0x69 && input[at + 1] === 0x64 && input[at + 2] === 0x3a;
}

function maybeIdLine(input: Buffer, at: number): boolean {
  for (let index = 0; index < idField.length; index++) {
    if (at + index >= input.length) return true;
    if (input[at + index] !== idField[index]) return false;
  }
  return true;
}

import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const nothing = Buffer.alloc(0);

/**
 * Changes the response in a stream of server-sent events as it passes. Each event goes on when it is whole: the response as `rewrite` gives
 * it, all others as they came, but for their ids: a stream that is resumed elsewhere would bring the response unchanged.
 */
export class ResponseRewriter {
  readonly resumable = false;
  private readonly server: string;
  private readonly rewrite: (json: Buffer) => Buffer;
  private held: Buffer[] = [];
  private heldBytes = 0;
  /** Bytes of the line under way that came with earlier chunks, and the last of them. */
  private lineBytes = 0;
  private lastByte = 0;

  constructor(server: string, rewrite: (json: Buffer) => Buffer) {
    this.server = server;
    this.rewrite = rewrite;
  }

  /** What may go on now. Faults: `upstream_invalid` for an event that is too long to be held, or a response that is no JSON. */
  transform(chunk: Buffer): Buffer {
    const out: Buffer[] = [];
    let eventStart = 0;
    let lineStart = 0;
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, lineStart)) {
      const length = this.lineBytes + at - lineStart;
      const last = at > lineStart ? chunk[at - 1] : this.lastByte;
      this.lineBytes = 0;
      lineStart = at + 1;
      if (length > 1 || (length === 1 && last !== carriageReturn)) continue;
      this.hold(chunk.subarray(eventStart, lineStart));
      out.push(this.event());
      eventStart = lineStart;
    }
    this.hold(chunk.subarray(eventStart));
    this.lineBytes += chunk.length - lineStart;
    this.lastByte = chunk.at(-1) ?? this.lastByte;
    return out.length === 1 && out[0] ? out[0] : Buffer.concat(out);
  }

  /** An event that was not whole when the stream ended: no reader dispatches it. */
  rest(): Buffer {
    return nothing;
  }

  private hold(part: Buffer): void {
    if (part.length === 0) return;
    this.heldBytes += part.length;
    if (this.heldBytes > bounds.rewriteBytesMax) throw tooLong(this.server);
    this.held.push(part);
  }

  private event(): Buffer {
    const lines = Buffer.concat(this.held).toString('utf8').split(/\r?\n/);
    this.held = [];
    this.heldBytes = 0;
    const data = lines.flatMap((line) => (line.startsWith('data:') ? [line.slice(line[5] === ' ' ? 6 : 5)] : [])).join('\n');
    const others = lines.filter((line) => !line.startsWith('data:') && !/^id(?::|$)/.test(line) && line !== '');
    if (!isResponse(data, this.server)) return Buffer.from([...others, ...dataLines(data, lines), '', ''].join('\n'));
    const changed = this.rewrite(Buffer.from(data)).toString('utf8');
    return Buffer.from([...others, ...changed.split(/[\r\n]+/).map((line) => `data: ${line}`), '', ''].join('\n'));
  }
}

/** Of a reply, or an event of one, that would have to be held to be changed. */
export function tooLong(server: string): Fault {
  return new Fault('upstream_invalid', {
    server,
    reason: `it is larger than ${bounds.rewriteBytesMax} bytes, which is the most that response rules can change`,
  });
}

/** A whole JSON text as a rule may change it. Faults: `upstream_invalid`. */
export function parseReply(json: string, server: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new Fault('upstream_invalid', { server, reason: 'it is not JSON' }, { cause });
  }
  // Which of several is the response, rules do not say.
  if (Array.isArray(value)) throw new Fault('upstream_invalid', { server, reason: 'it is a batch, which response rules cannot change' });
  return value;
}

function isResponse(data: string, server: string): boolean {
  // A name can be written in escapes.
  if (!data.includes('"result"') && !data.includes('\\u')) return false;
  const message = parseReply(data, server);
  return typeof message === 'object' && message !== null && 'result' in message && !('method' in message);
}

function dataLines(data: string, lines: readonly string[]): string[] {
  return lines.some((line) => line.startsWith('data:')) ? data.split('\n').map((line) => `data: ${line}`) : [];
}

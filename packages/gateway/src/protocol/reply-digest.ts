import { bounds } from '../kernel/bounds.ts';
import { backslash, closeBrace, closeBracket, colon, comma, openBrace, openBracket, quote } from './json-bytes.ts';

/** Members of `result` that the record needs. */
const resultKeys: ReadonlySet<string> = new Set(['isError', 'resultType', 'inputRequests', '_meta']);
/** Longer than any key that is looked for. */
const keyCharsMax = 16;
/** The message and its result. */
const watchedDepth = 2;
/** Short strings and those full of quotes are read byte by byte; where a string has gone on for so long without one, the next is searched for, which is far cheaper. */
const stepBytes = 64;

/**
 * Reduces one JSON-RPC reply, of any length and in any pieces, to the members that the record needs: `error`, and of `result` those of
 * `resultKeys`. It follows the structure, so what only stands in a text or deeper in the result is not taken for them, and it
 * keeps no more than `bounds.replyTapBytesMax`: a longer `_meta` is left out, a longer `error` left empty.
 */
export class ReplyDigest {
  private depth = 0;
  private inString = false;
  /** The string goes on behind a backslash that ended the last piece. */
  private escaped = false;
  private expectsKey = false;
  private rootIsObject = false;
  private rootKey = '';
  private resultIsObject = false;
  /** The key under way, null where the string under way is none that matters. */
  private key: string | null = null;
  /** Depth of the object whose member is being copied, 0 for none. */
  private copyDepth = 0;
  private copyName = '';
  private copied: Buffer[] = [];
  private copiedBytes = 0;
  private bytesLeft: number = bounds.replyTapBytesMax;
  private broken = false;
  private begun = false;
  private hasResult = false;
  private readonly rootMembers: string[] = [];
  private readonly resultMembers: string[] = [];

  feed(chunk: Buffer): void {
    const { length } = chunk;
    let copyFrom = 0;
    let at = 0;
    while (at < length) {
      if (this.inString) {
        at = this.passString(chunk, at);
        continue;
      }
      if (this.depth > watchedDepth) {
        at = this.passNested(chunk, at);
        continue;
      }
      const byte = chunk[at++];
      if (byte === quote) {
        this.inString = true;
        this.key = this.expectsKey ? '' : null;
        this.expectsKey = false;
      } else if (byte === openBrace || byte === openBracket) {
        this.open(byte === openBrace);
      } else if (byte === colon) {
        if (this.copyDepth === 0 && this.beginsCopy()) copyFrom = at;
      } else if (byte === comma || byte === closeBrace || byte === closeBracket) {
        if (this.copyDepth === this.depth && this.copyDepth > 0) this.endCopy(chunk.subarray(copyFrom, at - 1));
        if (byte === comma) this.expectsKey = this.isWatched();
        else this.close();
      }
    }
    if (this.copyDepth > 0) this.copy(chunk.subarray(copyFrom));
  }

  /** The reply with nothing else in it, as a document; empty where it is not one whole JSON object. */
  json(): Buffer {
    if (!this.begun || !this.rootIsObject || this.broken || this.depth !== 0 || this.inString) return Buffer.alloc(0);
    const result = this.hasResult ? [`"result":{${this.resultMembers.join(',')}}`] : [];
    return Buffer.from(`{${[...this.rootMembers, ...result].join(',')}}`);
  }

  /** Whether keys at this place matter: those of the message itself and of its result. */
  private isWatched(): boolean {
    return (this.depth === 1 && this.rootIsObject) || (this.depth === 2 && this.resultIsObject);
  }

  private open(object: boolean): void {
    if (this.depth === 0) {
      // A second document behind the first.
      if (this.begun) this.broken = true;
      this.begun = true;
      this.rootIsObject = object;
    } else if (this.depth === 1) {
      this.resultIsObject = object && this.rootIsObject && this.rootKey === 'result';
    }
    this.depth++;
    this.expectsKey = object && this.isWatched();
  }

  private close(): void {
    this.expectsKey = false;
    if (this.depth === 2) this.resultIsObject = false;
    if (this.depth === 0) this.broken = true;
    else this.depth--;
  }

  /** Behind a key: is its value one to copy? */
  private beginsCopy(): boolean {
    if (this.key === null || !this.isWatched()) return false;
    const { key } = this;
    this.key = null;
    if (this.depth === 1) {
      this.rootKey = key;
      if (key === 'result') this.hasResult = true;
      if (key !== 'error') return false;
    } else if (!resultKeys.has(key)) {
      return false;
    }
    this.copyDepth = this.depth;
    this.copyName = key;
    return true;
  }

  private copy(part: Buffer): void {
    this.copiedBytes += part.length;
    // The part belongs to a pooled chunk of the socket.
    if (this.copiedBytes <= this.bytesLeft) this.copied.push(Buffer.from(part));
    else this.copied = [];
  }

  private endCopy(last: Buffer): void {
    this.copy(last);
    const whole = this.copiedBytes <= this.bytesLeft;
    if (whole) this.bytesLeft -= this.copiedBytes;
    const text = whole ? Buffer.concat(this.copied).toString('utf8') : '{}';
    if (this.copyDepth === 1) this.rootMembers.push(`"${this.copyName}":${text}`);
    else if (whole) this.resultMembers.push(`"${this.copyName}":${text}`);
    this.copyDepth = 0;
    this.copied = [];
    this.copiedBytes = 0;
  }

  /** Passes what lies too deep to matter, up to where the result is in sight again or the piece ends. */
  private passNested(chunk: Buffer, from: number): number {
    const { length } = chunk;
    let { depth } = this;
    let at = from;
    while (at < length && depth > watchedDepth) {
      const byte = chunk[at++];
      if (byte === quote) {
        at = this.passString(chunk, at);
        if (this.inString) break;
      } else if (byte === openBrace || byte === openBracket) {
        depth++;
      } else if (byte === closeBrace || byte === closeBracket) {
        depth--;
      }
    }
    this.depth = depth;
    return at;
  }

  /** Passes the rest of a string, from `from`; the place behind its closing quote, or the end of the piece. */
  private passString(chunk: Buffer, from: number): number {
    const { length } = chunk;
    let at = this.escaped ? from + 1 : from;
    let stepUntil = at + stepBytes;
    while (at < length && chunk[at] !== quote) {
      if (chunk[at] === backslash) {
        if (chunk[at + 1] === quote) stepUntil = at + stepBytes;
        at += 2;
      } else {
        at++;
      }
      if (at >= stepUntil && at < length) {
        at = afterRun(chunk, at);
        stepUntil = at + stepBytes;
      }
    }
    this.inString = at >= length;
    this.escaped = at > length;
    if (this.key !== null && this.key.length < keyCharsMax) this.key += chunk.toString('latin1', from, Math.min(at, length, from + keyCharsMax));
    return Math.min(at + 1, length);
  }
}

/** Where the quote after `at` is, or the byte behind it where it is escaped. Without one: the length, or one more where the last byte escapes what follows. */
function afterRun(chunk: Buffer, at: number): number {
  const found = chunk.indexOf(quote, at);
  const end = found < 0 ? chunk.length : found;
  let slashes = 0;
  while (end - slashes > at && chunk[end - 1 - slashes] === backslash) slashes++;
  return end + (slashes % 2);
}

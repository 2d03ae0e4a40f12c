import { bounds } from '../kernel/bounds.ts';
import { ReplyDigest } from '../protocol/reply-digest.ts';

/** What passes of a JSON reply, kept for the record: all of a short one, the digest of a longer one. */
export class ReplyTap {
  private chunks: Buffer[] = [];
  private bytes = 0;
  private digest: ReplyDigest | null = null;

  feed(chunk: Buffer): void {
    if (this.digest !== null) {
      this.digest.feed(chunk);
      return;
    }
    this.bytes += chunk.length;
    this.chunks.push(chunk);
    if (this.bytes <= bounds.replyTapBytesMax) return;
    this.digest = new ReplyDigest();
    for (const part of this.chunks) this.digest.feed(part);
    this.chunks = [];
  }

  json(): Buffer {
    if (this.digest !== null) return this.digest.json();
    const first = this.chunks[0];
    return this.chunks.length === 1 && first ? first : Buffer.concat(this.chunks);
  }
}

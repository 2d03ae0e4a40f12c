/** Cuts a byte stream into lines. A line may have at most `bytesMax` bytes, counted before its newline has come. */
export interface LineReader {
  /** Calls `onLine` for each line that `chunk` completes, without `\n` and a `\r` before it. */
  feed(chunk: Buffer): void;
}

/**
 * `onTooLong` is called once, as soon as a line is longer than `bytesMax`; nothing is read after it: what follows the
 * middle of a line cannot be told from a message.
 */
export function lineReader(bytesMax: number, onLine: (line: Buffer) => void, onTooLong: () => void): LineReader {
  let parts: Buffer[] = [];
  let partBytes = 0;
  let broken = false;

  return {
    feed(chunk) {
      let start = 0;
      while (!broken) {
        const end = chunk.indexOf(0x0a, start);
        const bytes = (end < 0 ? chunk.length : end) - start;
        if (partBytes + bytes > bytesMax) {
          broken = true;
          parts = [];
          onTooLong();
          return;
        }
        if (end < 0) {
          if (bytes > 0) {
            parts.push(start === 0 ? chunk : chunk.subarray(start));
            partBytes += bytes;
          }
          return;
        }
        const last = chunk.subarray(start, end);
        start = end + 1;
        if (partBytes === 0) {
          onLine(withoutReturn(last));
        } else {
          parts.push(last);
          const line = Buffer.concat(parts, partBytes + bytes);
          parts = [];
          partBytes = 0;
          onLine(withoutReturn(line));
        }
      }
    },
  };
}

function withoutReturn(line: Buffer): Buffer {
  return line[line.length - 1] === 0x0d ? line.subarray(0, -1) : line;
}

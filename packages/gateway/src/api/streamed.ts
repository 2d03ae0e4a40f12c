import type { Context } from 'hono';
import type { ApiEnvironment } from './route.ts';

/** Characters that are sent together. */
const chunkChars = 64 * 1024;

/**
 * An answer of lines that is sent as they are read, however many. Where reading fails the answer is cut, never ended: half of
 * it cannot be taken for all.
 */
export function streamed(c: Context<ApiEnvironment>, lines: AsyncIterable<string>, type: string): never {
  return streamedBytes(c, chunksOf(lines), { 'Content-Type': type });
}

/** As `streamed`, of bytes. */
export function streamedBytes(c: Context<ApiEnvironment>, bytes: AsyncIterable<Uint8Array>, headers: Readonly<Record<string, string>>): never {
  async function* noted(): AsyncGenerator<Uint8Array> {
    try {
      yield* bytes;
    } catch (error) {
      cutStream(c, error);
    }
  }
  // A route's type knows bodies of JSON and of text; one that is neither has no type there.
  return c.body(ReadableStream.from(noted()), 200, headers) as never;
}

/**
 * The reason of a streamed answer that cannot go on is told to the log, and the answer is cut. The stream may then end as it likes; what
 * reaches the adapter as an error of a stream it would write to stderr, past the log.
 */
export function cutStream(c: Context<ApiEnvironment>, error: unknown): void {
  const { dependencies, requestId } = c.var;
  dependencies.log.error('api.stream_cut', { request_id: requestId, error });
  if (c.env.cut === undefined) throw error;
  c.env.cut();
}

async function* chunksOf(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let text = '';
  for await (const line of lines) {
    text += `${line}\n`;
    if (text.length < chunkChars) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

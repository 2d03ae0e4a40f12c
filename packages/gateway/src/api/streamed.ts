import type { Context } from 'hono';
import type { ApiEnvironment } from './route.ts';

/** Characters that are sent together. */
const chunkChars = 64 * 1024;

/**
 * An answer of lines that is sent as they are read, however many. Where reading fails the answer is cut, never ended: half of
 * it cannot be taken for all.
 */
export function streamed(c: Context<ApiEnvironment>, lines: AsyncIterable<string>, type: string): never {
  const { dependencies, requestId } = c.var;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let text = '';
    try {
      for await (const line of lines) {
        text += `${line}\n`;
        if (text.length < chunkChars) continue;
        yield Buffer.from(text);
        text = '';
      }
    } catch (error) {
      dependencies.log.error('api.stream_cut', { request_id: requestId, error });
      throw error;
    }
    if (text !== '') yield Buffer.from(text);
  }
  // A route's type knows bodies of JSON and of text; one that is neither has no type there.
  return c.body(ReadableStream.from(chunks()), 200, { 'Content-Type': type }) as never;
}

import type { HonoRequest, MiddlewareHandler } from 'hono';
import { Fault } from '../kernel/fault.ts';
import type { ApiEnvironment } from './route.ts';

const apiBodyBytesMax = 1024 * 1024;
const jsonType = /^application\/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i;

/**
 * Reads the body of a request, bounded, and keeps it for the route's own reading. Faults: `unsupported_media_type` for
 * anything but plain JSON (which also keeps out what a browser sends across sites without asking),
 * `payload_too_large`, `parse_error` for text that is not UTF-8.
 */
export const admitBody: MiddlewareHandler<ApiEnvironment> = async (c, next) => {
  // The body of a request is made when it is looked at, with a whole request of Fetch around it.
  const body = c.req.method === 'GET' || c.req.method === 'HEAD' ? null : c.req.raw.body;
  if (body !== null) {
    const text = await readText(body, c.req);
    // Hono's own cache of the body: the validators of the route read it from here.
    c.req.bodyCache = { text: Promise.resolve(text) as unknown as string };
  }
  await next();
};

async function readText(stream: AsyncIterable<Uint8Array>, request: HonoRequest): Promise<string> {
  const declared = Number(request.header('content-length') ?? 0);
  if (declared > apiBodyBytesMax) throw new Fault('payload_too_large', { limit: apiBodyBytesMax });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > apiBodyBytesMax) throw new Fault('payload_too_large', { limit: apiBodyBytesMax });
    chunks.push(chunk);
  }
  if (bytes === 0) return '';
  const type = request.header('content-type');
  if (type === undefined || !jsonType.test(type) || request.header('content-encoding') !== undefined) throw new Fault('unsupported_media_type');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new Fault('parse_error', { reason: 'it is not UTF-8' }, { cause });
  }
}

import type { Context } from 'hono';
import { Fault } from '../kernel/fault.ts';
import type { ApiEnvironment } from './route.ts';

/** What a browser sends of a form; `what` it is for whoever reads the refusal. Faults: `invalid_request`, `payload_too_large`. */
export async function readForm(c: Context<ApiEnvironment>, bytesMax: number, what: string): Promise<URLSearchParams> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/x-www-form-urlencoded(?:[ \t]*;[ \t]*charset=utf-8)?$/i.test(type) || c.req.header('content-encoding') !== undefined)
    throw new Fault('invalid_request', { reason: `${what} is a form: application/x-www-form-urlencoded` });
  if (Number(c.req.header('content-length') ?? 0) > bytesMax) throw new Fault('payload_too_large', { limit: bytesMax });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Fault('payload_too_large', { limit: bytesMax });
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

import type { Context } from 'hono';
import { ScimRefusal } from '../../control/scim/scim-refusal.ts';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { ApiEnvironment } from '../route.ts';

const jsonType = /^application\/(?:scim\+)?json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i;

/** The JSON of a request of SCIM, bounded. Refusals: `invalidSyntax`. Faults: `unsupported_media_type`, `payload_too_large`. */
export async function readBody(c: Context<ApiEnvironment>): Promise<unknown> {
  if (!jsonType.test(c.req.header('content-type') ?? '') || c.req.header('content-encoding') !== undefined) throw new Fault('unsupported_media_type');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    bytes += chunk.length;
    if (bytes > bounds.scimBodyBytesMax) throw new Fault('payload_too_large', { limit: bounds.scimBodyBytesMax });
    chunks.push(chunk);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    throw new ScimRefusal(400, 'invalidSyntax', 'the body is no JSON in UTF-8');
  }
}

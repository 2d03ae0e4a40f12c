import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { readBody, type RecordedBody } from '../control/traces/read-body.ts';
import { maskedSchema } from './masking-routes.ts';
import { json, route, type Api, type ApiEnvironment } from './route.ts';
import { traceIdParam } from './trace-routes.ts';

/** The recorded bodies of calls, masked, each at an address of its own. */
export function bodyRoutes(api: Api): void {
  for (const kind of ['request', 'response'] as const) {
    api.openapi(
      route({
        method: 'get',
        path: `/v1/traces/{trace_id}/spans/{span_id}/${kind}`,
        permission: 'bodies.read',
        tags: ['traces'],
        summary: `The recorded ${kind} of a call, masked`,
        description:
          'As text of the type that it had, a part of it with `Range`. `X-Body-Size`: bytes of what was sent; `X-Body-Truncated`: only the beginning was kept; `X-Redactions`: values that are masked in it.',
        request: { params },
        responses: {
          200: { description: 'The body.', content: { 'text/plain': { schema: z.string() } } },
          206: { description: 'A part of it.', content: { 'text/plain': { schema: z.string() } } },
          416: { description: 'It has no such part.' },
        },
      }),
      async (c) => {
        const { trace_id: traceId, span_id: spanId } = c.req.valid('param');
        return answerBody(c, await readBody(c.var.context(), { traceId, spanHex: spanId.slice(3), kind }));
      },
    );
    api.openapi(
      route({
        method: 'get',
        path: `/v1/traces/{trace_id}/spans/{span_id}/${kind}/redactions`,
        permission: 'bodies.read',
        tags: ['traces'],
        summary: `What is masked in the recorded ${kind} of a call`,
        request: { params },
        responses: { 200: json(redactionsSchema, 'Each rule, with the places where it fitted.') },
      }),
      async (c) => {
        const { trace_id: traceId, span_id: spanId } = c.req.valid('param');
        const body = await readBody(c.var.context(), { traceId, spanHex: spanId.slice(3), kind });
        const headers = body.headers === '' ? [] : body.headers.trimEnd().split('\n');
        return c.json({ size_bytes: body.bytes, truncated: body.isTruncated, headers, masked: [...body.masked] }, 200);
      },
    );
  }
}

const params = z.object({
  trace_id: traceIdParam,
  span_id: z
    .string()
    .regex(/^sp_[0-9a-f]{16}$/, 'a span id is sp_ and 16 hex digits')
    .openapi({ example: 'sp_00f067aa0ba902b7' }),
});

const redactionsSchema = z
  .object({
    size_bytes: z.number().int().openapi({ description: 'Of the body as it was sent.' }),
    truncated: z.boolean(),
    headers: z.array(z.string()).openapi({ description: "Lines of the request's headers, masked; none of a response." }),
    masked: z.array(maskedSchema),
  })
  .openapi('Redactions');

/** What a browser may be given under its own type; everything else is plain text to it. */
const ownType = /^(?:application\/(?:[\w.+-]+\+)?json|text\/event-stream|text\/plain)\b/i;

function answerBody(c: Context<ApiEnvironment>, body: RecordedBody): Response {
  const bytes = Buffer.from(body.text);
  const type = ownType.test(body.contentType) ? (body.contentType.split(';')[0] ?? '') : 'text/plain';
  const headers: Record<string, string> = {
    'Content-Type': `${type}; charset=utf-8`,
    'Accept-Ranges': 'bytes',
    'X-Body-Size': String(body.bytes),
    'X-Body-Truncated': String(body.isTruncated),
    'X-Redactions': String(body.masked.reduce((sum, { count }) => sum + count, 0)),
  };
  const range = rangeOf(c.req.header('range'), bytes.length);
  if (range === 'none') return c.body(null, 416, { ...headers, 'Content-Range': `bytes */${bytes.length}` });
  if (range === null) return c.body(body.text, 200, headers);
  const part = bytes.subarray(range.start, range.end);
  return c.body(Uint8Array.from(part), 206, { ...headers, 'Content-Range': `bytes ${range.start}-${range.end - 1}/${bytes.length}` });
}

/** One range of RFC 9110, 14.1.2; null where none is asked for, or several: then the whole is given. */
function rangeOf(header: string | undefined, length: number): { readonly start: number; readonly end: number } | 'none' | null {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return null;
  if (first === '') return Number(last) === 0 || length === 0 ? 'none' : { start: Math.max(0, length - Number(last)), end: length };
  const start = Number(first);
  const end = last === '' ? length : Math.min(Number(last) + 1, length);
  if (last !== '' && Number(last) < start) return null;
  return start >= length ? 'none' : { start, end };
}

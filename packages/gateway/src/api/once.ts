import { z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { beginOnce } from '../control/idempotency/begin-once.ts';
import { Fault } from '../kernel/fault.ts';
import { sessionTokenOf } from './authenticate-caller.ts';
import type { ApiEnvironment } from './route.ts';

/** The header of a request that is to be carried out once. */
export const idempotencyHeader = z.string().optional().openapi({
  description:
    'Any text of your choice, such as a UUID. For 24 hours the same request with the same key is carried out once and answered alike, with `Idempotent-Replayed: true`.',
  example: '8e03978e-40d5-43dd-bc93-6894a57f9324',
});

/** A string of RFC 9651, or bare. */
const keyForm = /^(?:"([\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x5b\x5d-\x7e]{1,255}))$/;
/** What of an answer's headers says something of it. */
const keptHeaders = ['content-type', 'etag'];

/** Carries a request with an Idempotency-Key out once. One without, and one that changes nothing, goes its way. */
export const carryOutOnce: MiddlewareHandler<ApiEnvironment> = async (c, next) => {
  const given = c.req.header('idempotency-key');
  if (given === undefined || c.req.query('dry_run') === 'true') return next();
  const [, quoted, bare] = keyForm.exec(given) ?? [];
  const key = quoted ?? bare;
  if (key === undefined)
    throw new Fault('invalid_request', { reason: 'Idempotency-Key must be 1 to 255 visible ASCII characters without " and \\, such as a UUID' });
  const { method, path } = c.req;
  const contextOf = c.var.context;
  const context = contextOf();
  const once = await beginOnce(context, {
    key,
    method,
    path,
    query: new URL(c.req.url).search,
    body: await c.req.text(),
    credential: c.env.front === 'admin' ? null : sessionTokenOf(c, context.publicUrl()),
  });
  if (once.kind === 'replay') {
    const { status, headers, body } = once.answer;
    for (const [name, value] of Object.entries(headers)) c.header(name, value);
    c.header('Idempotent-Replayed', 'true');
    return c.body(body, status as 200);
  }
  c.set('context' as never, (() => ({ ...contextOf(), registry: once.registry })) as never);
  await next();
  // A fault that was thrown has become the answer already.
  if (!c.res.ok) return once.release();
  await once.keep({
    status: c.res.status,
    headers: Object.fromEntries(keptHeaders.flatMap((name) => (c.res.headers.has(name) ? [[name, c.res.headers.get(name) ?? '']] : []))),
    body: await c.res.clone().text(),
  });
  return undefined;
};

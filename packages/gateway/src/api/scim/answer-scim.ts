import type { Context } from 'hono';
import { bearer, peerOf } from '../authenticate-caller.ts';
import type { ApiEnvironment } from '../route.ts';
import { recordRefusal } from '../../control/scim/refusals.ts';
import { openScim, type ScimContext } from '../../control/scim/scim-context.ts';
import { ScimRefusal, type ScimType } from '../../control/scim/scim-refusal.ts';
import { asFault, type Fault } from '../../kernel/fault.ts';

export type ScimAsk = Context<ApiEnvironment>;

/**
 * Answers a request of SCIM: its caller is the provider whose token it shows; whatever is wrong is said as RFC 7644 section 3.12 has it, and kept for
 * administrators where it is not part of how providers work.
 */
export async function answerScim(c: ScimAsk, handle: (context: ScimContext) => Promise<Response>): Promise<Response> {
  const { dependencies, requestId } = c.var;
  let context: ScimContext | null = null;
  try {
    const mayRemember = c.req.method === 'GET';
    context = await openScim(dependencies, bearer(c.req.header('authorization')), { requestId, peer: peerOf(c), mayRemember });
    return await handle(context);
  } catch (thrown) {
    const refused = thrown instanceof ScimRefusal ? thrown : refusalOf(c, asFault(thrown), context === null);
    if (context !== null) await keep(c, context, refused);
    return scimJson(c, errorDocument(refused), refused.status);
  }
}

export function scimJson(c: ScimAsk, body: unknown, status: number): Response {
  return c.body(JSON.stringify(body), status as 200, { 'Content-Type': 'application/scim+json; charset=utf-8' });
}

function errorDocument({ status, scimType, message }: ScimRefusal): Record<string, unknown> {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    ...(scimType === null ? {} : { scimType }),
    detail: message,
  };
}

function refusalOf(c: ScimAsk, fault: Fault, isStranger: boolean): ScimRefusal {
  const { dependencies, requestId } = c.var;
  const { code, row, message, fix } = fault;
  if (isStranger) dependencies.figures.rejected.note(code, { requestId, peer: peerOf(c), bytes: 0 });
  if (row.owner === 'platform') dependencies.log.error('scim.fault', { code, method: c.req.method, request_id: requestId, error: fault.cause ?? fault });
  if (code === 'unauthorized') c.header('WWW-Authenticate', 'Bearer realm="gatewayops"');
  if (code === 'rate_limit_exceeded') c.header('Retry-After', String(fault.detail['retryAfter'] ?? 60));
  if (row.status === 503) c.header('Retry-After', '1');
  return new ScimRefusal(row.status, scimTypeOf(fault), row.owner === 'platform' ? message : `${message} ${fix}`);
}

function scimTypeOf({ code }: Fault): ScimType | null {
  if (code === 'already_exists') return 'uniqueness';
  return code === 'invalid_params' ? 'invalidValue' : null;
}

/** Whether something is there, is gone already or has changed, clients ask by being refused; too many requests, and a store that is away, are told elsewhere. */
const notKept: ReadonlySet<number> = new Set([412, 429, 503]);
const asking: ReadonlySet<string> = new Set(['GET', 'DELETE']);

async function keep(c: ScimAsk, context: ScimContext, { status, scimType, message }: ScimRefusal): Promise<void> {
  if (notKept.has(status) || (status === 404 && asking.has(c.req.method))) return;
  const [resource = '', id] = c.req.path.slice('/scim/v2/'.length).split('/');
  try {
    await recordRefusal(context, {
      method: c.req.method,
      resource: resource.slice(0, 40),
      resourceId: id === undefined || id === '' ? null : id.slice(0, 128),
      status,
      scimType,
      detail: message,
    });
  } catch (error) {
    context.log.warn('scim.refusal_not_kept', { error });
  }
}

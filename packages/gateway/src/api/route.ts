/**
 * How a route is written. A route names its permission or it cannot be registered; the permission is checked before the
 * body is read, stands in the OpenAPI document as `x-permission`, and the matrix of routes and permissions is tested from
 * it.
 *
 *     export function keyRoutes(api: Api): void {
 *       api.openapi(
 *         route({ method: 'get', path: '/v1/auth/keys/{key_id}', permission: 'keys.read', tags: ['keys'], summary: '…',
 *                 request: { params: z.object({ key_id: z.string() }) }, responses: { 200: json(keySchema, 'The key.') } }),
 *         async (c) => c.json(keyBody(await getKey(c.var.context(), c.req.valid('param').key_id)), 200),
 *       );
 *     }
 */
import { z, type OpenAPIHono, type RouteConfig } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { Fault } from '../kernel/fault.ts';
import type { Actor, ControlContext, ControlDependencies } from '../control/context.ts';
import { isOfGateway, type Permission } from '../control/permissions.ts';
import { defaultOrganizationId } from '../kernel/id.ts';
import { admitBody } from './admit-body.ts';
import { carryOutOnce, idempotencyHeader } from './once.ts';
import { organizationHeader } from './organization-header.ts';

/** A permission, `signed_in` for every known caller, or `public` for everyone (a credential that is sent must still be good). */
export type Access = Permission | 'signed_in' | 'public';

/** Which socket a request came in by: `admin` is the owner-only one, whose caller is the operator. */
export type Front = 'admin' | 'public';

export interface ApiEnvironment {
  Bindings: {
    readonly front: Front;
    /** Breaks the connection under an answer that has begun; not there where the API is called without one. */
    readonly cut?: () => void;
  };
  Variables: {
    readonly dependencies: ControlDependencies;
    readonly requestId: string;
    /** Who calls; null where no credential was sent, which only `public` routes let through. */
    readonly actor: Actor | null;
    /** The context of this caller for the verbs. Faults: `unauthorized` where there is no caller. */
    readonly context: () => ControlContext;
  };
}

export type ApiApp = OpenAPIHono<ApiEnvironment>;

/** What a file of routes may do: register routes. */
export type Api = Pick<ApiApp, 'openapi'>;

interface RouteOptions extends Omit<RouteConfig, 'middleware' | 'hide' | 'security'> {
  readonly permission: Access;
  /** About the gateway as a whole, not one organization: only for who is at home in the gateway's own. So are routes whose permission holds nowhere else. */
  readonly ofGateway?: true;
  /** A POST that asks only: sent twice it does no harm, so there is no Idempotency-Key. */
  readonly changesNothing?: true;
  /** Takes a form, which it reads itself, in the place of JSON. */
  readonly takesForm?: true;
  readonly deprecation?: Deprecation;
}

/** A route that clients should leave. Its answers say so by `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link. */
export interface Deprecation {
  /** Days, as in 2026-01-31: since when, and when it may end. */
  readonly since: string;
  readonly sunset: string;
  /** The operation that takes its place: `PATCH /v1/…`. */
  readonly instead: string;
}

/** What a route says beside what the document of the API has of it. */
type OwnOptions = 'permission' | 'ofGateway' | 'changesNothing' | 'takesForm' | 'deprecation';

/** A route with its permission, its security and the faults that every route may answer with. */
export function route<const Path extends string, Options extends RouteOptions & { path: Path }>(options: Options): Omit<Options, OwnOptions> {
  const { permission, ofGateway: isMarked, changesNothing, takesForm, deprecation, responses, ...rest } = options;
  const ofGateway = isMarked === true || (permission !== 'public' && permission !== 'signed_in' && isOfGateway(permission));
  const isOnce = options.method === 'post' && permission !== 'public' && changesNothing !== true;
  return {
    ...rest,
    ...(deprecation === undefined ? {} : deprecated(deprecation, options.description)),
    ...(isOnce ? { request: withIdempotencyKey(options.request) } : {}),
    security: permission === 'public' ? [] : [{ bearer: [] }, { session: [] }],
    'x-permission': permission,
    ...(ofGateway ? { 'x-of-gateway': true } : {}),
    middleware: [
      ...(deprecation === undefined ? [] : [sayDeprecated(deprecation)]),
      requireAccess(permission),
      ...(ofGateway ? [requireGateway] : []),
      ...(takesForm === true ? [] : [admitBody]),
      ...(isOnce ? [carryOutOnce] : []),
    ],
    responses: {
      ...responses,
      ...(permission === 'public' ? {} : refusals),
      default: json(faultSchema, 'A fault; `error` is its code in the registry of faults.'),
    },
  } as unknown as Omit<Options, OwnOptions>;
}

function deprecated({ since, sunset, instead }: Deprecation, description: string | undefined): Record<string, unknown> {
  const about = `Deprecated since ${since}, served until ${sunset} at least: use \`${instead}\`.`;
  return { deprecated: true, 'x-sunset': sunset, description: description === undefined ? about : `${description} ${about}` };
}

/** On every answer of the route, refusals among them. */
function sayDeprecated({ since, sunset }: Deprecation): MiddlewareHandler<ApiEnvironment> {
  const headers = {
    Deprecation: `@${Date.parse(since) / 1000}`,
    Sunset: new Date(sunset).toUTCString(),
    Link: '</v1/openapi.json>; rel="deprecation"; type="application/json"',
  };
  return async (c, next) => {
    for (const [name, value] of Object.entries(headers)) c.header(name, value);
    await next();
  };
}

function withIdempotencyKey(request: RouteConfig['request']): RouteConfig['request'] {
  const own = z.object({ 'idempotency-key': idempotencyHeader });
  const { headers } = request ?? {};
  return { ...request, headers: headers instanceof z.ZodObject ? headers.extend(own.shape) : own };
}

/** A JSON response or body of a schema. */
export function json<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
): { content: { 'application/json': { schema: Schema } }; description: string } {
  return { content: { 'application/json': { schema } }, description };
}

/** A JSON body that must be there. */
export function body<Schema extends z.ZodType>(schema: Schema): { required: true; content: { 'application/json': { schema: Schema } } } {
  return { required: true, content: { 'application/json': { schema } } };
}

function requireAccess(access: Access): MiddlewareHandler<ApiEnvironment> {
  return async (c, next) => {
    const { actor } = c.var;
    if (access !== 'public') {
      if (actor === null) throw new Fault('unauthorized');
      if (access !== 'signed_in' && !actor.can(access)) throw new Fault('forbidden', { reason: `its actions do not include ${access}` });
    }
    await next();
  };
}

/** What is about the whole gateway is not done for one organization, nor by whoever is at home in another. */
const requireGateway: MiddlewareHandler<ApiEnvironment> = async (c, next) => {
  const { actor } = c.var;
  if (actor !== null && actor.organizationId !== defaultOrganizationId)
    throw new Fault('forbidden', { reason: `this is about the whole gateway, and only for callers of its own organization, ${defaultOrganizationId}` });
  const named = c.req.header(organizationHeader);
  if (named !== undefined && named !== defaultOrganizationId)
    throw new Fault('invalid_request', { reason: `this is about the whole gateway, not about one organization: leave ${organizationHeader} out` });
  await next();
};

export const timeSchema = z.iso.datetime().openapi({ description: 'ISO 8601, UTC.', example: '2026-01-15T10:30:00.000Z' });

export const faultSchema = z
  .looseObject({
    error: z.string().openapi({ description: 'The code of the fault.', example: 'not_found' }),
    message: z.string(),
    fix: z.string().openapi({ description: 'What mends it.' }),
    docs: z.string(),
    request_id: z.string(),
  })
  .openapi('Fault');

const refusals = {
  401: json(faultSchema, '`unauthorized`: no credential, or one that is not good.'),
  403: json(faultSchema, '`forbidden`: the caller lacks the permission.'),
};

/**
 * api: the control plane over REST, thin. Imports `kernel/` and `control/`. Promises: every route under `/v1`
 * is registered with a permission, every refusal is a fault of the registry, bodies are bounded JSON, and one app serves
 * both the owner-only socket of the CLI and what workers pass on.
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { routePath } from 'hono/route';
import type { ZodError } from 'zod';
import { asFault, Fault, faultBody } from '../kernel/fault.ts';
import { newRequestId } from '../kernel/id.ts';
import type { ControlContext, ControlDependencies } from '../control/context.ts';
import { createEntryNotes } from '../control/organizations/note-entered.ts';
import { backupRoutes } from './backup-routes.ts';
import { auditRoutes } from './audit-routes.ts';
import { authenticateCaller, peerOf } from './authenticate-caller.ts';
import { bodyRoutes } from './body-routes.ts';
import { callMetricsRoutes } from './call-metrics-routes.ts';
import { configRoutes } from './config-routes.ts';
import { invitationPage } from './pages/invitation-page.ts';
import { pageRoutes } from './pages/page-routes.ts';
import { costRoutes } from './cost-routes.ts';
import { dashboardRoutes } from './dashboard/dashboard-routes.ts';
import { documentRoutes } from './document-routes.ts';
import { directoryRoutes } from './directory-routes.ts';
import { exportRoutes } from './export-routes.ts';
import { grantRoutes } from './grant-routes.ts';
import { healthRoutes } from './health-routes.ts';
import { providerRoutes } from './provider-routes.ts';
import { signInRoutes } from './sign-in-routes.ts';
import { invitationRoutes } from './invitation-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { metricsRoutes } from './metrics-routes.ts';
import { logRoutes } from './log-routes.ts';
import { certificateRoutes } from './certificate-routes.ts';
import { identityRoutes } from './identity-routes.ts';
import { tokenKeyRoutes } from './token-key-routes.ts';
import { maskingRoutes } from './masking-routes.ts';
import { objectRoutes } from './object-routes.ts';
import { oauthRoutes } from './oauth/oauth-routes.ts';
import { scimRoutes } from './scim/scim-routes.ts';
import { organizationOf } from './organization-header.ts';
import { viewRoutes } from './view-routes.ts';
import { organizationRoutes } from './organization-routes.ts';
import { planRoutes } from './plan-routes.ts';
import { policyRoutes } from './policy-routes.ts';
import { priceEntryRoutes } from './price-entry-routes.ts';
import { priceRoutes } from './price-routes.ts';
import { privacyRoutes } from './privacy-routes.ts';
import { roleRoutes } from './role-routes.ts';
import { controlApiPath } from '../control/oauth/resources.ts';
import type { ApiApp, ApiEnvironment } from './route.ts';
import { serverRoutes } from './server-routes.ts';
import { scimConnectionRoutes } from './scim-connection-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { userIdentityRoutes } from './user-identity-routes.ts';
import { userSessionRoutes } from './user-session-routes.ts';
import { streamRoutes } from './stream-routes.ts';
import { traceRoutes } from './trace-routes.ts';
import { unregisteredAgentRoutes } from './unregistered-agent-routes.ts';

export function createApi(dependencies: ControlDependencies): ApiApp {
  const app: ApiApp = new OpenAPIHono<ApiEnvironment>({ defaultHook: refuseInvalid });

  app.use(async (c, next) => {
    set(c, 'dependencies', dependencies);
    const requestId = acceptedRequestId(c.req.header('x-request-id')) ?? newRequestId();
    set(c, 'requestId', requestId);
    secureHeaders(c, requestId);
    await next();
  });
  const entries = createEntryNotes();
  const identify: MiddlewareHandler<ApiEnvironment> = async (c, next) => {
    const actor = await authenticateCaller(c, dependencies);
    set(c, 'actor', actor);
    const organizationId = actor === null ? null : await organizationOf(c, actor, dependencies);
    const context = (): ControlContext => {
      if (actor === null || organizationId === null) throw new Fault('unauthorized');
      return { ...dependencies, actor, organizationId, requestId: c.var.requestId, peer: peerOf(c) };
    };
    set(c, 'context', context);
    if (organizationId !== (actor?.organizationId ?? null)) await entries.note(context());
    await next();
  };
  app.use('/v1/*', identify);
  app.use('/metrics', identify);

  registerRoutes(app);
  pageRoutes(app);
  invitationPage(app);
  dashboardRoutes(app);
  oauthRoutes(app);
  scimRoutes(app);

  app.notFound((c) => answer(c, notServed(app, c)));
  app.onError((error, c) => answer(c, faultOf(error)));
  return app;
}

/** Raised when clients that work with one may fail with the next; every answer says it. */
export const apiVersion = '1';

/** Every route of the API. Throws where one has no permission: it would be open to everyone. */
export function registerRoutes(app: ApiApp): void {
  organizationRoutes(app);
  keyRoutes(app);
  serverRoutes(app);
  sessionRoutes(app);
  userSessionRoutes(app);
  userIdentityRoutes(app);
  providerRoutes(app);
  signInRoutes(app);
  scimConnectionRoutes(app);
  healthRoutes(app);
  configRoutes(app);
  objectRoutes(app);
  planRoutes(app);
  traceRoutes(app);
  bodyRoutes(app);
  logRoutes(app);
  exportRoutes(app);
  costRoutes(app);
  metricsRoutes(app);
  callMetricsRoutes(app);
  streamRoutes(app);
  certificateRoutes(app);
  identityRoutes(app);
  tokenKeyRoutes(app);
  maskingRoutes(app);
  auditRoutes(app);
  priceRoutes(app);
  priceEntryRoutes(app);
  policyRoutes(app);
  invitationRoutes(app);
  grantRoutes(app);
  directoryRoutes(app);
  unregisteredAgentRoutes(app);
  roleRoutes(app);
  backupRoutes(app);
  privacyRoutes(app);
  viewRoutes(app);
  documentRoutes(app);
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type === 'route' && !('x-permission' in definition.route))
      throw new Error(`${definition.route.method} ${definition.route.path} names no permission`);
  }
}

function refuseInvalid(result: { readonly success: true } | { readonly success: false; readonly target: string; readonly error: ZodError }): void {
  if (result.success) return;
  const issue = result.error.issues[0];
  const place = issue && issue.path.length > 0 ? `${result.target === 'json' ? '' : `${result.target} `}${issue.path.join('.')}: ` : '';
  throw new Fault(
    'invalid_request',
    { reason: `${place}${issue === undefined ? 'it does not have the expected shape' : issueText(issue)}` },
    { extra: { field: issue?.path.join('.') ?? '' } },
  );
}

/** Where the schema's own words would puzzle whoever sent the request. */
function issueText(issue: ZodError['issues'][number]): string {
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'it is required';
  if (issue.code === 'invalid_format' && issue.format === 'datetime') return 'it must be a time such as 2026-01-15T10:30:00Z';
  if (issue.code === 'invalid_format' && issue.format === 'date') return 'it must be a day such as 2026-01-15';
  return issue.message;
}

function faultOf(error: unknown): Fault {
  if (!(error instanceof HTTPException)) return asFault(error);
  if (error.status === 415) return new Fault('unsupported_media_type', {}, { cause: error });
  return error.status < 500 ? new Fault('parse_error', { reason: 'it does not parse' }, { cause: error }) : asFault(error);
}

/** 405 with the methods that are served where only the method is wrong, else 404. */
function notServed(app: ApiApp, c: Context<ApiEnvironment>): Fault {
  const allowed = new Set<string>();
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    if (method !== c.req.method && app.router.match(method, c.req.path)[0].some(([[, handled]]) => handled.method !== 'ALL')) allowed.add(method);
  }
  return allowed.size === 0 ? new Fault('not_found') : new Fault('method_not_allowed', {}, { extra: { allow: [...allowed].join(', ') } });
}

function answer(c: Context<ApiEnvironment>, fault: Fault): Response {
  const { requestId, dependencies, actor } = c.var;
  // Middleware that refuses a caller leaves none behind.
  if ((actor ?? null) === null) dependencies.figures.rejected.note(fault.code, { requestId, peer: c.req.header('x-gatewayops-peer') ?? '', bytes: 0 });
  // The route, not the path: that can be a one-time link.
  if (fault.row.owner === 'platform')
    dependencies.log.error('api.fault', {
      code: fault.code,
      method: c.req.method,
      route: routePath(c, -1),
      request_id: requestId,
      // Known where the caller is: every object of the API is of one organization.
      ...(actor === null || actor === undefined ? {} : { organization_id: actor.organizationId }),
      error: fault.cause ?? fault,
    });
  if (fault.code === 'unauthorized') c.header('WWW-Authenticate', challenge(dependencies));
  const { retryAfter } = fault.detail;
  if (fault.row.status === 503) c.header('Retry-After', '1');
  else if (typeof retryAfter === 'number') c.header('Retry-After', String(retryAfter));
  const allow = fault.extra?.['allow'];
  if (typeof allow === 'string') c.header('Allow', allow);
  return c.json(faultBody(fault, requestId), fault.row.status as 400);
}

/** RFC 9728 section 5.1: `gateway login` and its like read there how to sign in. */
function challenge({ config, publicUrl }: Pick<ControlDependencies, 'config' | 'publicUrl'>): string {
  const realm = 'Bearer realm="gatewayops"';
  if (config.identity.authorizationServer?.controlApi !== true) return realm;
  const { origin, pathname } = new URL(publicUrl());
  return `${realm}, resource_metadata="${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}${controlApiPath}"`;
}

/** The worker's id of this request, or the caller's on the owner-only socket: visible ASCII of a bounded length. */
function acceptedRequestId(header: string | undefined): string | null {
  return header !== undefined && /^[\x21-\x7e]{1,128}$/.test(header) ? header : null;
}

function secureHeaders(c: Context<ApiEnvironment>, requestId: string): void {
  c.header('X-Request-ID', requestId);
  c.header('GatewayOps-API-Version', apiVersion);
  c.header('X-Content-Type-Options', 'nosniff');
  c.header('Cache-Control', 'no-store');
  c.header('Referrer-Policy', 'no-referrer');
  c.header('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
}

/** Hono's `set` is typed for writable variables; ours are read-only for everyone else. */
function set<Name extends keyof ApiEnvironment['Variables']>(c: Context<ApiEnvironment>, name: Name, value: ApiEnvironment['Variables'][Name]): void {
  c.set(name, value);
}

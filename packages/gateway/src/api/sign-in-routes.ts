import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { beginSignIn } from '../control/sign-in/begin-sign-in.ts';
import { finishSignIn } from '../control/sign-in/finish-sign-in.ts';
import type { RefusedSignIn } from '../control/sign-in/refuse-sign-in.ts';
import { acsPath, callbackPath, placesOf, providerOf, samlMetadataPath } from '../control/sign-in/provider-desk.ts';
import { homePath, pathPrefix, returnPath } from '../control/sign-in/return-path.ts';
import { providerOfTry, tryPath } from '../control/sign-in/try-sign-in.ts';
import { sessionMaxMs } from '../control/sessions/session.ts';
import { plainUserAgent } from '../control/sessions/store-session.ts';
import { unknownObject } from '../control/unknown-object.ts';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import type { ProviderData } from '../identity/provider-data.ts';
import { cookieActor, peerOf, sessionCookie } from './authenticate-caller.ts';
import { answerPage } from './pages/answer-page.ts';
import { authorizePath } from './pages/authorize-path.ts';
import { renderNotNow, renderRefusedSignIn } from './pages/render-refused.ts';
import { renderReload, renderSignIn } from './pages/render-sign-in.ts';
import { renderTried, renderTry, renderTryOver } from './pages/render-try.ts';
import { readForm } from './read-form.ts';
import { route, type ApiApp, type ApiEnvironment } from './route.ts';

type Ask = Context<ApiEnvironment>;

/** What a browser keeps while somebody is at their provider. */
const browserCookie = 'gatewayops_sign_in';
const formBytesMax = 64 * 1024;
/** Base64 of an answer, some of its characters written as three. */
const samlFormBytesMax = 2 * bounds.samlAnswerBytesMax;
const answerOf = 'the answer of an identity provider';

const beginSchema = z.object({
  provider: z.string().max(63).optional().openapi({ description: 'Name of the provider.', example: 'okta' }),
  email: z.string().max(254).optional().openapi({ description: 'In its place: an address, whose domain leads to it.' }),
  try: z
    .string()
    .max(47)
    .optional()
    .openapi({ description: 'In the place of both: a sign-in that is only tried, `POST /v1/identity/providers/{name}/tries`.' }),
  return_to: z
    .string()
    .max(2000)
    .optional()
    .openapi({ description: 'Path of this gateway to go on to. Anything else is taken for the dashboard.', example: '/ui/traces' }),
});

/**
 * How people sign in, in a browser: the page that asks who they are, and the two ends of the way by their provider (S0: `authorize` and `callback`).
 * Nothing of why somebody is refused is shown here: an incident id leads an administrator to it.
 */
export function signInRoutes(app: ApiApp): void {
  app.get('/sign-in', async (c) => {
    const { dependencies } = c.var;
    const publicUrl = dependencies.publicUrl();
    const prefix = pathPrefix(publicUrl);
    const returnTo = returnPath(c.req.query('return_to'), publicUrl);
    if ((await cookieActor(c, dependencies)) !== null) return c.redirect(returnTo, 303);
    const providers = dependencies.providers.list();
    const email = c.req.query('email')?.slice(0, 254);
    const after = c.req.query('after');
    const chosen = email === undefined ? null : providerOf(providers, email);
    if (chosen !== null) return answerPage(c, renderReload(authorizePath(chosen, returnTo, prefix), prefix), 200);
    return answerPage(
      c,
      renderSignIn({
        providers: shown(providers),
        hasProviders: providers.length > 0,
        returnTo,
        email: email ?? null,
        after: after === 'signed_out' || after === 'ended' ? after : null,
        publicUrl,
        prefix,
      }),
      200,
    );
  });
  app.get(tryPath, async (c) => {
    const id = (c.req.query('id') ?? '').slice(0, 100);
    const prefix = pathPrefix(c.var.dependencies.publicUrl());
    const provider = await providerOfTry(c.var.dependencies, id);
    return provider === null ? answerPage(c, renderTryOver(prefix), 400) : answerPage(c, renderTry(provider, id, prefix), 200);
  });
  app.openapi(
    route({
      method: 'get',
      path: '/v1/auth/sso/oidc/authorize',
      permission: 'public',
      tags: ['identity'],
      summary: 'Begin to sign in by a provider',
      description: 'For browsers: leads to the provider, and to the page that asks for one where none is named.',
      request: { query: beginSchema },
      responses: { 303: { description: 'To the provider, with a cookie that binds the sign-in to this browser.' } },
    }),
    (c) => begin(c, c.req.valid('query')),
  );
  callbackRoutes(app);
  samlRoutes(app);
}

function callbackRoutes(app: ApiApp): void {
  const ofOne = {
    params: z.object({
      provider: z
        .string()
        .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/)
        .openapi({ description: 'Name of the provider.', example: 'okta' }),
    }),
  };
  const page = { 200: { description: 'A page of the browser, which leads on.' } };
  const any = { permission: 'public' as const, tags: ['identity'], responses: page };
  const byLink = { ...any, method: 'get' as const, description: 'For browsers: the answer of the provider stands in the query (OpenID Connect Core 1.0).' };
  const byForm = {
    ...any,
    method: 'post' as const,
    takesForm: true as const,
    description: 'For browsers: the answer of the provider is a form (OAuth 2.0 Form Post Response Mode), `application/x-www-form-urlencoded`.',
  };
  app.openapi(route({ ...byLink, path: `${callbackPath}/{provider}`, summary: 'Come back from a provider, by a link', request: ofOne }), (c) =>
    finish(c, 'oidc', c.req.valid('param').provider, new URL(c.req.url).searchParams),
  );
  app.openapi(route({ ...byForm, path: `${callbackPath}/{provider}`, summary: 'Come back from a provider, by a form', request: ofOne }), async (c) =>
    finish(c, 'oidc', c.req.valid('param').provider, await readForm(c, formBytesMax, answerOf)),
  );
  const shared = ', to the address of `callback: shared`';
  app.openapi(route({ ...byLink, path: callbackPath, summary: `Come back from a provider, by a link${shared}` }), (c) =>
    finish(c, 'oidc', null, new URL(c.req.url).searchParams),
  );
  app.openapi(route({ ...byForm, path: callbackPath, summary: `Come back from a provider, by a form${shared}` }), async (c) =>
    finish(c, 'oidc', null, await readForm(c, formBytesMax, answerOf)),
  );
}

function samlRoutes(app: ApiApp): void {
  app.openapi(
    route({
      method: 'get',
      path: '/v1/auth/sso/saml/login',
      permission: 'public',
      tags: ['identity'],
      summary: 'Begin to sign in by a SAML provider',
      description: 'For browsers: as `/v1/auth/sso/oidc/authorize`; the request is in the address that it leads to (SAML 2.0, HTTP redirect binding).',
      request: { query: beginSchema },
      responses: { 303: { description: 'To the provider, with a cookie that binds the sign-in to this browser.' } },
    }),
    (c) => begin(c, c.req.valid('query')),
  );
  app.openapi(
    route({
      method: 'post',
      path: acsPath,
      permission: 'public',
      takesForm: true,
      tags: ['identity'],
      summary: 'Come back from a SAML provider',
      description: 'For browsers: the answer of the provider is a form (SAML 2.0, HTTP POST binding), `application/x-www-form-urlencoded`.',
      responses: { 200: { description: 'A page of the browser, which leads on.' } },
    }),
    async (c) => finish(c, 'saml', null, await readForm(c, samlFormBytesMax, answerOf)),
  );
  app.openapi(
    route({
      method: 'get',
      path: samlMetadataPath,
      permission: 'public',
      tags: ['identity'],
      summary: 'What a SAML provider is to know of this gateway',
      description:
        'Its metadata (SAML 2.0): entity id, the address for answers, and the certificate, where there is one. The address is the entity id unless another is set.',
      request: { query: z.object({ provider: z.string().max(63).openapi({ description: 'Name of the provider that is to know it.', example: 'okta' }) }) },
      responses: { 200: { description: 'The metadata, in XML.', content: { 'application/samlmetadata+xml': { schema: z.string() } } } },
    }),
    async (c) => {
      const { providers, publicUrl } = c.var.dependencies;
      const { provider: name } = c.req.valid('query');
      const provider = providers.list().find((one) => one.name === name);
      if (provider?.type !== 'saml') throw unknownObject('provider', name);
      return c.body((await providers.saml()).metadata(provider, placesOf(provider, publicUrl())), 200, { 'Content-Type': 'application/samlmetadata+xml' });
    },
  );
}

async function begin(c: Ask, { provider: asked, email = '', return_to: goOn, try: tryId }: z.infer<typeof beginSchema>): Promise<Response> {
  const { dependencies } = c.var;
  const returnTo = returnPath(goOn, dependencies.publicUrl());
  const prefix = pathPrefix(dependencies.publicUrl());
  const providers = dependencies.providers.list();
  if (tryId !== undefined) {
    // Whoever is led here past the page that says what it is reads that first.
    if ((c.req.header('sec-fetch-site') ?? 'same-origin') !== 'same-origin')
      return c.redirect(`${prefix}${tryPath}?${new URLSearchParams({ id: tryId }).toString()}`, 303);
    const tried = await providerOfTry(dependencies, tryId);
    return tried === null ? answerPage(c, renderTryOver(prefix), 400) : lead(c, tried, returnTo, tryId);
  }
  const provider = asked === undefined ? providerOf(providers, email) : (providers.find(({ name }) => name === asked) ?? null);
  if (provider === null) return c.redirect(`${prefix}/sign-in?${new URLSearchParams({ return_to: returnTo }).toString()}`, 303);
  return await lead(c, provider, returnTo, null);
}

/** To the provider. */
async function lead(c: Ask, provider: ProviderData, returnTo: string, tryId: string | null): Promise<Response> {
  const { dependencies, requestId } = c.var;
  const { name } = browserCookieOf(dependencies.publicUrl());
  return await inPage(c, async () => {
    const begun = await beginSignIn({ ...dependencies, requestId, peer: peerOf(c) }, { provider, returnTo, shown: getCookie(c, name) ?? null, tryId });
    if (!begun.ok) return refuse(c, begun, 502);
    keepBrowser(c, begun.browser, provider);
    return c.redirect(begun.url, 303);
  });
}

async function finish(c: Ask, type: ProviderData['type'], addressOf: string | null, answer: URLSearchParams): Promise<Response> {
  const { dependencies, requestId } = c.var;
  return await inPage(c, async () => {
    const { name } = browserCookieOf(dependencies.publicUrl());
    const finished = await finishSignIn(
      { ...dependencies, requestId, peer: peerOf(c) },
      { type, addressOf, answer, browser: getCookie(c, name) ?? null, userAgent: plainUserAgent(c.req.header('user-agent')) },
    );
    const prefix = pathPrefix(dependencies.publicUrl());
    if (!finished.ok) return refuse(c, finished, 400);
    if (finished.isTried) return answerPage(c, renderTried(prefix), 200);
    const { name: session, secure } = sessionCookie(dependencies.publicUrl());
    setCookie(c, session, finished.token, { path: '/', httpOnly: true, sameSite: 'Strict', secure, maxAge: sessionMaxMs / 1000 });
    // A redirect would go on as what another site began, and the browser withhold a strict cookie; a page of ours begins anew.
    return answerPage(c, renderReload(finished.returnTo ?? homePath(dependencies.publicUrl()), prefix), 200);
  });
}

function refuse(c: Ask, { incident, retryAfterMs }: RefusedSignIn, status: 400 | 502): Promise<Response> {
  const seconds = retryAfterMs === null ? null : Math.max(1, Math.ceil(retryAfterMs / 1_000));
  if (seconds !== null) c.header('Retry-After', String(seconds));
  return answerPage(c, renderRefusedSignIn(incident, seconds, pathPrefix(c.var.dependencies.publicUrl())), status);
}

/** Who is slowed, or comes while a part is away, reads it in a page. */
async function inPage(c: Ask, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Fault) || (error.code !== 'rate_limit_exceeded' && error.code !== 'unavailable')) throw error;
    c.header('Retry-After', String(error.detail['retryAfter'] ?? 5));
    const { dependencies, requestId } = c.var;
    dependencies.log.warn('sign_in.not_now', { code: error.code, request_id: requestId, error });
    const isSlowed = error.code === 'rate_limit_exceeded';
    return answerPage(c, renderNotNow(isSlowed, requestId, pathPrefix(dependencies.publicUrl())), isSlowed ? 429 : 503);
  }
}

/** With several organizations none learns of the providers of another: there an address leads on. */
function shown(providers: readonly ProviderData[]): readonly ProviderData[] {
  return new Set(providers.map(({ organizationId }) => organizationId)).size > 1 ? [] : providers;
}

function browserCookieOf(publicUrl: string): { readonly name: string; readonly secure: boolean } {
  return publicUrl.startsWith('https:') ? { name: `__Host-${browserCookie}`, secure: true } : { name: browserCookie, secure: false };
}

function keepBrowser(c: Ask, value: string, provider: ProviderData): void {
  const { name, secure } = browserCookieOf(c.var.dependencies.publicUrl());
  // Only with a form of another site must it go along; with its links a lax one does.
  const isForm = provider.type === 'saml' || provider.responseMode === 'form_post';
  const sameSite = isForm && secure ? 'None' : 'Lax';
  setCookie(c, name, value, { path: '/', httpOnly: true, sameSite, secure, maxAge: bounds.signInMs / 1000 });
}

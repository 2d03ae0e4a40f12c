import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setCookie } from 'hono/cookie';
import type { Context } from 'hono';
import { countFailed } from '../../control/sign-in/sign-in-attempts.ts';
import { openSession } from '../../control/sessions/open-session.ts';
import { sessionMaxMs } from '../../control/sessions/session.ts';
import { plainUserAgent } from '../../control/sessions/store-session.ts';
import { cookieActor, peerOf, sessionCookie } from '../authenticate-caller.ts';
import type { ApiApp, ApiEnvironment } from '../route.ts';
import { renderConsole } from './render-console.ts';
import { renderReload, renderSignIn } from './render-sign-in.ts';

/** Only what the gateway itself serves is loaded, nothing is framed, nothing is sent anywhere else. */
export const pagePolicy =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * The page that the one-time link opens: servers, keys and last traces, rendered here. Reads by session cookie only, and
 * changes nothing but through the API.
 */
export function consoleRoutes(app: ApiApp): void {
  app.get('/admin/:token', async (c) => {
    // A preview that only looks at the link must not use it up.
    if (c.req.method === 'HEAD') return page(c, '', 200);
    const { dependencies, requestId } = c.var;
    const token = await openSession({ ...dependencies, requestId, peer: peerOf(c) }, c.req.param('token'), plainUserAgent(c.req.header('user-agent')));
    if (token === null) {
      dependencies.audit.noteSignIn({ outcome: 'failed', reason: 'unknown', kind: 'admin_link', subject: '', organizationId: null, peer: peerOf(c) });
      await countFailed(dependencies, peerOf(c));
      return page(c, renderSignIn('used'), 401);
    }
    const { name, secure } = sessionCookie(dependencies.publicUrl());
    setCookie(c, name, token, { path: '/', httpOnly: true, sameSite: 'Strict', secure, maxAge: sessionMaxMs / 1000 });
    return c.redirect('/', 303);
  });
  app.get('/', async (c) => {
    const { dependencies, requestId } = c.var;
    const actor = await cookieActor(c, dependencies);
    // After a link that was clicked on another site the browser withholds a strict cookie; from a page of ours it sends it.
    if (actor === null && c.req.header('sec-fetch-site') === 'cross-site') return page(c, renderReload('/'), 200);
    if (actor === null && dependencies.providers.list().length > 0) return c.redirect('/sign-in', 303);
    if (actor === null) return page(c, renderSignIn('none'), 401);
    const context = { ...dependencies, actor, organizationId: actor.organizationId, requestId, peer: peerOf(c) };
    return page(c, await renderConsole(context), 200);
  });
  for (const [file, type] of [
    ['console.css', 'text/css; charset=utf-8'],
    ['console.js', 'text/javascript; charset=utf-8'],
    ['icon.svg', 'image/svg+xml'],
  ] as const) {
    const content = readFileSync(join(import.meta.dirname, file), 'utf8');
    app.get(`/console/${file}`, (c) => c.body(content, 200, { 'Content-Type': type, 'Cache-Control': 'no-cache' }));
  }
}

async function page(c: Context<ApiEnvironment>, text: unknown, status: 200 | 401): Promise<Response> {
  c.header('Content-Security-Policy', pagePolicy);
  return c.html(String(await text), status);
}

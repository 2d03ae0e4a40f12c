import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setCookie } from 'hono/cookie';
import { countFailed } from '../../control/sign-in/sign-in-attempts.ts';
import { homePath, pathPrefix, returnPath } from '../../control/sign-in/return-path.ts';
import { openSession } from '../../control/sessions/open-session.ts';
import { sessionMaxMs } from '../../control/sessions/session.ts';
import { plainUserAgent } from '../../control/sessions/store-session.ts';
import { peerOf, sessionCookie } from '../authenticate-caller.ts';
import { dashboardFolder } from '../dashboard/dashboard-files.ts';
import type { ApiApp } from '../route.ts';
import { renderOneTimeLink } from './render-sign-in.ts';
import { answerPage } from './answer-page.ts';

/**
 * The way in: the root leads to the dashboard, and so does the one-time link, with a session. Beside them what the pages without a script look
 * like, in the dashboard's own colours and fonts.
 */
export function pageRoutes(app: ApiApp): void {
  app.get('/', (c) => c.redirect(`${homePath(c.var.dependencies.publicUrl())}${new URL(c.req.url).search}`, 303));
  app.get('/admin/:token', async (c) => {
    // A preview that only looks at the link must not use it up.
    if (c.req.method === 'HEAD') return answerPage(c, '', 200);
    const { dependencies, requestId } = c.var;
    const publicUrl = dependencies.publicUrl();
    const token = await openSession({ ...dependencies, requestId, peer: peerOf(c) }, c.req.param('token'), plainUserAgent(c.req.header('user-agent')));
    if (token === null) {
      dependencies.audit.noteSignIn({ outcome: 'failed', reason: 'unknown', kind: 'admin_link', subject: '', organizationId: null, peer: peerOf(c) });
      await countFailed(dependencies, peerOf(c));
      return answerPage(c, renderOneTimeLink('used', pathPrefix(publicUrl), requestId), 401);
    }
    const { name, secure } = sessionCookie(publicUrl);
    setCookie(c, name, token, { path: '/', httpOnly: true, sameSite: 'Strict', secure, maxAge: sessionMaxMs / 1000 });
    return c.redirect(returnPath(c.req.query('return_to'), publicUrl), 303);
  });
  const read = (file: string): string => readFileSync(join(import.meta.dirname, file), 'utf8');
  const [style, icon] = [`${read('tokens.css')}${read('page.css')}`, read('icon.svg')];
  app.get('/pages/page.css', (c) => c.body(`${fontFaces()}${style}`, 200, { 'Content-Type': 'text/css; charset=utf-8', 'Cache-Control': 'no-cache' }));
  app.get('/pages/icon.svg', (c) => c.body(icon, 200, { 'Content-Type': 'image/svg+xml', 'Cache-Control': 'no-cache' }));
}

/** Those of the built dashboard, by names that change with each build; where there is none, the system's are good. */
function fontFaces(): string {
  let files: readonly string[];
  try {
    files = readdirSync(join(dashboardFolder, 'assets'));
  } catch {
    return '';
  }
  return [
    ['Instrument Sans', 'instrument-sans', '400 700'],
    ['Geist Mono', 'geist-mono', '100 900'],
  ]
    .map(([family, prefix = '', weight]) => {
      const file = files.find((name) => name.startsWith(prefix) && name.endsWith('.woff2'));
      return file === undefined
        ? ''
        : `@font-face{font-family:'${family}';font-weight:${weight};font-display:swap;src:url('../ui/assets/${file}') format('woff2')}\n`;
    })
    .join('');
}

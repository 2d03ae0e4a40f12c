import { Fault } from '../../kernel/fault.ts';
import { cookieActor } from '../authenticate-caller.ts';
import { homePath, pathPrefix } from '../../control/sign-in/return-path.ts';
import { answerPage } from '../pages/answer-page.ts';
import { renderOneTimeLink, renderReload } from '../pages/render-sign-in.ts';
import type { ApiApp } from '../route.ts';
import { renderUnbuilt } from './render-unbuilt.ts';
import { dashboardFolder, readDashboard, type DashboardFiles } from './dashboard-files.ts';

/** Only what the gateway itself serves is loaded, no script or style stands in the page, nothing is framed, nothing is sent elsewhere. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'none'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

/**
 * The dashboard: the built files of packages/dashboard under `/ui/`, from memory. Every other path below it is a page of its own, for browsers
 * that ask for one; who has not signed in is led to where people do.
 */
export function dashboardRoutes(app: ApiApp): void {
  let files: DashboardFiles | null = null;
  app.get('/ui', (c) => c.redirect(homePath(c.var.dependencies.publicUrl()), 308));
  app.get('/ui/*', async (c) => {
    // Read when somebody first looks; what was not there may have been built since.
    files ??= readDashboard(dashboardFolder);
    const path = c.req.path.slice('/ui/'.length);
    const file = files?.get(path);
    if (file !== undefined && file !== null) {
      const accepted = c.req.header('accept-encoding') ?? '';
      const [encoding, content] =
        file.brotli !== null && /\bbr\b/.test(accepted)
          ? (['br', file.brotli] as const)
          : file.gzip !== null && /\bgzip\b/.test(accepted)
            ? (['gzip', file.gzip] as const)
            : (['', file.plain] as const);
      if (encoding !== '') c.header('Content-Encoding', encoding);
      c.header('Vary', 'Accept-Encoding');
      c.header('Cache-Control', file.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      return c.body(content, 200, { 'Content-Type': file.type });
    }
    if (path.startsWith('assets/') || c.req.header('accept')?.includes('text/html') !== true) throw new Fault('not_found');
    const { dependencies } = c.var;
    const base = homePath(dependencies.publicUrl());
    const prefix = pathPrefix(dependencies.publicUrl());
    const asked = `${base}${path}${new URL(c.req.url).search}`;
    if ((await cookieActor(c, dependencies)) === null) {
      // After a link that was clicked on another site the browser withholds a strict cookie; from a page of ours it sends it.
      if (c.req.header('sec-fetch-site') === 'cross-site') return answerPage(c, renderReload(asked, prefix), 200);
      if (dependencies.providers.list().length > 0) return c.redirect(`${prefix}/sign-in?${new URLSearchParams({ return_to: asked }).toString()}`, 303);
      return answerPage(c, renderOneTimeLink('none', prefix, c.var.requestId), 401);
    }
    if (files === null) return answerPage(c, renderUnbuilt(prefix), 503);
    c.header('Cache-Control', 'no-cache');
    c.header('Content-Security-Policy', policy);
    return c.html(files.page(base));
  });
}

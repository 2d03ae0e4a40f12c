import { html } from 'hono/html';
import { renderPage, renderRail, type Html } from './render-page.ts';

/** For who has no session: how to get one. */
export function renderSignIn(why: 'none' | 'used'): Html {
  const heading = why === 'used' ? 'This link has been used, or its hour is over' : 'Sign in with a one-time link';
  return renderPage(
    `${heading} · GatewayOps`,
    '',
    html`<main class="sign-in">
      ${renderRail('Stopped at auth: no session', 'blocked')}
      <h1>${heading}</h1>
      <p>Each link opens one administrator session, once, within an hour. On the machine that runs the gateway, make a new one:</p>
      <p class="command"><code>npx --no gateway admin link</code><button type="button" data-copy="npx --no gateway admin link">Copy</button></p>
      <p>From elsewhere, with a key that holds everything:</p>
      <p class="command">
        <code>curl -X POST -H "Authorization: Bearer $GATEWAYOPS_API_KEY" <span data-origin>http://…</span>/v1/auth/admin-links</code>
      </p>
    </main>`,
  );
}

/** Goes on to a place of ours, from a page of ours. */
export function renderReload(to: string): Html {
  return renderPage(
    'GatewayOps',
    html`<meta http-equiv="refresh" content="0;url=${to}" />`,
    html`<main class="sign-in">
      <p>Opening… <a href="${to}">Continue</a></p>
    </main>`,
  );
}

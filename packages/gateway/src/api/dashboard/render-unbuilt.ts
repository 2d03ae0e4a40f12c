import { html } from 'hono/html';
import { renderPage, renderRail, type Html } from '../console/render-page.ts';

/** In a checkout in which the dashboard was never built. */
export function renderUnbuilt(): Html {
  return renderPage(
    'The dashboard is not built · GatewayOps',
    '',
    html`<main class="sign-in">
      ${renderRail('Stopped: not built', 'blocked')}
      <h1>The dashboard is not built</h1>
      <p>The gateway runs; only its pages lack. In the checkout:</p>
      <p class="command"><code>npm run build:dashboard</code><button type="button" data-copy="npm run build:dashboard">Copy</button></p>
      <p>Then load this page again. <code>npm start</code> builds it by itself.</p>
    </main>`,
  );
}

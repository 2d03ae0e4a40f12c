import { html } from 'hono/html';
import { renderCommand, renderPage, type Html } from '../pages/render-page.ts';

/** In a checkout in which the dashboard was never built. */
export function renderUnbuilt(prefix: string): Html {
  return renderPage(
    'The dashboard is not built',
    prefix,
    html`<h1>The dashboard is not built</h1>
      <p>The gateway runs; only its pages lack. In the checkout:</p>
      ${renderCommand('npm run build:dashboard')}
      <p>Then load this page again. <code>npm start</code> builds it by itself.</p>`,
  );
}

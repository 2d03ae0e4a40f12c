import { html } from 'hono/html';
import { renderCommand, renderPage, renderStopped, type Html } from './render-page.ts';

/** By the incident an administrator finds the step that failed; nothing of it is told here but when it is tried again, where that is not each time. */
export function renderRefusedSignIn(incident: string, retrySeconds: number | null, prefix: string): Html {
  return renderPage(
    'Not signed in',
    prefix,
    html`${renderStopped('Stopped at auth: not signed in')}
      <h1>You are not signed in</h1>
      <p>
        ${retrySeconds === null ? 'It did not work.' : `Your identity provider cannot be used just now. It is asked again in ${retrySeconds} s.`}
        <a href="${prefix}/sign-in">Try again</a>${retrySeconds === null ? '' : ' then'}; if it stays so, give this number to whoever runs the gateway:
      </p>
      ${renderCommand(incident)}
      <p class="dim">They read by it which step failed and what mends it: <code>npx --no gateway audit list --object ${incident}</code></p>`,
  );
}

/** They are to come again in a moment. */
export function renderNotNow(isSlowed: boolean, requestId: string, prefix: string): Html {
  return renderPage(
    'Not now',
    prefix,
    html`${renderStopped('Stopped at auth: not now')}
      <h1>Not now</h1>
      <p>
        ${isSlowed ? 'Too much is being tried from where you are.' : 'A part of the gateway that signing in needs is not ready.'} Wait a minute, then
        <a href="${prefix}/sign-in">try again</a>.
      </p>
      <p class="dim">If it stays so, whoever runs the gateway finds it in its log by request <code>${requestId}</code></p>`,
  );
}

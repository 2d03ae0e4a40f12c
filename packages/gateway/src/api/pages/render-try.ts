/** The pages of a sign-in that is only tried. */
import { html } from 'hono/html';
import type { ProviderData } from '../../identity/provider-data.ts';
import { renderPage, renderStopped, type Html } from './render-page.ts';

/** Before it: whoever comes by the link may be another than who made it. */
export function renderTry({ name, title, type }: ProviderData, id: string, prefix: string): Html {
  const query = new URLSearchParams({ provider: name, try: id }).toString();
  return renderPage(
    'Try the sign-in',
    prefix,
    html`<h1>Try to sign in with ${title}</h1>
      <p>
        Nobody is signed in by this, and nothing is changed. Whoever gave you this link learns what ${title} says of you: your name, your address, your groups,
        and what else is in its answer.
      </p>
      <ul class="choices">
        <li><a class="choice" href="${prefix}/v1/auth/sso/${type === 'saml' ? 'saml/login' : 'oidc/authorize'}?${query}">Continue with ${title}</a></li>
      </ul>
      <p class="dim">Close this page if you did not ask for it.</p>`,
  );
}

export function renderTried(prefix: string): Html {
  return renderPage(
    'Tried',
    prefix,
    html`<h1>It works as far as here</h1>
      <p>Go back to where you asked for it: what you would be given stands there. You are not signed in.</p>`,
  );
}

export function renderTryOver(prefix: string): Html {
  return renderPage(
    'Over',
    prefix,
    html`${renderStopped('Stopped at auth')}
      <h1>This link has been used, or its ten minutes are over</h1>
      <p>Ask for another one where you asked for this.</p>`,
  );
}

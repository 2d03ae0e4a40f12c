/** The pages of a sign-in that is only tried. */
import { html } from 'hono/html';
import type { ProviderData } from '../../identity/provider-data.ts';
import { renderPage, renderRail, type Html } from './render-page.ts';

/** Before it: whoever comes by the link may be another than who made it. */
export function renderTry({ name, title, type }: ProviderData, id: string): Html {
  const query = new URLSearchParams({ provider: name, try: id }).toString();
  return renderPage(
    'Try the sign-in · GatewayOps',
    '',
    html`<main class="sign-in">
      ${renderRail('The rail: auth, access, limit, guard, server, reply', 'whole')}
      <h1>Try to sign in with ${title}</h1>
      <p>
        Nobody is signed in by this, and nothing is changed. Whoever gave you this link learns what ${title} says of you: your name, your address, your groups,
        and what else is in its answer.
      </p>
      <ul class="choices">
        <li><a class="choice" href="/v1/auth/sso/${type === 'saml' ? 'saml/login' : 'oidc/authorize'}?${query}">Continue with ${title}</a></li>
      </ul>
      <p class="dim">Close this page if you did not ask for it.</p>
    </main>`,
  );
}

export function renderTried(): Html {
  return told('It works as far as here', 'whole', 'Go back to where you asked for it: what you would be given stands there. You are not signed in.');
}

export function renderTryOver(): Html {
  return told('This link has been used, or its ten minutes are over', 'blocked', 'Ask for another one where you asked for this.');
}

function told(heading: string, rail: 'whole' | 'blocked', text: string): Html {
  return renderPage(
    `${heading} · GatewayOps`,
    '',
    html`<main class="sign-in">
      ${renderRail(rail === 'whole' ? 'The rail: auth, access, limit, guard, server, reply' : 'Stopped at auth', rail)}
      <h1>${heading}</h1>
      <p>${text}</p>
    </main>`,
  );
}

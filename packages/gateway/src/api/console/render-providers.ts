import { html } from 'hono/html';
import type { ProviderData } from '../../identity/provider-data.ts';
import { authorizePath } from './authorize-path.ts';
import { renderPage, renderRail, type Html } from './render-page.ts';

export interface Choice {
  /** Those that are offered by name. */
  readonly providers: readonly ProviderData[];
  /** Whether there are any, offered or not. */
  readonly hasProviders: boolean;
  readonly returnTo: string;
  /** What was entered and leads nowhere. */
  readonly email: string | null;
}

/** Asks somebody by whom they sign in. Works without scripts. */
export function renderChooseProvider({ providers, hasProviders, returnTo, email }: Choice): Html {
  const buttons = providers.map((provider) => html`<li><a class="choice" href="${authorizePath(provider, returnTo)}">Continue with ${provider.title}</a></li>`);
  const byEmail = html`<form method="get" action="/sign-in" class="by-email">
    <input type="hidden" name="return_to" value="${returnTo}" />
    <label for="email">${providers.length === 0 ? 'Your work e-mail' : 'Or by your work e-mail'}</label>
    <div class="row">
      <input
        id="email"
        name="email"
        type="email"
        autocomplete="username"
        required
        maxlength="254"
        value="${email ?? ''}"
        ${email === null ? '' : html`aria-describedby="none-found" aria-invalid="true"`}
      />
      <button type="submit" class="choice">Continue</button>
    </div>
    ${email === null ? '' : html`<p id="none-found" class="state error">No identity provider is set up for this address. Ask whoever runs the gateway.</p>`}
  </form>`;
  return renderPage(
    'Sign in · GatewayOps',
    '',
    html`<main class="sign-in">
      ${renderRail('The rail: auth, access, limit, guard, server, reply', 'whole')}
      <h1>Sign in to GatewayOps</h1>
      ${
        hasProviders
          ? html`${
              buttons.length === 0
                ? ''
                : html`<ul class="choices">
                    ${buttons}
                  </ul>`
            }
            ${byEmail}`
          : html`<p>No identity provider is configured: docs/guides/sign-in.md says how one is. Until then there are one-time links.</p>`
      }
      <p class="dim">For administrators on the machine itself: <code>npx --no gateway admin link</code></p>
    </main>`,
  );
}

/** `incident` null: they are to come again in a moment. */
export function renderRefusedSignIn(incident: string | null): Html {
  return renderPage(
    'Not signed in · GatewayOps',
    '',
    html`<main class="sign-in">
      ${renderRail('Stopped at auth: not signed in', 'blocked')}
      <h1>${incident === null ? 'Not now' : 'You are not signed in'}</h1>
      ${
        incident === null
          ? html`<p>Too much is being tried at once, or a part of the gateway is not ready. Try again in a minute.</p>`
          : html`<p>It did not work. <a href="/sign-in">Try again</a>; if it stays so, give this number to whoever runs the gateway:</p>
              <p class="command"><code>${incident}</code></p>`
      }
    </main>`,
  );
}

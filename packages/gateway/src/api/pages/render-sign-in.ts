/** Where people sign in. Works without scripts, and before there is anything to load. */
import { html } from 'hono/html';
import type { ProviderData } from '../../identity/provider-data.ts';
import { authorizePath } from './authorize-path.ts';
import { renderCommand, renderPage, renderStopped, type Html } from './render-page.ts';

export interface SignIn {
  /** Those that are offered by name. */
  readonly providers: readonly ProviderData[];
  /** Whether there are any, offered or not. */
  readonly hasProviders: boolean;
  readonly returnTo: string;
  /** What was entered and leads nowhere. */
  readonly email: string | null;
  /** What came before: they signed out, their session ended, or they come from nowhere. */
  readonly after: 'signed_out' | 'ended' | null;
  readonly publicUrl: string;
  /** As in `pathPrefix`. */
  readonly prefix: string;
}

/** Asks somebody by whom they sign in. */
export function renderSignIn(page: SignIn): Html {
  const { providers, hasProviders, returnTo, after, publicUrl, prefix } = page;
  const news = { signed_out: 'You are signed out.', ended: 'Your session has ended. After signing in you are back where you were.' };
  return renderPage(
    'Sign in',
    prefix,
    html`${after === null ? '' : html`<p class="news" role="status">${news[after]}</p>`}
      <h1>Sign in</h1>
      <p class="dim">to the gateway at <b>${new URL(publicUrl).host}</b></p>
      ${
        providers.length === 0
          ? ''
          : html`<ul class="choices">
              ${providers.map((provider) => html`<li><a class="choice" href="${authorizePath(provider, returnTo, prefix)}">Continue with ${provider.title}</a></li>`)}
            </ul>`
      }
      ${hasProviders ? renderByEmail(page) : ''} ${renderBreakGlass(hasProviders)}`,
  );
}

function renderByEmail({ providers, returnTo, email, prefix }: SignIn): Html {
  return html`<form method="get" action="${prefix}/sign-in" class="by-email">
    <input type="hidden" name="return_to" value="${returnTo}" />
    <label for="email">${providers.length === 0 ? 'Your work e-mail' : 'Or by your work e-mail'}</label>
    <div class="row">
      <input
        id="email"
        name="email"
        type="email"
        autocomplete="username"
        placeholder="you@company.example"
        required
        maxlength="254"
        value="${email ?? ''}"
        ${email === null ? '' : html`aria-describedby="none-found" aria-invalid="true" autofocus`}
      />
      <button type="submit" class="choice">Continue</button>
    </div>
    ${
      email === null
        ? ''
        : html`<p id="none-found" class="problem" role="alert">
            No identity provider is set up for this address. Try the address that your company signs you in with, or ask whoever runs the gateway.
          </p>`
    }
  </form>`;
}

/** The way in that needs no provider: open where it is the only one. */
function renderBreakGlass(hasProviders: boolean): Html {
  return html`<details ${hasProviders ? '' : 'open'}>
    <summary>${hasProviders ? 'When nobody can sign in' : 'By a one-time link'}</summary>
    <p>Whoever is on the machine that runs the gateway makes a link, which opens one administrator session, once, within an hour:</p>
    ${renderCommand('npx --no gateway admin link')}
    <p>
      ${
        hasProviders
          ? 'It works also while the identity providers are away, and it is written to the audit.'
          : html`Open it, then load this page again. To let people sign in by an identity provider, name one under <code>identity.providers</code> in
              gateway.yaml.`
      }
    </p>
  </details>`;
}

/** In the place of a page, where there is nothing to sign in by but a link. */
export function renderOneTimeLink(why: 'none' | 'used', prefix: string, requestId: string): Html {
  const heading = why === 'used' ? 'This link has been used, or its hour is over' : 'Sign in with a one-time link';
  return renderPage(
    heading,
    prefix,
    html`${renderStopped('Stopped at auth: no session')}
      <h1>${heading}</h1>
      <p>A link opens one administrator session, once, within an hour. On the machine that runs the gateway, make ${why === 'used' ? 'a new one' : 'one'}:</p>
      ${renderCommand('npx --no gateway admin link')}
      <p>
        ${why === 'used' ? 'If it was not you who used it, end the session that it opened: Audit shows from where.' : 'Open it, then load this page again: you are where you wanted to be.'}
      </p>
      <p class="dim">Or, where providers are set up: <a href="${prefix}/sign-in">sign in</a>. Request <code>${requestId}</code></p>`,
  );
}

/** Goes on to a place of ours, from a page of ours. */
export function renderReload(to: string, prefix: string): Html {
  return renderPage('Opening', prefix, html`<p>Opening… <a href="${to}">Continue</a></p>`, html`<meta http-equiv="refresh" content="0;url=${to}" />`);
}

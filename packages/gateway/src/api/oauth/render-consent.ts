import { html } from 'hono/html';
import type { AuthorizationRequest } from '../../control/oauth/authorize.ts';
import type { OauthClient } from '../../control/oauth/find-client.ts';
import { redirectPlace } from '../../kernel/redirect-uri.ts';
import { scopeText } from '../../control/oauth/scopes.ts';
import { renderPage, renderRail, type Html } from '../console/render-page.ts';

export interface ConsentView {
  readonly request: AuthorizationRequest;
  /** Whose name the client is to act in. */
  readonly person: string;
  readonly publicUrl: string;
  /** Of this page: the answer holds it. */
  readonly token: string;
  readonly unusedDays: number;
}

/** Asks a person whether a client may act for them. Everything that the client says of itself is shown as its own words. */
export function renderConsent({ request, person, publicUrl, token, unusedDays }: ConsentView): Html {
  const { client, redirectUri, resource, scopes } = request;
  const place = redirectPlace(redirectUri);
  return renderPage(
    `Allow ${client.name}? · GatewayOps`,
    '',
    html`<main class="consent">
      ${renderRail('The rail: auth, access, limit, guard, server, reply', 'whole')}
      <h1>Allow <b>${client.name}</b> to act for you?</h1>
      <p class="vouch ${client.kind === 'configured' || client.kind === 'own' ? '' : 'state warn'}">${vouch(client)}</p>
      <dl>
        <dt>In the name of</dt>
        <dd>${person}</dd>
        <dt>At</dt>
        <dd>${resource.title}<br /><code>${publicUrl}${resource.path}</code></dd>
        <dt>It may</dt>
        <dd>
          <ul>
            ${scopes.map((scope) => html`<li>${scopeText(scope)}</li>`)}
          </ul>
          <span class="dim">and never more than you may yourself.</span>
        </dd>
        <dt>The answer goes to</dt>
        <dd>${place.isLocal ? html`a program on your computer, <code>${place.name}</code>` : html`<code>${place.name}</code>`}</dd>
        <dt>Until</dt>
        <dd>you revoke it, or it is not used for ${unusedDays} days</dd>
      </dl>
      <form method="post" action="${publicUrl}/oauth/consent">
        <input type="hidden" name="request" value="${token}" />
        <button class="primary" name="decision" value="allow">Allow</button>
        <button name="decision" value="deny">Deny</button>
      </form>
      <p class="dim">Deny, if you did not just ask a program to connect.</p>
    </main>`,
    { base: publicUrl, script: false },
  );
}

function vouch({ id, kind }: OauthClient): Html | string {
  if (kind === 'own') return html`It says that it is <code>gateway login</code> on this computer: allow it only if you have just typed that.`;
  if (kind === 'configured') return 'Your administrator has set this client up.';
  if (kind === 'document') return html`The name is what <code>${new URL(id).host}</code> calls it.`;
  return 'The name is what the program calls itself; nobody vouches for it.';
}

/** For a request that cannot be answered where it wants to be answered. */
export function renderRefusedRequest(description: string, publicUrl: string): Html {
  return renderPage(
    'Not allowed · GatewayOps',
    '',
    html`<main class="consent">
      ${renderRail('Stopped at auth', 'blocked')}
      <h1>This program cannot sign in so</h1>
      <p>What it asked for is not in order: ${description}.</p>
      <p class="dim">Nothing was given out. Tell whoever runs the program, or try to connect anew.</p>
    </main>`,
    { base: publicUrl, script: false },
  );
}

/** Loads the page once more, from a page of ours: after a link on another site the browser withholds a strict cookie. */
export function renderContinue(to: string, publicUrl: string): Html {
  return renderPage(
    'GatewayOps',
    html`<meta http-equiv="refresh" content="0;url=${to}" />`,
    html`<main class="consent">
      <p>Opening… <a href="${to}">Continue</a></p>
    </main>`,
    { base: publicUrl, script: false },
  );
}

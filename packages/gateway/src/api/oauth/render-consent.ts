import { html } from 'hono/html';
import type { AuthorizationRequest } from '../../control/oauth/authorize.ts';
import { isVouchedFor, type OauthClient } from '../../control/oauth/find-client.ts';
import { redirectPlace } from '../../kernel/redirect-uri.ts';
import { scopeText } from '../../control/oauth/scopes.ts';
import { renderPage, renderStopped, type Html } from '../pages/render-page.ts';

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
    `Allow ${client.name}?`,
    publicUrl,
    html`<h1>Allow ${client.name} to act for you?</h1>
      <p class="${isVouchedFor(client.kind) ? '' : 'warn'}"><span>${vouch(client)}</span></p>
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
      <form method="post" action="${publicUrl}/oauth/consent" class="decide">
        <input type="hidden" name="request" value="${token}" />
        <button name="decision" value="allow">Allow</button>
        <button class="second" name="decision" value="deny">Deny</button>
      </form>
      <p class="dim">Deny, if you did not just ask a program to connect.</p>`,
  );
}

function vouch({ id, kind }: OauthClient): Html | string {
  if (kind === 'own') return html`It says that it is <code>gateway login</code> on this computer: allow it only if you have just typed that.`;
  if (kind === 'configured') return 'Your administrator has set this client up.';
  if (kind === 'document') return html`The name is what <code>${new URL(id).host}</code> calls it.`;
  return 'The name is what the program calls itself; nobody vouches for it.';
}

/** For a request that is not answered where it wants to be answered; `answer`: the address that would tell the program, for whoever wants to go there. */
export function renderRefusedRequest(
  description: string,
  publicUrl: string,
  { requestId, answer }: { readonly requestId: string; readonly answer: string | null },
): Html {
  return renderPage(
    'Not allowed',
    publicUrl,
    html`${renderStopped('Stopped at auth')}
      <h1>This program cannot sign in so</h1>
      <p>What it asked for is not in order: ${description}.</p>
      <p>Nothing was given out. Try to connect anew; if it stays so, tell whoever made the program.</p>
      ${answer === null ? '' : html`<p>If you have just come from there: <a href="${answer}" rel="noreferrer">tell ${redirectPlace(answer).name}</a>.</p>`}
      <p class="dim">Request <code>${requestId}</code></p>`,
  );
}

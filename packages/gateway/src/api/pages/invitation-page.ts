/** Where somebody who was invited becomes a user, in a browser: neither a key nor a command line is needed for it. */
import type { Context } from 'hono';
import { html } from 'hono/html';
import { acceptInvitation } from '../../control/invitations/accept-invitation.ts';
import { invitationTokenPattern } from '../../control/invitations/invite-user.ts';
import { pathPrefix } from '../../control/sign-in/return-path.ts';
import { Fault } from '../../kernel/fault.ts';
import { peerOf } from '../authenticate-caller.ts';
import { readForm } from '../read-form.ts';
import type { ApiApp, ApiEnvironment } from '../route.ts';
import { answerPage } from './answer-page.ts';
import { renderPage, type Html } from './render-page.ts';

const path = '/invitation';
/** A token, written in any way, fits many times. */
const formBytesMax = 4096;

/** The token is never in an address: those are kept by browsers and logs. */
export function invitationPage(app: ApiApp): void {
  app.get(path, (c) => answerPage(c, renderForm(prefixOf(c), null), 200));
  app.post(path, async (c) => {
    const { dependencies, requestId } = c.var;
    const prefix = prefixOf(c);
    try {
      const token = ((await readForm(c, formBytesMax, 'what is accepted here')).get('token') ?? '').trim();
      if (!invitationTokenPattern.test(token))
        return await answerPage(c, renderForm(prefix, 'This is not an invitation token: those begin with invite_.'), 400);
      // Whoever has the token may use it, so that no other site gains anything by sending one.
      const { name } = await acceptInvitation({ ...dependencies, requestId, peer: peerOf(c) }, token);
      return await answerPage(c, renderAccepted(prefix, name), 200);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return answerPage(c, renderForm(prefix, `${error.message} ${error.fix}`), error.code === 'unavailable' ? 503 : 400);
    }
  });
}

const prefixOf = (c: Context<ApiEnvironment>): string => pathPrefix(c.var.dependencies.publicUrl());

function renderForm(prefix: string, problem: string | null): Html {
  return renderPage(
    'Accept an invitation',
    prefix,
    html`<h1>Accept an invitation</h1>
      <p class="dim">Enter the token from the person who invited you. It works once.</p>
      <form method="post" action="${prefix}${path}" class="by-email">
        <label for="token">Token</label>
        <div class="row">
          <input
            id="token"
            name="token"
            type="password"
            autocomplete="off"
            placeholder="invite_…"
            required
            maxlength="200"
            ${problem === null ? '' : html`aria-describedby="problem" aria-invalid="true"`}
          />
          <button type="submit" class="choice">Accept</button>
        </div>
        ${problem === null ? '' : html`<p id="problem" class="problem" role="alert">${problem}</p>`}
      </form>`,
  );
}

function renderAccepted(prefix: string, name: string): Html {
  return renderPage(
    'You are a user',
    prefix,
    html`<h1>Welcome, ${name}</h1>
      <p>You are a user of this gateway now. Sign in with the address that was invited.</p>
      <ul class="choices">
        <li><a class="choice" href="${prefix}/sign-in">Sign in</a></li>
      </ul>`,
  );
}

import { html, raw } from 'hono/html';

export type Html = ReturnType<typeof html>;

/** The frame of every page before a session: what is put into it is escaped by `html`. `prefix` as in `pathPrefix`, or a whole address. */
export function renderPage(title: string, prefix: string, main: Html, head: Html | string = ''): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · GatewayOps</title>
        <link rel="icon" href="${prefix}/pages/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="${prefix}/pages/page.css" />
        ${head}
      </head>
      <body>
        <header>${renderLogo()} GatewayOps</header>
        <main>${main}</main>
      </body>
    </html>`;
}

/** auth, access, limit, guard, server, reply: the stops of every call. */
const railStops = 6;
const railAt = (index: number): number => 6 + (index * (84 - 12)) / (railStops - 1);

/** The rail, stopped at its first stop: a barred circle, so that it is seen without colour. */
export function renderStopped(label: string): Html {
  const parts = Array.from({ length: railStops }, (_, index) =>
    index === 0
      ? `<circle class="blocked" cx="${railAt(0)}" cy="6" r="4"/><path class="blocked" d="M${railAt(0) - 2.6} 8.6l5.2-5.2"/>`
      : `<path class="dashed" d="M${railAt(index - 1) + 4} 6H${railAt(index) - 4}"/><circle class="open" cx="${railAt(index)}" cy="6" r="2.5"/>`,
  );
  return html`<svg class="rail" viewBox="0 0 84 12" width="168" height="24" role="img" aria-label="${label}">${raw(parts.join(''))}</svg>`;
}

/** The sign of the house, as the dashboard draws it. */
function renderLogo(): Html {
  const dots = Array.from({ length: railStops }, (_, index) =>
    index === 4 ? `<circle class="accent" cx="${railAt(4)}" cy="6" r="4.5"/>` : `<circle cx="${railAt(index)}" cy="6" r="3"/>`,
  );
  return html`<svg class="logo" viewBox="0 0 84 12" width="72" height="12" aria-hidden="true">${raw(`<path d="M6 6H78"/>${dots.join('')}`)}</svg>`;
}

/** To paste; one click chooses all of it. */
export function renderCommand(text: string): Html {
  return html`<p class="command"><code>${text}</code></p>`;
}
